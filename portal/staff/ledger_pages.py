"""The books as finance reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, literal, select
from sqlalchemy.orm import selectinload

from portal.booking.models import Booking
from portal.database import db
from portal.kernel.clock import OFFICE_ZONE
from portal.kernel.money import Money
from portal.ledger.models import LedgerAccount, LedgerEntry, LedgerTransaction, PostingKind
from portal.payments.papers.models import MoneyPaper
from portal.payments.papers.queries import PaperView, paper_view
from portal.staff.paging import PAGE, Paging, paging


@dataclass(frozen=True)
class Period:
    """Days of the office, both included; None is without an end."""

    since: date | None = None
    until: date | None = None

    @property
    def begins(self) -> datetime | None:
        return None if self.since is None else _midnight(self.since)

    @property
    def ends(self) -> datetime | None:
        return None if self.until is None else _midnight(self.until + timedelta(days=1))

    def holds(self, moment: Any) -> ColumnElement[bool]:
        """Whether a column of moments lies within."""
        inside: list[ColumnElement[bool]] = []
        if self.begins is not None:
            inside.append(moment >= self.begins)
        if self.ends is not None:
            inside.append(moment < self.ends)
        return and_(literal(True), *inside)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(OFFICE_ZONE))


@dataclass(frozen=True)
class JournalFilters:
    period: Period = field(default_factory=Period)
    account: LedgerAccount | None = None
    booking: str | None = None


@dataclass(frozen=True)
class EntryRow:
    account: LedgerAccount
    debit: Money | None
    credit: Money | None


@dataclass(frozen=True)
class PostingRow:
    id: int
    reference: str
    kind: PostingKind
    at: datetime
    booking: str | None
    subject: str | None
    entries: tuple[EntryRow, ...]


@dataclass(frozen=True)
class JournalPage:
    rows: tuple[PostingRow, ...]
    filters: JournalFilters
    before: int | None  # older rows come before this id


def journal_page(filters: JournalFilters, before: int | None) -> JournalPage:
    """The newest first; paged by id, so that what is posted meanwhile shifts nothing. Two statements."""
    query = _journal(filters).order_by(LedgerTransaction.id.desc()).limit(PAGE + 1)
    if before:
        query = query.where(LedgerTransaction.id < before)
    rows = _postings(query)
    return JournalPage(rows[:PAGE], filters, rows[PAGE - 1].id if len(rows) > PAGE else None)


def whole_journal(period: Period) -> tuple[PostingRow, ...]:
    """Every posting of a period, the oldest first. Two statements, and one for each 500 postings."""
    return _postings(_journal(JournalFilters(period)).order_by(LedgerTransaction.at, LedgerTransaction.id))


def _journal(filters: JournalFilters) -> Select[Any]:
    columns: tuple[Any, ...] = (LedgerTransaction, Booking.reference)
    query: Select[Any] = (
        select(*columns)
        .outerjoin(Booking, Booking.id == LedgerTransaction.booking_id)
        .where(filters.period.holds(LedgerTransaction.at))
        .options(selectinload(LedgerTransaction.entries))
    )
    if filters.booking:
        query = query.where(Booking.reference == filters.booking)
    if filters.account:
        query = query.where(
            exists().where(
                LedgerEntry.posting == LedgerTransaction.reference, LedgerEntry.account == filters.account
            )
        )
    return query


def _postings(query: Select[Any]) -> tuple[PostingRow, ...]:
    return tuple(
        PostingRow(
            id=posting.id,
            reference=posting.reference,
            kind=posting.kind,
            at=posting.at,
            booking=booking,
            subject=posting.subject,
            entries=tuple(_entry(entry) for entry in _debits_first(posting.entries)),
        )
        for posting, booking in db.session.execute(query)
    )


def _debits_first(entries: Sequence[LedgerEntry]) -> list[LedgerEntry]:
    return sorted(entries, key=lambda entry: (entry.minor < 0, entry.id))


def _entry(entry: LedgerEntry) -> EntryRow:
    amount = Money(abs(entry.minor), entry.currency)
    return EntryRow(entry.account, amount if entry.minor > 0 else None, amount if entry.minor < 0 else None)


@dataclass(frozen=True)
class BalanceRow:
    """One account in one currency. opening, closing: above zero for a debit."""

    account: LedgerAccount
    opening: Money
    debit: Money
    credit: Money

    @property
    def closing(self) -> Money:
        return self.opening + self.debit - self.credit


@dataclass(frozen=True)
class TrialBalance:
    """All accounts of one currency. In every column of movements debit and credit are the same."""

    currency: str
    rows: tuple[BalanceRow, ...]

    @property
    def debit(self) -> Money:
        return self._sum([row.debit for row in self.rows])

    @property
    def credit(self) -> Money:
        return self._sum([row.credit for row in self.rows])

    def _sum(self, amounts: list[Money]) -> Money:
        return Money(sum(amount.minor for amount in amounts), self.currency)


def trial_balances(period: Period) -> tuple[TrialBalance, ...]:
    """By currency. One statement."""
    entry, at = LedgerEntry, LedgerTransaction.at
    before = at < period.begins if period.begins is not None else literal(False)

    def total(condition: ColumnElement[bool]) -> ColumnElement[int]:
        return func.sum(case((condition, entry.minor), else_=0))

    inside = period.holds(at)
    found: dict[str, list[BalanceRow]] = {}
    query = (
        select(
            entry.currency,
            entry.account,
            total(before),
            total(and_(inside, entry.minor > 0)),
            total(and_(inside, entry.minor < 0)),
        )
        .join(LedgerTransaction, LedgerTransaction.reference == entry.posting)
        .group_by(entry.currency, entry.account)
    )
    for currency, account, opening, debit, credit in db.session.execute(query):
        row = BalanceRow(
            account, Money(int(opening), currency), Money(int(debit), currency), Money(-int(credit), currency)
        )
        found.setdefault(currency, []).append(row)
    order = list(LedgerAccount)
    return tuple(
        TrialBalance(currency, tuple(sorted(rows, key=lambda row: order.index(row.account))))
        for currency, rows in sorted(found.items())
    )


@dataclass(frozen=True)
class PapersPage:
    rows: tuple[PaperView, ...]
    paging: Paging
    period: Period


def papers_page(period: Period, page: int) -> PapersPage:
    """Papers of money, the newest first. Two statements."""
    inside = period.holds(MoneyPaper.issued_at)
    at = paging(page, db.session.scalar(select(func.count(MoneyPaper.id)).where(inside)) or 0)
    rows = db.session.scalars(
        select(MoneyPaper).where(inside).order_by(MoneyPaper.id.desc()).limit(PAGE).offset(at.offset)
    )
    return PapersPage(tuple(paper_view(paper) for paper in rows), at, period)


def month_before(day: date) -> Period:
    """The whole month before this one: what accountants take most."""
    last = day.replace(day=1) - timedelta(days=1)
    return Period(last.replace(day=1), last)
