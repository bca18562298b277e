"""Set agencies up, let them answer for bookings, and pay out what they have earned: the only writers of agencies."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from portal.accounts.models import Account, Role
from portal.accounts.services import normal_email
from portal.audit.services import record
from portal.booking.errors import NotPayable
from portal.booking.models import Booking, BookingState
from portal.booking.services import confirm_booking
from portal.database import db, transaction
from portal.kernel.money import Money
from portal.kernel.parts import part_of
from portal.kernel.text import LocalizedText
from portal.ledger.models import PostingKind
from portal.ledger.queries import balance_of
from portal.ledger.services import post_agency_credit, post_agency_payout
from portal.outbox.services import announce
from portal.payments.agencies.account import open_credit, owed_for
from portal.payments.agencies.errors import (
    ActsForAnother,
    AgencyClosed,
    CreditInOtherCurrency,
    NoSuchAccount,
    NothingToPayOut,
    OverLimit,
)
from portal.payments.agencies.models import Agency, AgencyMember
from portal.payments.agencies.settling import settle_account, times_posted
from portal.payments.models import Method, Payment, PaymentState
from portal.payments.plans.live import confirming
from portal.payments.shares.services import fit_shares, rest_of


def create_agency(
    *,
    name: LocalizedText,
    email: str,
    language: str,
    limit: Money,
    commission_points: int,
    net: bool,
    now: datetime,
) -> Agency:
    """commission_points: hundredths of a per cent. The currency of the limit is that of the credit, for good."""
    with transaction() as session:
        agency = Agency(
            name=name,
            email=normal_email(email),
            language=language,
            currency=limit.currency,
            limit_minor=limit.minor,
            commission_points=commission_points,
            net=net,
            made_at=now,
        )
        session.add(agency)
        session.flush()
        _record("agency.created", agency, now, f"{limit.minor} {limit.currency}, {commission_points / 100} %")
    return agency


def set_terms(*, agency_id: int, limit_minor: int, active: bool, now: datetime) -> None:
    """Another limit, or no new credit. What is owed stands, also beyond a lower limit."""
    with transaction() as session:
        agency = session.get_one(Agency, agency_id, with_for_update=True, populate_existing=True)
        agency.limit_minor = limit_minor
        agency.active = active
        _record("agency.changed", agency, now, f"{limit_minor} {agency.currency}, {'active' if active else 'closed'}")


def add_member(*, agency_id: int, email: str, now: datetime) -> Account:
    """The customer's account with this address acts for the agency. Raises NoSuchAccount or ActsForAnother."""
    with transaction() as session:
        agency = session.get_one(Agency, agency_id, with_for_update=True)
        account: Account | None = session.scalars(
            select(Account).filter_by(email=normal_email(email), role=Role.CUSTOMER, active=True)
        ).one_or_none()
        if account is None:
            raise NoSuchAccount
        known = session.get(AgencyMember, account.id)
        if known is not None and known.agency_id != agency.id:
            raise ActsForAnother
        if known is None:
            session.add(AgencyMember(account_id=account.id, agency_id=agency.id))
            _record("agency.member_added", agency, now, f"account {account.id}")
    return account


def remove_member(*, agency_id: int, account_id: int, now: datetime) -> None:
    """A second time nothing happens."""
    with transaction() as session:
        agency = session.get_one(Agency, agency_id, with_for_update=True)
        member = session.scalars(
            select(AgencyMember).filter_by(account_id=account_id, agency_id=agency_id)
        ).one_or_none()
        if member is not None:
            session.delete(member)
            _record("agency.member_removed", agency, now, f"account {account_id}")


def take_on_credit(*, booking_id: int, agency_id: int, now: datetime) -> Payment:
    """The agency answers for all of a booking that is asked of nobody else: it is confirmed on credit.

    Raises NotPayable, AgencyClosed, CreditInOtherCurrency or OverLimit, and what confirm_booking() does; then nothing
    is written. Announces payments.credit_taken, payments.agency_invoiced and, with the first money, booking.confirmed.
    """
    with transaction() as session:
        booking = session.get_one(Booking, booking_id, with_for_update=True)
        # Whoever else takes credit of this agency waits here, so that two cannot both find the same room in its limit.
        agency = session.get_one(Agency, agency_id, with_for_update=True, populate_existing=True)
        debt = rest_of(booking)
        over = booking.state is BookingState.PENDING and (booking.pay_by is None or booking.pay_by <= now)
        if debt.minor <= 0 or over:
            raise NotPayable
        if not agency.active:
            raise AgencyClosed
        if agency.currency != booking.currency:
            raise CreditInOtherCurrency
        answers_for = debt.minor - (agency.commission_of(debt.minor) if agency.net else 0)
        if open_credit(agency).minor + answers_for > agency.limit_minor:
            raise OverLimit
        credit = Payment(
            booking_id=booking.id,
            method=Method.CREDIT,
            state=PaymentState.SUCCEEDED,
            amount_minor=debt.minor,
            currency=debt.currency,
            made_at=now,
            received_at=now,
            agency_id=agency.id,
        )
        session.add(credit)
        session.flush()
        record("payment.on_credit", subject="payment", reference=credit.reference, now=now, reason=agency.reference)
        post_agency_credit(
            booking_id=booking.id, payment_id=credit.id, payment=credit.reference, amount=debt, now=now
        )
        if balance_of(booking.id, booking.currency).paid >= confirming(booking):
            confirm_booking(booking_id=booking.id, now=now)
        fit_shares(booking, now)
        settle_account(credit, now)
        announce("payments.credit_taken", payment_id=credit.id)
    return credit


def pay_out(*, credit_id: int, now: datetime) -> Money:
    """Staff have transferred to the agency what of one booking stands in its favour; how much.

    Raises NothingToPayOut.
    """
    with transaction() as session:
        booking_id = session.get_one(Payment, credit_id).booking_id
        session.get_one(Booking, booking_id, with_for_update=True)
        credit = session.get_one(Payment, credit_id, with_for_update=True)
        amount = Money(-owed_for(credit), credit.currency)
        if amount.minor <= 0:
            raise NothingToPayOut
        number = f"{credit.reference}:{times_posted(PostingKind.AGENCY_PAYOUT, credit)}"
        post_agency_payout(booking_id=booking_id, payment_id=credit.id, number=number, amount=amount, now=now)
        record(
            "agency.paid_out",
            subject="payment",
            reference=credit.reference,
            now=now,
            reason=f"{amount.minor} {amount.currency}",
        )
    return amount


@part_of("account", "agency")
def agency_of(account: Account | None) -> Agency | None:
    """The agency that an account acts for. One statement, and none for an account that acts for nobody."""
    if getattr(account, "agency_id", None) is None:
        return None
    assert account is not None
    return db.session.scalars(
        select(Agency)
        .join(AgencyMember, AgencyMember.agency_id == Agency.id)
        .where(AgencyMember.account_id == account.id)
    ).one_or_none()


def _record(action: str, agency: Agency, now: datetime, reason: str) -> None:
    record(action, subject="agency", reference=agency.reference, now=now, reason=reason)
