"""Start the portal: `make run` prepares what is missing, then keeps web server, worker and sandbox running.

Standard library only, because nothing is installed yet.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import http.client
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import prepare
from prepare import PYTHON, ROOT, Stop, say, tail

SEASON = ROOT / "portal" / "catalogue" / "facts" / "season_2024.json"
READY_SECONDS = 60
STOP_SECONDS = 20
# A process that dies is started again after this long, twice as long each time up to the longest; one that has
# lived for a while starts at the beginning again.
SHORTEST_PAUSE, LONGEST_PAUSE, LIVED_SECONDS = 0.5, 30.0, 60.0
DATA_NEEDS_BYTES = 100_000_000
ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
ASK_TO_END = 1  # PR_SET_PDEATHSIG of Linux


class Child:
    """One process of the portal, its log, and when it may be started again."""

    def __init__(self, name: str, command: list[str | Path], environment: dict[str, str], log: Path) -> None:
        self.name, self.command, self.environment, self.log = name, command, environment, log
        self.process: subprocess.Popen[bytes] | None = None
        self.pause, self.started, self.start_at = SHORTEST_PAUSE, 0.0, 0.0

    def start(self) -> None:
        self.started = time.monotonic()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches the launcher alone, which stops the others in order
                preexec_fn=end_with_parent,
            )

    def died(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def look_after(self) -> None:
        """Start the process again if it died and its pause is over."""
        now = time.monotonic()
        if self.died():
            assert self.process is not None
            code = self.process.returncode
            self.kill()
            self.pause = SHORTEST_PAUSE if now - self.started > LIVED_SECONDS else self.pause
            say(f"{self.name} ended unexpectedly ({ending(code)}); it starts again in {self.pause:g} s.")
            self.start_at, self.pause = now + self.pause, min(self.pause * 2, LONGEST_PAUSE)
            self.process = None
        if self.process is None and now >= self.start_at:
            self.start()

    def ask_to_stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()

    def kill(self) -> None:
        """End what is left of the process and of those it started."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


class Interrupted(BaseException):
    """Somebody asked the launcher to end."""


def main() -> int:
    for number in ENDS:
        # Started by nohup, it outlives the terminal.
        if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, interrupt)
    children: list[Child] = []
    try:
        prepare.require_python()
        if os.environ.get("MAKELEVEL"):
            end_with_parent()
        start(children)
        while True:
            for child in children:
                child.look_after()
            time.sleep(0.2)
    except Stop as reason:
        say(str(reason))
        return 1
    except OSError as error:  # a full disk above all
        say(f"The portal cannot go on: {error}.")
        return 1
    except Interrupted:
        return 0
    finally:
        ignore_ends()
        stop(children)


def start(children: list[Child]) -> None:
    """Everything up to the point where the portal answers; what is started is added to `children`."""
    port = chosen_port()
    real_payments = bool(os.environ.get("STRIPE_API_KEY")) or os.environ.get("PORTAL_ENV") == "production"
    for each in [port] if real_payments else [port, port + 1]:
        require_free(each)
    data = data_folder()
    prepare.packages("requirements.txt")
    prepare.front_end()
    prepare.translations()
    log = data / "log"
    log.mkdir(exist_ok=True)
    environment = dict(os.environ, PORTAL_DATA=str(data), PORT=str(port), PYTHONUNBUFFERED="1")
    fill_database(data, environment, log / "setup.log")
    server: list[str | Path] = [PYTHON, "-m", "gunicorn", "-c", ROOT / "scripts" / "gunicorn.conf.py"]
    children.append(Child("The web server", [*server, "wsgi:app"], environment, log / "web.log"))
    children.append(Child("The worker", [PYTHON, "-m", "portal.worker"], environment, log / "worker.log"))
    if not real_payments:
        sandbox = sandbox_environment(environment, data, port)
        command: list[str | Path] = [*server, "sandbox:create_sandbox()"]
        children.append(Child("The payment sandbox", command, sandbox, log / "sandbox.log"))
    say("Starting ...")
    for child in children:
        child.start()
    wait_until_ready(children, port, None if real_payments else port + 1)
    say(welcome(data, port, sandboxed=not real_payments))


def chosen_port() -> int:
    given = os.environ.get("PORT") or "8000"
    if not (given.isdecimal() and 0 < int(given) < 65535):
        raise Stop(f"PORT is {given!r}; it must be a number from 1 to 65534.")
    return int(given)


def require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((os.environ.get("HOST") or "127.0.0.1", port))
        except PermissionError:
            raise Stop(f"Port {port} may not be used by this user: choose one above 1023 with PORT=.") from None
        except OSError:
            raise Stop(f"Port {port} is taken: choose another with PORT=, for example make run PORT=8080.") from None


def data_folder() -> Path:
    """The folder for everything that is kept, for this launcher alone."""
    data = Path(os.environ.get("PORTAL_DATA") or ROOT / "instance").resolve()
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=data).close()
        lock = os.open(data / "run.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        reason = f"The data folder {data} cannot be written ({error.strerror})"
        raise Stop(f"{reason}: choose another with PORTAL_DATA=.") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # held until this process ends
    except OSError:
        raise Stop(f"A portal already runs on the data folder {data}.") from None
    if shutil.disk_usage(data).free < DATA_NEEDS_BYTES:
        raise Stop(f"There is too little room on the disk of {data}: {DATA_NEEDS_BYTES // 10**6} MB are needed.")
    return data


def fill_database(data: Path, environment: dict[str, str], log: Path) -> None:
    """The schema of this version, the season, the demonstration; all of it keeps what is there.

    Left out where the database is as the last start of this same version left it: that saves some seconds.
    """
    sources = [*ROOT.glob("portal/**/*.py"), *ROOT.glob("migrations/**/*.py"), *ROOT.glob("portal/*/facts/*")]
    version = prepare.digest_of(sorted(sources))
    database = None if os.environ.get("DATABASE_URL") else data / "portal.db"
    filled = data / "filled"
    demonstration = environment.get("PORTAL_ENV", "demonstration") == "demonstration"
    complete = (data / "demonstration.json").exists() or not demonstration
    if database and complete and filled.exists() and filled.read_text() == f"{version} {schema_of(database)}":
        return
    say("Preparing the database ...")
    flask(["setup", str(SEASON)], environment, log)
    if database:
        filled.write_text(f"{version} {schema_of(database)}")


def schema_of(database: Path) -> str | None:
    """The migration that this SQLite file has reached, None if it is not there."""
    if not database.exists():
        return None
    with contextlib.closing(sqlite3.connect(database)) as connection:
        try:
            return str(connection.execute("SELECT version_num FROM alembic_version").fetchone())
        except sqlite3.Error:
            return None


def flask(command: list[str], environment: dict[str, str], log: Path) -> None:
    with log.open("w") as words:
        done = subprocess.run(
            [PYTHON, "-m", "flask", "--app", "wsgi", *command],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=subprocess.STDOUT,
        )
    if done.returncode:
        raise Stop(f"`flask {command[0]}` failed; its last words:\n{tail(log)}")


def sandbox_environment(environment: dict[str, str], data: Path, port: int) -> dict[str, str]:
    """The sandbox signs its events with the secret by which the portal knows them."""
    kept = json.loads((data / "secrets.json").read_text())
    return dict(
        environment,
        PORT=str(port + 1),
        WEB_PROCESSES="1",
        WEB_THREADS="8",
        SANDBOX_DATA=str(data / "sandbox.db"),
        SANDBOX_MAIL=str(data / "mail"),
        SANDBOX_WEBHOOK_URL=f"http://127.0.0.1:{port}/webhooks/stripe",
        SANDBOX_YOOKASSA_URL=f"http://127.0.0.1:{port}/webhooks/yookassa",
        SANDBOX_WEBHOOK_SECRET=environment.get("STRIPE_WEBHOOK_SECRET") or kept["STRIPE_WEBHOOK_SECRET"],
    )


def wait_until_ready(children: list[Child], port: int, sandbox_port: int | None) -> None:
    until = time.monotonic() + READY_SECONDS
    while status(port, "/readyz") != 200 or (sandbox_port and status(sandbox_port, "/") is None):
        for child in children:
            if child.died():
                assert child.process is not None
                code = ending(child.process.returncode)
                raise Stop(f"{child.name} does not start ({code}); its last words:\n{tail(child.log)}")
        if time.monotonic() > until:
            words = "\n".join(f"{child.log}:\n{tail(child.log, 5)}" for child in children)
            raise Stop(f"The portal does not answer after {READY_SECONDS} s.\n{words}")
        time.sleep(0.1)


def status(port: int, path: str) -> int | None:
    """The status of the answer to GET, None without an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def welcome(data: Path, port: int, sandboxed: bool) -> str:
    lines = ["", f"The portal is ready:  http://127.0.0.1:{port}/", ""]
    kept = data / "demonstration.json"
    if kept.exists():
        accounts = json.loads(kept.read_text())
        width = max(len(account["email"]) for account in accounts)
        lines += ["Demonstration accounts:"]
        lines += [f"  {each['email']:<{width}}  {each['password']}  {each['role']}" for each in accounts]
    if sandboxed:
        lines += [
            f"Payment sandbox:      http://127.0.0.1:{port + 1}/",
            "  test cards, any later month, any code: 2202 4743 0132 2987 (Mir), 4242 4242 4242 4242 (foreign),",
            "  9934 0099 0000 0004 (Turkmen, for a booking in manats)",
        ]
    if os.environ.get("MAIL_URL"):
        lines += ["Mail goes to the server of MAIL_URL."]
    else:
        lines += [f"Mail goes to the folder {data / 'mail'}"]
        lines += [f"  and is read at http://127.0.0.1:{port + 1}/mail"] if sandboxed else []
    return "\n".join([*lines, f"Logs are in {data / 'log'}.", "", "Ctrl-C stops it."])


def stop(children: list[Child]) -> None:
    """Ask all at once, wait for each, end what is left."""
    for child in children:
        child.ask_to_stop()
    until = time.monotonic() + STOP_SECONDS
    for child in children:
        while child.process is not None and child.process.poll() is None and time.monotonic() < until:
            time.sleep(0.05)
        child.kill()
    if children:
        say("Stopped.")


def interrupt(number: int, frame: object) -> None:
    ignore_ends()  # a second Ctrl-C must not cut the stopping short
    raise Interrupted


def ignore_ends() -> None:
    for number in ENDS:
        signal.signal(number, signal.SIG_IGN)


def end_with_parent() -> None:
    """Have this process asked to end when the one that started it is gone, so that none is left behind."""
    if sys.platform == "linux":
        LIBC.prctl(ASK_TO_END, signal.SIGTERM)


def ending(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"


LIBC = ctypes.CDLL(None)

if __name__ == "__main__":
    raise SystemExit(main())
