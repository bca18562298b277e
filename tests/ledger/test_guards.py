"""Whoever writes past the services: the database keeps the books balanced, and every entry as it was."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from portal.database import db, transaction
from portal.kernel.money import Money
from portal.ledger.models import LedgerAccount, PostingKind
from portal.ledger.services import Entry, post
from tests.factories import NOON

ENTRY = "INSERT INTO ledger_entry (posting, account, minor, currency) VALUES ('{}', '{}', {}, '{}')"
HEADER = (
    "INSERT INTO ledger_transaction (reference, kind, key, at, recorded_at) "
    "VALUES ('{0}', 'fee', 'own-{0}', '2024-02-15 08:00:00', '2024-02-15 08:00:00')"
)
BALANCED = (ENTRY.format("NEW", "fees", 5, "RUB"), ENTRY.format("NEW", "bank", -5, "RUB"))


@pytest.fixture
def posted() -> str:
    """A posting of 5 ₽ that stands."""
    amount = Money(5_00, "RUB")
    entries = [Entry(LedgerAccount.FEES, amount), Entry(LedgerAccount.BANK, -amount)]
    reference = post(PostingKind.FEE, key="fee:1", booking_id=None, entries=entries, now=NOON)
    assert reference is not None
    return reference


def run(*statements: str) -> None:
    with transaction() as session:
        for statement in statements:
            session.execute(text(statement))


def stands() -> list[Any]:
    return list(db.session.execute(text("SELECT posting, account, minor, currency FROM ledger_entry ORDER BY id")))


def test_what_adds_up_is_taken():
    run(*BALANCED, HEADER.format("NEW"))

    assert [tuple(row) for row in stands()] == [("NEW", "fees", 5, "RUB"), ("NEW", "bank", -5, "RUB")]


@pytest.mark.parametrize(
    "statements",
    [
        pytest.param((HEADER.format("NEW"),), id="no entries"),
        pytest.param((ENTRY.format("NEW", "fees", 5, "RUB"), HEADER.format("NEW")), id="one entry"),
        pytest.param(
            (BALANCED[0], ENTRY.format("NEW", "bank", -4, "RUB"), HEADER.format("NEW")), id="does not sum to zero"
        ),
        pytest.param(
            (BALANCED[0], ENTRY.format("NEW", "bank", -5, "TMT"), HEADER.format("NEW")), id="two currencies"
        ),
        pytest.param(BALANCED, id="entries without their posting"),
        pytest.param((HEADER.format("NEW"), *BALANCED), id="the posting first"),
        pytest.param((*BALANCED, ENTRY.format("NEW", "bank", 0, "RUB"), HEADER.format("NEW")), id="nothing moves"),
        pytest.param((*BALANCED, ENTRY.format("NEW", "purse", 5, "RUB"), HEADER.format("NEW")), id="no such account"),
    ],
)
def test_what_does_not_add_up_is_refused(statements):
    with pytest.raises(DBAPIError):
        run(*statements)

    assert stands() == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_entry SET minor = minor * 2",
        "UPDATE ledger_entry SET currency = 'TMT'",
        "DELETE FROM ledger_entry",
        "UPDATE ledger_transaction SET at = '2020-01-01 00:00:00'",
        "DELETE FROM ledger_transaction",
        "INSERT INTO ledger_entry (posting, account, minor, currency) "
        "SELECT posting, account, minor, currency FROM ledger_entry",
        HEADER.format("AGAIN").replace("own-AGAIN", "fee:1"),
    ],
)
def test_what_stands_is_never_changed(posted, statement):
    before = stands()

    with pytest.raises(DBAPIError):
        run(statement)

    assert stands() == before


@pytest.mark.only("sqlite")
@pytest.mark.parametrize(
    "statements",
    [
        (*(each.replace("INSERT", "INSERT OR REPLACE").replace("(posting", "(id, posting").replace(
            "VALUES (", f"VALUES ({number}, ") for number, each in enumerate(BALANCED, 1)), HEADER.format("NEW")),
        (*BALANCED, HEADER.format("NEW").replace("INSERT", "INSERT OR REPLACE").replace("own-NEW", "fee:1")),
        ("UPDATE OR REPLACE ledger_entry SET id = 1 WHERE id = 2",),
    ],
)
def test_what_stands_is_never_replaced(posted, statements):
    before = stands()

    with pytest.raises(DBAPIError):
        run(*statements)

    assert stands() == before


@pytest.mark.only("postgresql")
@pytest.mark.parametrize(
    "statement",
    [
        "TRUNCATE ledger_entry",
        "TRUNCATE ledger_transaction CASCADE",
        "INSERT INTO ledger_transaction (reference, kind, key, at, recorded_at) "
        "SELECT reference, kind, key, at, recorded_at FROM ledger_transaction "
        "ON CONFLICT (key) DO UPDATE SET kind = 'payout'",
    ],
)
def test_what_stands_is_never_emptied_or_merged(posted, statement):
    before = stands()

    with pytest.raises(DBAPIError):
        run(statement)

    assert stands() == before


@pytest.mark.only("postgresql")
def test_two_who_write_one_posting_at_once_cannot_unbalance_it():
    with db.engine.connect() as one, db.engine.connect() as other:
        for statement in BALANCED:
            one.execute(text(statement))
        other.execute(text(ENTRY.format("NEW", "fees", 7, "RUB")))  # sees neither the posting nor its entries
        one.execute(text(HEADER.format("NEW")))
        one.commit()

        with pytest.raises(DBAPIError):
            other.commit()

    assert [row.minor for row in stands()] == [5, -5]
