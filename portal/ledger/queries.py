"""What the entries say: never stored beside them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, Subquery, Table, case, func, select
from sqlalchemy.orm import InstrumentedAttribute

from portal.database import db
from portal.kernel.money import Money
from portal.ledger.models import CLEARING, LedgerAccount, LedgerEntry

Column = ColumnElement[int] | InstrumentedAttribute[int]
Text = ColumnElement[str] | InstrumentedAttribute[str]


@dataclass(frozen=True)
class Balance:
    """Minor units of one booking, in its currency."""

    charged: int  # what is to be paid in all
    paid: int  # counted to it; what has gone back, or is going, is taken off
    unallocated: int  # came, has not gone back, and counts to nothing
    returning: int  # on its way back
    came: int  # through any channel, ever, or on the credit of an agency

    @property
    def owed(self) -> int:
        """Below zero it is the guest's."""
        return self.charged - self.paid

    @classmethod
    def read(cls, figures: Iterable[int]) -> Balance:
        """Of balance_columns(), as the database gave them."""
        return cls(*map(int, figures))


def balance_of(booking_id: int, currency: str) -> Balance:
    """Of one booking, in its currency. One statement."""
    where = (LedgerEntry.booking_id == booking_id, LedgerEntry.currency == currency)
    return Balance.read(db.session.execute(select(*_figures()).where(*where)).one())


def balance_columns(booking_id: Column, currency: Text, table: type[object] | Table) -> tuple[ColumnElement[int], ...]:
    """The five figures of Balance for each row of a statement; booking_id, currency: columns of its `table`."""
    return tuple(
        select(figure)
        .where(LedgerEntry.booking_id == booking_id, LedgerEntry.currency == currency)
        .correlate(table)
        .scalar_subquery()
        for figure in _figures()
    )


def balance_row(booking: Select[int, str]) -> Subquery:
    """The five figures of Balance as one row; booking: the id and currency of one booking.

    Worked out once, however many rows the rest of the statement has for the booking.
    """
    one = booking.cte("balanced")
    id_, currency = one.c
    figures = [figure.label(f"figure_{number}") for number, figure in enumerate(_figures())]
    return (
        select(*figures)
        .select_from(one)
        .join(LedgerEntry, (LedgerEntry.booking_id == id_) & (LedgerEntry.currency == currency))
        .subquery("balance")
    )


def _figures() -> tuple[ColumnElement[int], ...]:
    entry = LedgerEntry
    of_a_payment = entry.payment_id.is_not(None)
    guest = entry.account == LedgerAccount.GUEST

    def total(*which: ColumnElement[bool]) -> ColumnElement[int]:
        condition = which[0]
        for more in which[1:]:
            condition &= more
        return func.coalesce(func.sum(case((condition, entry.minor), else_=0)), 0)

    return (
        total(guest, ~of_a_payment),
        -total(guest, of_a_payment),
        -total(entry.account == LedgerAccount.SUSPENSE),
        -total(entry.account == LedgerAccount.REFUNDS),
        total(entry.account.in_((*CLEARING, LedgerAccount.AGENCY)), entry.minor > 0),
    )


def held_of(payment_id: int, currency: str) -> Money:
    """What came with a payment and has not gone back nor is going: so much can be returned of it. One statement."""
    minor = db.session.scalar(
        select(func.coalesce(func.sum(LedgerEntry.minor), 0)).where(
            LedgerEntry.payment_id == payment_id,
            LedgerEntry.account.in_((LedgerAccount.GUEST, LedgerAccount.SUSPENSE)),
            LedgerEntry.currency == currency,
        )
    )
    return Money(-int(minor or 0), currency)


def held_column(payment_id: Column, currency: Text, table: type[object]) -> ColumnElement[int]:
    """As held_of(), in minor units, for each row of a statement that names a payment and its currency."""
    return (
        select(-func.coalesce(func.sum(LedgerEntry.minor), 0))
        .where(
            LedgerEntry.payment_id == payment_id,
            LedgerEntry.account.in_((LedgerAccount.GUEST, LedgerAccount.SUSPENSE)),
            LedgerEntry.currency == currency,
        )
        .correlate(table)
        .scalar_subquery()
    )
