"""Run every test: `make test` prepares what is missing, then runs on SQLite and on PostgreSQL with Redis.

Standard library only, because nothing is installed yet. Arguments go to pytest.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import prepare
from prepare import PYTHON, ROOT, Stop, say

NOTHING_COLLECTED = 5


def main() -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the servers are stopped then, too
    began = time.monotonic()
    try:
        prepare.require_python()
        sys.path.insert(0, str(ROOT))
        code = run(sys.argv[1:])
    except Stop as reason:
        say(str(reason))
        return 1
    except KeyboardInterrupt:
        return 130
    say(f"{'All passed' if code == 0 else 'There are failures'}, after {time.monotonic() - began:.0f} s.")
    return code


def run(arguments: list[str]) -> int:
    """Both databases, even if the first has failures; the first exit code that is not 0."""
    from tests import services  # after the version of Python is known to do

    codes = []
    try:
        if services.VENV in services.missing():
            services.install_missing()
        with ThreadPoolExecutor() as beside:  # Debian's packages and Python's come from different places
            servers_there = beside.submit(services.install_missing)
            prepare.packages("requirements-test.txt")
            prepare.front_end()
            prepare.translations()
            servers_there.result()
        with services.running() as servers:
            for database in ("sqlite", "postgresql"):
                say(f"\nTests on {database}")
                # Two more than there are cores: who drives a browser or a server waits for it half of the time.
                command = [str(PYTHON), "-m", "pytest", "-q", "-n", str(min((os.cpu_count() or 2) + 2, 6))]
                command += ["--dist=worksteal", "--durations=15", "--durations-min=5"]
                command += ["--database", database, *(arguments or ["tests"])]
                code = subprocess.run(command, cwd=ROOT, env=dict(os.environ, **servers)).returncode
                # A choice of tests may hold none that the database can change; the whole never does.
                codes.append(0 if code == NOTHING_COLLECTED and arguments else code)
    except services.Missing as reason:
        raise Stop(str(reason)) from None
    return next((code for code in codes if code), 0)


if __name__ == "__main__":
    raise SystemExit(main())
