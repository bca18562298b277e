"""A database that is away, or busy beyond all patience: a plain answer, and no restart once it is back."""

from __future__ import annotations

import shutil
import signal
import sqlite3
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests import services
from tests.factories import make_season
from tests.proofs.customer import Answer, Customer
from tests.proofs.processes import Portal, free_port, portal, status, wait_for

PLAIN = "It cannot reach its records just now"
PASSWORD = "a quiet evening at sea"
Leaving = Callable[[Any], Any]  # as the fixture of this name


class Cluster:
    """A PostgreSQL server of this test alone, which can be stopped and started."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._port = folder, free_port()
        self._server: subprocess.Popen[bytes] | None = None
        self.url = f"postgresql+psycopg://postgres@127.0.0.1:{self._port}/postgres"
        services.make_cluster(folder)

    def start(self) -> None:
        self._server = services.start_postgresql(self._folder, self._port)

    def stop(self) -> None:
        if self._server is not None:
            self._server.send_signal(signal.SIGINT)
            self._server.wait()
            self._server = None


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    folder = Path(tempfile.mkdtemp(prefix="portal-cluster-"))
    made = Cluster(folder / "postgresql")
    made.start()
    yield made
    made.stop()
    shutil.rmtree(folder, ignore_errors=True)


def sign_up(visitor: Customer) -> Answer:
    account = {"name": "Anna", "email": visitor.email, "password": PASSWORD}
    return visitor.fill_in("/en/sign-up", account)


def letters_to(visitor: Customer, running: Portal) -> int:
    return sum(visitor.email in path.read_text() for path in (running.folder / "mail").glob("*.eml"))


def is_plain(answer: Answer) -> bool:
    return answer.status == 503 and PLAIN in answer.words and bool(answer.headers["Retry-After"])


@pytest.mark.only("postgresql")
def test_a_server_that_stops_and_starts_again(cluster: Cluster, tmp_path: Path, leaving: Leaving) -> None:
    with portal(tmp_path, DATABASE_URL=cluster.url, RATELIMIT_ENABLED="0") as running:
        running.flask("db", "upgrade")
        running.start(sandbox=False)
        stranger, known = leaving(Customer(running.url)), leaving(Customer(running.url))
        sign_up(known)
        known.fill_in("/en/sign-in", {"email": known.email, "password": PASSWORD})
        assert known.get("/en/my-bookings").status == 200

        cluster.stop()

        assert is_plain(stranger.get("/en/cruises"))
        assert is_plain(known.get("/en/my-bookings"))
        assert is_plain(known.get("/en/terms"))
        assert status(running.port, "/healthz") == 200
        assert status(running.port, "/readyz") == 503

        cluster.start()

        assert stranger.get("/en/cruises").status == 200
        assert known.get("/en/my-bookings").status == 200
        wait_for(lambda: status(running.port, "/readyz") == 200, "the portal is ready", running.web, running.worker)
        late = leaving(Customer(running.url))
        sign_up(late)
        wait_for(lambda: letters_to(late, running) == 1, "the worker sends mail again", running.worker)


@pytest.mark.only("postgresql")
def test_a_row_that_somebody_keeps_locked(running: Portal, leaving: Leaving) -> None:
    code = make_season().sailing.code
    running.web = running.serve("wsgi:app", DATABASE_TIMEOUT_SECONDS="1")
    running.start(worker=False, sandbox=False)
    visitor = leaving(Customer(running.url))
    cabin = f"/en/cruises/{code}/cabins/301"
    with psycopg.connect(running.environment["DATABASE_URL"].replace("+psycopg", "")) as other:
        other.execute("SELECT id FROM sailing FOR UPDATE")

        refused = visitor.fill_in(cabin, {"party": "2"})

        assert is_plain(refused)
        assert visitor.get("/en/cruises").status == 200  # reading goes on
        other.rollback()

    assert visitor.hold(code, "301", 2)


@pytest.mark.only("sqlite")
def test_a_file_that_somebody_keeps_locked(running: Portal, leaving: Leaving) -> None:
    code = make_season().sailing.code
    path = running.environment["DATABASE_URL"].removeprefix("sqlite:///")
    running.web = running.serve("wsgi:app", DATABASE_TIMEOUT_SECONDS="1")
    running.start(worker=False, sandbox=False)
    visitor = leaving(Customer(running.url))
    cabin = f"/en/cruises/{code}/cabins/301"
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")

        refused = visitor.fill_in(cabin, {"party": "2"})

        assert is_plain(refused)
        assert visitor.get("/en/cruises").status == 200  # reading goes on
        assert status(running.port, "/healthz") == 200

    assert visitor.hold(code, "301", 2)
