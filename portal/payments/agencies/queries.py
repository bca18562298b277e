"""Agencies as their own pages and those of staff show them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString
from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.orm import aliased, joinedload

from portal.booking.models import Booking
from portal.catalogue.models import Sailing
from portal.database import db
from portal.kernel.errors import NotFound
from portal.kernel.money import Money
from portal.kernel.references import plain, read_checked
from portal.kernel.text import LocalizedText
from portal.ledger.labels import KINDS
from portal.ledger.models import LedgerAccount, LedgerEntry, LedgerTransaction, PostingKind
from portal.payments.agencies.errors import NoSuchBooking
from portal.payments.agencies.models import Agency, AgencyMember
from portal.payments.models import Payment, PaymentState

SHOWN = 200
# What a posting is to an agency, where that is not what it is to a guest.
WORDS: dict[PostingKind, LazyString] = {PostingKind.REFUND_SETTLED: _l("Given back to the credit")}


@dataclass(frozen=True)
class AgencyView:
    id: int
    reference: str
    name: LocalizedText
    email: str
    language: str
    limit: Money
    open: Money  # what it owes; below zero it stands in its favour
    commission_points: int
    net: bool
    active: bool

    @property
    def free(self) -> Money:
        return Money(max(0, self.limit.minor - self.open.minor), self.limit.currency)

    @property
    def percent(self) -> Decimal:
        return Decimal(self.commission_points) / 100


def _owed(*which: ColumnElement[bool]) -> ColumnElement[int]:
    return (
        select(func.coalesce(func.sum(LedgerEntry.minor), 0))
        .join(Payment, Payment.id == LedgerEntry.payment_id)
        .where(LedgerEntry.account == LedgerAccount.AGENCY, *which)
        .correlate(Agency)
        .scalar_subquery()
    )


def agencies() -> tuple[AgencyView, ...]:
    """The oldest first. One statement."""
    rows = db.session.execute(select(Agency, _owed(Payment.agency_id == Agency.id)).order_by(Agency.id).limit(SHOWN))
    return tuple(_view(agency, int(owed)) for agency, owed in rows)


def _view(agency: Agency, owed: int) -> AgencyView:
    return AgencyView(
        id=agency.id,
        reference=agency.reference,
        name=agency.name,
        email=agency.email,
        language=agency.language,
        limit=agency.limit,
        open=Money(owed, agency.currency),
        commission_points=agency.commission_points,
        net=agency.net,
        active=agency.active,
    )


@dataclass(frozen=True)
class CreditRow:
    """One booking that an agency answers for."""

    id: int
    booking: str
    sailing: str
    taken_at: datetime
    amount: Money
    kept: Money  # what of it is left after returns
    commission: Money
    paid: Money
    owed: Money  # below zero: in the agency's favour
    invoice: str | None  # the reference of the transfer that is awaited


@dataclass(frozen=True)
class AccountLine:
    at: datetime
    words: LazyString
    booking: str | None
    subject: str | None
    change: Money
    owed: Money  # after it


@dataclass(frozen=True)
class Member:
    account_id: int
    name: str
    email: str


@dataclass(frozen=True)
class AgencyPage:
    agency: AgencyView
    credits: tuple[CreditRow, ...]  # the newest first
    lines: tuple[AccountLine, ...]  # the oldest first
    members: tuple[Member, ...]


def agency_called(reference: str) -> Agency:
    """Raises NotFound."""
    agency = db.session.scalars(select(Agency).filter_by(reference=reference)).one_or_none()
    if agency is None:
        raise NotFound(reference)
    return agency


def agency_page(agency: Agency) -> AgencyPage:
    """Four statements."""
    lines = _lines(agency)
    owed = lines[-1].owed.minor if lines else 0
    members = db.session.scalars(
        select(AgencyMember)
        .filter_by(agency_id=agency.id)
        .order_by(AgencyMember.account_id)
        .options(joinedload(AgencyMember.account))
    )
    return AgencyPage(
        agency=_view(agency, owed),
        credits=_credits(agency),
        lines=lines,
        members=tuple(Member(one.account_id, one.account.name, one.account.email) for one in members),
    )


def _credits(agency: Agency) -> tuple[CreditRow, ...]:
    of, invoice = aliased(Payment), aliased(Payment)
    currency = agency.currency

    def total(*which: ColumnElement[bool]) -> ColumnElement[int]:
        condition = which[0]
        for more in which[1:]:
            condition &= more
        return func.coalesce(func.sum(case((condition, LedgerEntry.minor), else_=0)), 0)

    account = LedgerEntry.account
    rows = db.session.execute(
        select(
            Payment,
            Booking.reference,
            Sailing.code,
            func.max(invoice.reference),
            -total(account == LedgerAccount.GUEST, LedgerEntry.payment_id == Payment.id),
            total(account == LedgerAccount.COMMISSION),
            -total(account == LedgerAccount.AGENCY, LedgerEntry.payment_id != Payment.id),
            total(account == LedgerAccount.AGENCY),
        )
        .join(Booking, Booking.id == Payment.booking_id)
        .join(Sailing, Sailing.id == Booking.sailing_id)
        .join(of, (of.id == Payment.id) | (of.settles_id == Payment.id))
        .join(LedgerEntry, LedgerEntry.payment_id == of.id)
        .outerjoin(invoice, (invoice.settles_id == Payment.id) & (invoice.state == PaymentState.OPEN))
        .where(Payment.agency_id == agency.id, Payment.settles_id.is_(None))
        .group_by(Payment.id, Booking.reference, Sailing.code)
        .order_by(Payment.id.desc())
        .limit(SHOWN)
    )
    return tuple(
        CreditRow(
            id=payment.id,
            booking=booking,
            sailing=sailing,
            taken_at=payment.made_at,
            amount=payment.amount,
            kept=Money(int(kept), currency),
            commission=Money(int(commission), currency),
            paid=Money(int(paid), currency),
            owed=Money(int(owed), currency),
            invoice=open_,
        )
        for payment, booking, sailing, open_, kept, commission, paid, owed in rows
    )


def _lines(agency: Agency) -> tuple[AccountLine, ...]:
    rows = db.session.execute(
        select(
            LedgerTransaction.at,
            LedgerTransaction.kind,
            Booking.reference,
            LedgerTransaction.subject,
            LedgerEntry.minor,
        )
        .join(LedgerEntry, LedgerEntry.posting == LedgerTransaction.reference)
        .join(Payment, Payment.id == LedgerEntry.payment_id)
        .outerjoin(Booking, Booking.id == LedgerTransaction.booking_id)
        .where(Payment.agency_id == agency.id, LedgerEntry.account == LedgerAccount.AGENCY)
        .order_by(LedgerTransaction.id)
    )
    lines = []
    owed = 0
    for at, kind, booking, subject, minor in rows:
        owed += minor
        change, after = Money(minor, agency.currency), Money(owed, agency.currency)
        lines.append(AccountLine(at, WORDS.get(kind, KINDS[kind]), booking, subject, change, after))
    return tuple(lines)


def invoice_of(agency: Agency, reference: str) -> Payment:
    """An invoice of the agency. Raises NotFound."""
    found = db.session.scalars(
        select(Payment).where(
            Payment.reference == reference, Payment.agency_id == agency.id, Payment.settles_id.is_not(None)
        )
    ).one_or_none()
    if found is None:
        raise NotFound(reference)
    return found


def credit_of(agency: Agency, credit_id: int) -> Payment:
    """What the agency answers for in one booking. Raises NotFound."""
    credit = db.session.get(Payment, credit_id)
    if credit is None or credit.agency_id != agency.id or credit.settles_id is not None:
        raise NotFound(str(credit_id))
    return credit


def booking_written(written: str) -> int:
    """The id of the booking that a person means, with or without the check letter. Raises NoSuchBooking."""
    wanted = read_checked(written) or plain(written)
    found = db.session.scalar(select(Booking.id).where(Booking.reference == wanted))
    if found is None:
        raise NoSuchBooking
    return found
