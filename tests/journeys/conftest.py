"""The whole portal for a real browser: the season of 2024, its staff, the payment sandbox, and what the worker does."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from portal.accounts.demonstration import prepare_accounts
from portal.accounts.models import Role
from portal.extensions import limiter
from portal.inventory.live import boards
from portal.inventory.season_index import index
from portal.kernel.clock import now
from portal.outbox.jobs import run_all
from portal.pricing.season import load_season
from portal.visas.services import load_rules
from portal.web.ready import shelf
from tests.conftest import ROOT, copy_sqlite, sqlite_file
from tests.sandbox.server import RunningSandbox, running_sandbox, sandboxed

LOCALES = {"ru": "ru-RU", "tk": "tk-TM", "en": "en-GB"}
SEASON = ROOT / "portal" / "catalogue" / "facts" / "season_2024.json"


@dataclass(frozen=True)
class Staff:
    email: str
    password: str


@dataclass(frozen=True)
class House:
    """Everything that runs behind the pages."""

    address: str
    sandbox: RunningSandbox
    staff: dict[Role, Staff]
    mail: Path
    run_jobs: Callable[[], None]

    def work(self) -> None:
        """What the couriers of the payment service and our worker would do by themselves within a minute."""
        self.sandbox.deliver()
        self.run_jobs()

    def letters(self) -> list[EmailMessage]:
        """Every mail sent so far, the oldest first."""
        files = sorted(self.mail.glob("*.eml"))
        return [message_from_bytes(file.read_bytes(), policy=policy.default) for file in files]


@dataclass(frozen=True)
class Open:
    """The season as a database, made once."""

    file: Path
    staff: dict[Role, Staff]


@pytest.fixture(scope="session")
def opened(app: Any, tmp_path_factory: pytest.TempPathFactory) -> Open:
    """The portal on the first day of sale, kept aside as a file, so that each test begins with it at once."""
    folder = tmp_path_factory.mktemp("opened")
    empty, full = folder / "empty.db", folder / "season.db"
    copy_sqlite(sqlite_file(), empty)
    with app.app_context():
        load_season(SEASON, now=now())
        load_rules(now=now())
        accounts = prepare_accounts(folder, now())
    copy_sqlite(sqlite_file(), full)
    copy_sqlite(empty, sqlite_file())
    return Open(full, {Role(account.role): Staff(account.email, account.password) for account in accounts})


@pytest.fixture
def house(app: Any, address: str, opened: Open, database: None, tmp_path: Path) -> Iterator[House]:
    """The season on sale, and the sandbox in the place of the payment service."""
    copy_sqlite(opened.file, sqlite_file())
    shelf.clear()
    boards.clear()
    index.clear()
    limiter.reset()
    mail = tmp_path / "mail"
    (tmp_path / "files").mkdir()
    hooks = f"{address}/webhooks"
    with running_sandbox(tmp_path, webhook_url=f"{hooks}/stripe", yookassa_url=f"{hooks}/yookassa") as sandbox:
        settings = {
            "PUBLIC_URL": address,
            "MAIL_URL": f"file://{mail}",
            "FILES_URL": f"file://{tmp_path}/files",
            **sandboxed(sandbox),
        }
        before = {name: app.config[name] for name in settings}
        app.config.update(settings)
        app.extensions.pop("payment_providers", None)
        yield House(address, sandbox, opened.staff, mail, lambda: run_all(app))
        for taker in app.extensions.pop("payment_providers", {}).values():
            taker.close()
        app.config.update(before)


@pytest.fixture
def visit(chromium: Any, house: House) -> Iterator[Callable[..., Any]]:
    """visit("tk", **settings): a page of a new visitor with a browser in that language.

    What a page reports to its console as an error fails the test.
    """
    contexts: list[Any] = []
    mistakes: list[str] = []

    def open_window(language: str = "en", *, width: int = 1440, height: int = 900, **settings: Any) -> Any:
        context = chromium.new_context(
            base_url=house.address,
            locale=LOCALES[language],
            viewport={"width": width, "height": height},
            accept_downloads=True,
            **settings,
        )
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: mistakes.append(str(error)))
        page.on("console", lambda message: mistakes.append(message.text) if message.type == "error" else None)
        return page

    yield open_window
    for context in contexts:
        context.close()
    # A refused form answers 4xx on purpose, a database that is away 503, and Chromium reports every such answer.
    assert [text for text in mistakes if not re.search("responded with a status of (4|503)", text)] == []
