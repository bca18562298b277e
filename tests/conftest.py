"""The application on a real database, a client that reads pages, and a real browser.

`--database sqlite` (the default) runs everything on the embedded set-up: SQLite and files.
`--database postgresql` runs what touches the database again on PostgreSQL and Redis; `make test` does both.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest
from jinja2 import FileSystemBytecodeCache
from sqlalchemy import Engine, event

if TYPE_CHECKING:
    from flask import Flask

    from tests.browser import Browser

ROOT = Path(__file__).parent.parent
CHROMIUM_ARGUMENTS = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",  # containers give little shared memory
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
    "--no-sandbox",  # Chromium refuses to sandbox for root, and these pages are ours
]
# Rows go, the schema stays. Deleting is quicker than TRUNCATE where most tables are empty, and the role "replica"
# sets aside both foreign keys and the triggers that keep the audit trail append-only.
EMPTY_POSTGRESQL = """
DO $$
DECLARE
    name text;
    filled boolean;
BEGIN
    SET LOCAL session_replication_role = replica;
    FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version' LOOP
        EXECUTE format('SELECT EXISTS (SELECT 1 FROM %I)', name) INTO filled;
        IF filled THEN
            EXECUTE format('DELETE FROM %I', name);
        END IF;
    END LOOP;
END $$
"""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--database",
        choices=["sqlite", "postgresql"],
        default="sqlite",
        help="sqlite: everything, on SQLite and files; postgresql: what touches the database, on PostgreSQL and Redis",
    )


# What names a channel of payments begins with one of these.
CHANNELS = ("STRIPE_", "YOOKASSA_", "TURKMENBANK_", "DESK_")


def pytest_configure(config: pytest.Config) -> None:
    """Settings are read from the environment once, so they stand there before any test module is imported."""
    config.addinivalue_line("markers", "once: needs no database; runs with --database sqlite only")
    config.addinivalue_line("markers", "only(database): is about this database; runs with --database of its name only")
    config.addinivalue_line("markers", "browser: drives a real browser; runs with --database sqlite only")
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
    folder = Path(tempfile.mkdtemp(prefix=f"portal-test-{worker}-"))
    config.stash[FOLDER] = folder
    for name in list(os.environ):
        if name in ("MAIL_URL", "FILES_URL", "REDIS_URL") or name.startswith(CHANNELS):
            del os.environ[name]
    os.environ.update(PORTAL_ENV="demonstration", PORTAL_DATA=str(folder))
    if config.getoption("--database") == "sqlite":
        os.environ["DATABASE_URL"] = f"sqlite:///{folder}/portal.db"
        return
    try:
        postgres, redis = os.environ["TEST_POSTGRES_URL"], os.environ["TEST_REDIS_URL"]
    except KeyError as missing:
        raise pytest.UsageError(f"{missing} is not set: `make test` starts the servers and sets it.") from None
    os.environ["DATABASE_URL"] = f"{postgres.rpartition('/')[0]}/portal_test_{worker}"
    os.environ["REDIS_URL"] = f"{redis.rstrip('/')}/{worker.removeprefix('gw')}"


FOLDER = pytest.StashKey[Path]()


def pytest_unconfigure(config: pytest.Config) -> None:
    shutil.rmtree(config.stash[FOLDER], ignore_errors=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What the database cannot change runs with SQLite only; what only one database can do runs with that one."""
    database = config.getoption("--database")
    elsewhere = [item for item in items if not _belongs(item, database)]
    config.hook.pytest_deselected(items=elsewhere)
    items[:] = [item for item in items if item not in elsewhere]
    items[:] = _long_ones_first(items, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))


def _long_ones_first(items: list[pytest.Item], workers: int) -> list[pytest.Item]:
    """Each worker begins with its share of the tests that take long: none is left alone with them at the end.

    A file of them stays together, for what its tests share; those that look at every page take a worker each.
    """
    long: dict[str, list[pytest.Item]] = {}
    short = []
    for item in items:
        if {"journeys", "proofs"}.intersection(item.path.parts) or item.path.name == "test_commands.py":
            alone = item.path.name == "test_axe.py"
            long.setdefault(item.nodeid if alone else item.path.name, []).append(item)
        else:
            short.append(item)
    files = list(long.values())
    ordered = []
    for worker in range(workers):  # they are given out in runs of the same length, one to each worker
        ordered += [item for file in files[worker::workers] for item in file]
        ordered += short[len(short) * worker // workers : len(short) * (worker + 1) // workers]
    return ordered


def _belongs(item: pytest.Item, database: str) -> bool:
    only = item.get_closest_marker("only")
    if only is not None:
        return database in only.args
    return database == "sqlite" or not (item.get_closest_marker("once") or item.get_closest_marker("browser"))


@pytest.fixture(scope="session")
def database_name(pytestconfig: pytest.Config) -> str:
    """Which database the tests run on: "sqlite" or "postgresql"."""
    return str(pytestconfig.getoption("--database"))


@pytest.fixture(scope="session")
def app(database_name: str) -> Iterator[Flask]:
    """The application over a database of this process alone, its schema built by the migrations."""
    from flask_migrate import upgrade

    from portal import create_app
    from portal.database import db

    if database_name == "postgresql":
        _postgresql("DROP DATABASE IF EXISTS {} WITH (FORCE)", "CREATE DATABASE {}")
    else:
        event.listen(Engine, "connect", _as_tests_want_it)
    app = create_app(TESTING=True)
    compiled = ROOT / ".pytest_cache" / "templates"  # each worker on each database would compile them anew
    compiled.mkdir(parents=True, exist_ok=True)
    app.jinja_env.bytecode_cache = FileSystemBytecodeCache(str(compiled))
    with app.app_context():
        upgrade(directory=str(ROOT / "migrations"))
        db.session.remove()
        db.engine.dispose()
    if database_name == "sqlite":
        copy_sqlite(sqlite_file(), _empty_file())
    yield app
    with app.app_context():
        db.session.remove()
        db.engine.dispose()
    if database_name == "postgresql":
        _postgresql("DROP DATABASE {} WITH (FORCE)")


def _as_tests_want_it(connection: Any, record: Any) -> None:
    """Rows that nobody sorts come back to front here, as they may anywhere: what leans on their order fails at once.

    No commit waits for the disk, for none of these databases has to outlive a loss of power.
    """
    connection.execute("PRAGMA reverse_unordered_selects = ON")
    connection.execute("PRAGMA synchronous = OFF")


@pytest.fixture(autouse=True)
def database(request: pytest.FixtureRequest, database_name: str) -> Iterator[None]:
    """Real commits into the real schema; afterwards every table is as the migrations left it."""
    if request.node.get_closest_marker("once"):
        yield
        return
    from portal.database import db
    from portal.extensions import limiter
    from portal.inventory.live import boards
    from portal.inventory.queries import cabins_kept
    from portal.inventory.season_index import index
    from portal.kernel.acting import acting
    from portal.web.ready import shelf

    app: Flask = request.getfixturevalue("app")
    acting.set("system")  # whoever acted last, in a request of this same thread, has gone
    with app.app_context():
        yield
        db.session.remove()
        if database_name == "sqlite":
            copy_sqlite(_empty_file(), sqlite_file())
        else:
            _empty_postgresql()
        # What this process remembers of the rows that are gone.
        shelf.clear()
        boards.clear()
        cabins_kept.clear()
        index.clear()
        limiter.reset()


@pytest.fixture
def browser(app: Flask) -> Browser:
    """A client without JavaScript that checks every page it opens."""
    from tests.browser import Browser

    return Browser(app.test_client())


@pytest.fixture(scope="session")
def address(app: Flask) -> Iterator[str]:
    """The application served over real HTTP: "http://127.0.0.1:<port>"."""
    from werkzeug.serving import make_server

    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A real browser, driven by Playwright."""
    from playwright.sync_api import sync_playwright

    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if not path:
        pytest.fail("There is no Chromium: `make test` installs it on Debian; elsewhere set CHROMIUM to its path.")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=CHROMIUM_ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def window(chromium: Any, address: str) -> Iterator[Any]:
    """A Playwright page of a new visitor; what a page reports to its console as an error fails the test."""
    context = chromium.new_context(base_url=address, locale="en-GB", viewport={"width": 1440, "height": 900})
    page = context.new_page()
    mistakes: list[str] = []
    page.on("pageerror", lambda error: mistakes.append(str(error)))
    page.on("console", lambda message: mistakes.append(message.text) if message.type == "error" else None)
    yield page
    context.close()
    # A refused form answers 4xx on purpose, and Chromium reports every such answer.
    assert [mistake for mistake in mistakes if "responded with a status of 4" not in mistake] == []


def sqlite_file() -> Path:
    return Path(os.environ["DATABASE_URL"].removeprefix("sqlite:///"))


def _empty_file() -> Path:
    return sqlite_file().with_name("empty.db")


def copy_sqlite(source: Path, target: Path) -> None:
    """Page by page through SQLite itself, so that connections that are open see the new content."""
    with closing(sqlite3.connect(source)) as read, closing(sqlite3.connect(target, timeout=30)) as write:
        write.execute("PRAGMA synchronous = OFF")
        read.backup(write)


def _postgresql(*statements: str) -> None:
    """Run these for the database of this process, whose name goes into the braces."""
    import psycopg

    server, _, name = os.environ["DATABASE_URL"].replace("postgresql+psycopg:", "postgresql:").rpartition("/")
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        for statement in statements:
            connection.execute(psycopg.sql.SQL(statement).format(psycopg.sql.Identifier(name)))


def _empty_postgresql() -> None:
    import redis
    from sqlalchemy import text

    from portal.database import db

    with db.engine.begin() as connection:
        connection.execute(text(EMPTY_POSTGRESQL))
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as cache:
        cache.flushdb()
