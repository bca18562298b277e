"""Which package may import which, and what no file of the project may name."""

import ast
import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.once

PROJECT = Path(__file__).parent.parent
ROOT = PROJECT / "portal"
ARROWS = {
    "kernel": [],
    "config": ["kernel"],
    "extensions": [],
    "database": ["kernel"],
    "migrating": [],  # what migrations share
    "outbox": ["kernel", "database", "extensions"],
    "audit": ["kernel", "database", "extensions"],
    "web": ["kernel", "database", "extensions"],
    "accounts": ["outbox", "audit", "web"],
    "files": ["outbox", "audit", "web"],
    "catalogue": ["outbox", "audit", "web"],
    "pricing": ["catalogue"],
    "inventory": ["accounts", "pricing"],
    "ledger": ["outbox", "audit"],
    "booking": ["inventory", "ledger"],
    "payments": ["booking", "files"],
    "visas": ["booking", "files"],
    "boarding": ["payments", "visas"],
    "privacy": ["payments", "visas"],  # what a guest may ask about all of it
    "staff": ["boarding"],
    "demonstration": ["config", "kernel"],
    "cli": ["config", "staff"],  # calls one service for each command
}
# What knows every package: the factory, and the worker, where a process begins as it does in wsgi.py.
WHOLE = {ROOT / "__init__.py", ROOT / "worker.py"}
MODULES = sorted(set(ROOT.rglob("*.py")) - WHOLE)
NOT_OURS = {".git", ".venv", "node_modules", "instance", "build", "__pycache__"}
REGISTRY = re.compile(
    r"registry\.(npmjs|yarnpkg|npmmirror)|pypi\.(org|python)|pythonhosted|^\s*--?(extra-)?(index-url|find-links|i)\b"
    r'|^\s*registry\s*=|"resolved"\s*:|"registry"\s*:',
    re.MULTILINE,
)


def may_import(package: str) -> set[str]:
    """`package` itself, its arrows, and theirs."""
    return {package}.union(*(may_import(other) for other in ARROWS[package]))


def imported_names(path: Path) -> list[str]:
    """Every name that the module imports, in full."""
    names = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import hides where it leads"
            names += [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
    return names


def imported_packages(path: Path) -> set[str]:
    return {name.split(".")[1] for name in imported_names(path) if name.startswith("portal.")}


def own_files(*suffixes: str) -> list[Path]:
    """The files of the project with these endings, without what is installed, built or kept."""
    return [
        path
        for path in PROJECT.rglob("*")
        if path.is_file()
        and not NOT_OURS.intersection(path.relative_to(PROJECT).parts)
        and (path.suffix in suffixes or not suffixes)
    ]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_imports_only_what_its_package_may(path):
    package = path.relative_to(ROOT).parts[0].removesuffix(".py")

    assert imported_packages(path) <= may_import(package)


def test_only_views_and_what_guards_them_import_web():
    importing = [path for path in MODULES if "web" not in path.parts and "web" in imported_packages(path)]

    allowed = [path for path in importing if path.stem.endswith("views") or path.name == "access.py"]
    assert [path for path in importing if path not in allowed and "views" not in path.parts] == []


def test_views_ask_queries_and_services_never_the_database():
    views = [path for path in MODULES if path.stem.endswith("views") or "views" in path.parent.parts]
    asking = [
        path
        for path in views
        if path != ROOT / "web" / "views.py"  # which says whether the database is there
        and any(name.startswith(("sqlalchemy", "portal.database")) for name in imported_names(path))
    ]

    assert asking == []


def test_nothing_imports_the_application_factory_or_the_whole_package():
    importing = [path for path in MODULES if {"portal", "portal.create_app"}.intersection(imported_names(path))]

    assert importing == []


def test_portal_and_sandbox_do_not_know_each_other():
    strangers = [("sandbox", path) for path in MODULES]
    strangers += [("portal", path) for path in (PROJECT / "sandbox").rglob("*.py")]

    knowing = [path for other, path in strangers if any(name.split(".")[0] == other for name in imported_names(path))]

    assert knowing == []


def test_every_module_opens_with_what_it_is_for():
    # The names of tests say what they are for.
    modules = [path for path in own_files(".py") if not {"tests", "migrations"}.intersection(path.parts)]

    assert [path for path in modules if not ast.get_docstring(ast.parse(path.read_text()))] == []


def test_no_module_is_named_after_nothing():
    named = [path for path in own_files(".py") if {"utils", "data"}.intersection({path.stem, *path.parent.parts})]

    assert named == []


def test_no_file_names_a_package_registry():
    naming = []
    for path in own_files():
        if path == Path(__file__) or path.stat().st_size > 2_000_000:
            continue
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        naming += [f"{path.relative_to(PROJECT)}: {found.group()}" for found in REGISTRY.finditer(text)]

    assert naming == []


def test_the_test_requirements_hold_all_that_the_portal_runs_on():
    pins = {
        name: set(re.findall(r"^([\w.-]+==[^ ;\\]+)", (PROJECT / name).read_text(), re.MULTILINE))
        for name in ("requirements.txt", "requirements-test.txt")
    }

    assert pins["requirements.txt"] <= pins["requirements-test.txt"]


def test_everything_that_pyproject_names_is_locked():
    locked = (PROJECT / "requirements-test.txt").read_text()
    named = re.findall(r'^    "([\w-]+)(?:\[\w+\])?==([^"]+)"', (PROJECT / "pyproject.toml").read_text(), re.MULTILINE)

    assert len(named) > 20
    assert [f"{name}=={version}" for name, version in named if f"{name}=={version} " not in locked] == []
