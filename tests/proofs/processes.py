"""The portal as it really runs: web server, worker and payment sandbox as processes of their own, on free ports."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
SERVER = [sys.executable, "-m", "gunicorn", "-c", str(ROOT / "scripts" / "gunicorn.conf.py")]
READY_SECONDS = 60
STOP_SECONDS = 20


class Process:
    """One process with all that it starts, in a session of its own; its words go to `log`."""

    def __init__(self, command: list[str], environment: Mapping[str, str], log: Path) -> None:
        self._command, self._environment, self._log = command, dict(environment), log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def children(self) -> list[int]:
        """The processes that this one started, as gunicorn starts its workers."""
        if self._process is None:
            return []
        listed = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        with contextlib.suppress(OSError):
            return [int(number) for number in listed.read_text().split()]
        return []

    def kill(self) -> None:
        """End it and all that it started, without a word."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def stop(self) -> None:
        """Ask it to end, and see to it."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_SECONDS)
        self.kill()

    def words(self) -> str:
        return self._log.read_text(errors="replace")


class Portal:
    """Web server, worker and sandbox over one data folder; none of them runs until it is started."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.port, self.sandbox_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.folder = folder
        self.sandbox_data = folder / "sandbox.db"
        self.environment = {
            **os.environ,
            "PORTAL_DATA": str(folder),
            "PORT": str(self.port),
            "PUBLIC_URL": self.url,
            "STRIPE_API_BASE": f"http://127.0.0.1:{self.sandbox_port}",
            "PYTHONUNBUFFERED": "1",
            **environment,
        }
        (folder / "log").mkdir(exist_ok=True)
        self.web = self.serve("wsgi:app")
        self.worker = Process([sys.executable, "-m", "portal.worker"], self.environment, folder / "log" / "worker.log")
        self.sandbox: Process | None = None

    def serve(self, application: str, name: str = "web", **environment: str) -> Process:
        """A gunicorn with the portal's own settings."""
        return Process([*SERVER, application], {**self.environment, **environment}, self.folder / "log" / f"{name}.log")

    def flask(self, *command: str) -> None:
        """Run a command of the portal to its end."""
        done = subprocess.run(
            [sys.executable, "-m", "flask", "--app", "wsgi", *command],
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"flask {' '.join(command)}: {done.stderr[-2000:]}"

    def start(self, *, worker: bool = True, sandbox: bool = True) -> None:
        """Start all, and wait until they answer."""
        self.web.start()
        if worker:
            self.worker.start()
        wait_for(lambda: status(self.port, "/healthz") == 200, "the web server answers", self.web)
        if sandbox:  # it needs the secrets that the portal made
            self.sandbox = self._sandbox()
            self.sandbox.start()
            wait_for(lambda: status(self.sandbox_port, "/") == 200, "the sandbox answers", self.sandbox)
        if worker:
            wait_for(lambda: status(self.port, "/readyz") == 200, "the portal is ready", self.web, self.worker)

    def stop(self) -> None:
        for process in (self.web, self.worker, self.sandbox):
            if process is not None:
                process.stop()

    def _sandbox(self) -> Process:
        kept = json.loads((self.folder / "secrets.json").read_text())
        environment = {
            "PORT": str(self.sandbox_port),
            "WEB_PROCESSES": "1",
            "WEB_THREADS": "8",
            "SANDBOX_DATA": str(self.sandbox_data),
            "SANDBOX_MAIL": str(self.folder / "mail"),
            "SANDBOX_WEBHOOK_URL": f"{self.url}/webhooks/stripe",
            "SANDBOX_WEBHOOK_SECRET": kept["STRIPE_WEBHOOK_SECRET"],
        }
        return self.serve("sandbox:create_sandbox()", "sandbox", **environment)


@contextmanager
def portal(folder: Path, **environment: str) -> Iterator[Portal]:
    """A portal over `folder`, with these settings besides those of this process; stopped in the end."""
    made = Portal(folder, environment)
    try:
        yield made
    finally:
        made.stop()


def wait_for(true: Callable[[], bool], what: str, *processes: Process, seconds: float = READY_SECONDS) -> None:
    """Until `true()`; fails after `seconds`, or when one of `processes` has ended, with their last words."""
    until = time.monotonic() + seconds
    while not true():
        ended = any(not process.running() for process in processes)
        if ended or time.monotonic() > until:
            words = "\n".join(process.words()[-2000:] for process in processes)
            raise AssertionError(f"Waited in vain until {what}.\n{words}")
        time.sleep(0.05)


def status(port: int, path: str, seconds: float = 5) -> int | None:
    """The status of the answer to GET, None without an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=seconds)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
