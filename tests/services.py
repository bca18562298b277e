"""The servers and the browser that the tests need: found, on Debian installed, started for one run and removed.

Standard library only: this runs before anything of the project is installed.
"""

from __future__ import annotations

import glob
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PATIENCE_SECONDS = 60
VENV = "Python's venv module"
# What is missing, the Debian package that brings it.
PACKAGES = {
    VENV: "python3-venv",  # Debian leaves it out of python3
    "PostgreSQL": "postgresql",
    "Redis": "redis-server",
    "Chromium": "chromium",
}


class Missing(Exception):
    """Something the tests need is not here; the message says in one sentence what to do."""


def postgresql_folder() -> Path | None:
    """Where initdb and postgres are; Debian keeps them off the path, one folder a version."""
    folders = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda name: int(name.split("/")[4]), reverse=True)
    on_path = shutil.which("initdb")
    for folder in [*folders, *([str(Path(on_path).resolve().parent)] if on_path else [])]:
        if Path(folder, "initdb").exists() and Path(folder, "postgres").exists():
            return Path(folder)
    return None


def redis_program() -> str | None:
    return shutil.which("redis-server") or shutil.which("valkey-server")


def chromium_program() -> str | None:
    given = os.environ.get("CHROMIUM")
    if given:
        return shutil.which(given)
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next(filter(None, map(shutil.which, names)), None)


def missing() -> list[str]:
    found = {
        VENV: importlib.util.find_spec("ensurepip"),
        "PostgreSQL": postgresql_folder(),
        "Redis": redis_program(),
        "Chromium": chromium_program(),
    }
    return [name for name, place in found.items() if not place]


def install_missing() -> None:
    """Install what is not here with apt-get where that is possible. Raises Missing where it is not or did not help."""
    names = missing()
    if not names:
        return
    packages = [PACKAGES[name] for name in names]
    wanted = f"The tests need {' and '.join(names)}"
    if not (shutil.which("apt-get") and Path("/etc/debian_version").exists()):
        raise Missing(f"{wanted}: install {'it' if len(names) == 1 else 'them'} (server programs) and start again.")
    if os.geteuid() != 0:
        raise Missing(f"{wanted}: run `sudo apt-get install {' '.join(packages)}` and start again.")
    print(f"Installing {', '.join(packages)} ...", flush=True)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    apt = ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=600", "-o", "Acquire::Retries=3"]
    # A package list that is partly out of reach is no reason to stop: the packages may be known already.
    subprocess.run([*apt, "update"], env=environment, stdin=subprocess.DEVNULL, capture_output=True)
    # An init script that starts a server of its own would only hold ports and memory: the tests start theirs.
    with _no_services_started():
        done = subprocess.run(
            [*apt, "install", "-y", "--no-install-recommends", *packages],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
    importlib.invalidate_caches()
    if missing():
        print(done.stdout[-2000:] + done.stderr[-2000:])
        raise Missing(f"{wanted}, and apt-get could not install {' '.join(packages)}: its last words stand above.")


@contextmanager
def running(*, durable: bool = False) -> Iterator[dict[str, str]]:
    """PostgreSQL and Redis of this run alone, on free ports of the loopback; yields the environment of the tests.

    durable: PostgreSQL waits for the disk at each commit, as in production; slower, for measurements.
    """
    folder = Path(tempfile.mkdtemp(prefix="portal-services-"))
    servers: list[subprocess.Popen[bytes]] = []
    try:
        postgres_port, redis_port = _free_port(), _free_port()
        make_cluster(folder / "postgresql")
        servers.append(start_postgresql(folder / "postgresql", postgres_port, durable=durable))
        servers.append(_start_redis(folder / "redis", redis_port))
        yield {
            "TEST_POSTGRES_URL": f"postgresql+psycopg://postgres@127.0.0.1:{postgres_port}/postgres",
            "TEST_REDIS_URL": f"redis://127.0.0.1:{redis_port}",
            "CHROMIUM": chromium_program() or "",
        }
    finally:
        for server in servers:
            # For PostgreSQL: sessions are cut off, data is put in order.
            server.send_signal(signal.SIGINT)
        for server in servers:
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
        shutil.rmtree(folder, ignore_errors=True)


def make_cluster(folder: Path) -> None:
    """An empty PostgreSQL cluster in the new folder `folder`, whose parent is a temporary folder of ours."""
    programs = postgresql_folder()
    assert programs is not None
    folder.mkdir(mode=0o700)
    as_user = _postgresql_user()
    if as_user:
        shutil.chown(folder, as_user["user"], as_user["group"])
        folder.parent.chmod(0o711)
    with tempfile.TemporaryFile() as log:
        subprocess.run(
            [
                str(programs / "initdb"),
                f"--pgdata={folder}/cluster",
                "--username=postgres",
                "--auth=trust",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
                "--no-sync",
            ],
            cwd=folder,
            stdout=log,
            stderr=subprocess.STDOUT,
            check=True,
            **as_user,
        )


def start_postgresql(folder: Path, port: int, *, durable: bool = False) -> subprocess.Popen[bytes]:
    """A server for the cluster in `folder`, which may have been stopped before; it answers when this returns."""
    programs = postgresql_folder()
    assert programs is not None
    settings = {
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",
        "port": port,
        "max_connections": 300,
        "log_min_messages": "fatal",
    }
    if not durable:  # nothing has to outlive the run
        settings |= {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "autovacuum": "off"}
    arguments = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    server = subprocess.Popen(
        [str(programs / "postgres"), "-D", f"{folder}/cluster", *arguments],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is for the tests; the server is stopped after them
        **_postgresql_user(),
    )
    ready = [str(programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
    _wait("PostgreSQL", server, lambda: subprocess.run(ready).returncode == 0)
    return server


def _postgresql_user() -> dict[str, Any]:
    """PostgreSQL refuses to run as root: then as whom."""
    if os.geteuid() != 0:
        return {}
    user = "postgres"
    return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}


def _start_redis(folder: Path, port: int) -> subprocess.Popen[bytes]:
    program = redis_program()
    assert program is not None
    folder.mkdir()
    server = subprocess.Popen(
        [program, "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no", "--databases", "64"],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    _wait("Redis", server, lambda: _answers(port))
    return server


def _wait(name: str, server: subprocess.Popen[bytes], ready: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not ready():
        if server.poll() is not None or time.monotonic() > until:
            server.kill()
            raise Missing(f"{name} for the tests does not start.")
        time.sleep(0.05)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def _no_services_started() -> Iterator[None]:
    """Debian asks this program before it starts a service; 101 means no."""
    policy = Path("/usr/sbin/policy-rc.d")
    if policy.exists():
        yield
        return
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    try:
        yield
    finally:
        policy.unlink(missing_ok=True)
