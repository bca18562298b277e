"""Issue papers of money: the only writers of their tables."""

from __future__ import annotations

import hashlib
import logging
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import aliased

from portal.booking.models import Booking, BookingState
from portal.booking.queries import booking_page
from portal.database import db, transaction
from portal.kernel.clock import OFFICE_ZONE
from portal.kernel.formats import day_of
from portal.kernel.typeset import typeset
from portal.outbox.services import announce
from portal.payments.models import Payment, Refund
from portal.payments.papers.content import (
    Facts,
    buyer_of,
    facts_of,
    invoice_lines,
    kept_lines,
    money_lines,
    reversed_facts,
    total_of,
    words_of,
)
from portal.payments.papers.models import SERIES, MoneyPaper, PaperKind, PaperPrint, PaperSeries, paper_name

log = logging.getLogger(__name__)


def bring_invoice_up_to_date(*, booking_id: int, now: datetime) -> None:
    """Make the standing invoice of a booking say what it costs now; where it does, nothing happens.

    An invoice that says something else is taken back by a credit note, and another one issued where anything is owed.
    Announces payments.paper_issued for each.
    """
    with transaction() as session:
        booking = session.get_one(Booking, booking_id, with_for_update=True)
        page = booking_page(booking_id)
        facts = facts_of(page, day_of(now, OFFICE_ZONE))
        if booking.state is BookingState.CONFIRMED:
            facts["lines"] = invoice_lines(page)
        elif booking.state is BookingState.CANCELLED and page.balance.charged > 0:
            facts["lines"] = kept_lines(page)
        else:
            facts["lines"] = []
        standing = _standing(booking_id)
        if standing is not None:
            before = standing.content["facts"]
            if _sums(before) == _sums(facts):
                return
            _issue(
                PaperKind.CREDIT_NOTE,
                f"reversal:{standing.name}",
                booking_id,
                reversed_facts(before, standing.name, day_of(now, OFFICE_ZONE)),
                now,
                reverses=standing,
            )
        if facts["lines"]:
            _issue(PaperKind.INVOICE, f"invoice:{booking.reference}:{_count(booking_id)}", booking_id, facts, now)


def _standing(booking_id: int) -> MoneyPaper | None:
    """The invoice that was not taken back."""
    reversal = aliased(MoneyPaper)
    return db.session.scalars(
        select(MoneyPaper)
        .outerjoin(reversal, reversal.reverses_id == MoneyPaper.id)
        .where(
            MoneyPaper.booking_id == booking_id, MoneyPaper.kind == PaperKind.INVOICE, reversal.id.is_(None)
        )
    ).one_or_none()


def _count(booking_id: int) -> int:
    """The how many-th invoice of the booking the next one is."""
    ids = db.session.scalars(
        select(MoneyPaper.id).where(MoneyPaper.booking_id == booking_id, MoneyPaper.kind == PaperKind.INVOICE)
    )
    return len(ids.all()) + 1


def _sums(facts: Facts) -> list[tuple[str, int]]:
    """What an invoice is about; the spelling of a name is not."""
    return [(line["charge"], line["minor"]) for line in facts["lines"]]


def issue_receipt(*, payment_id: int, now: datetime) -> None:
    """Money came with this payment; whether it counts to anything does not matter. A second time nothing happens."""
    with transaction() as session:
        payment = session.get_one(Payment, payment_id)
        facts = facts_of(booking_page(payment.booking_id), day_of(payment.received_at or now, OFFICE_ZONE))
        facts["currency"] = payment.currency
        facts["buyer"] = buyer_of(payment) or facts["buyer"]
        facts["lines"] = money_lines(PaperKind.RECEIPT, payment, payment.reference, payment.amount)
        _issue(PaperKind.RECEIPT, f"receipt:{payment.reference}", payment.booking_id, facts, now, payment=payment)


def issue_refund_receipt(*, refund_id: int, now: datetime) -> None:
    """Money went back. A second time nothing happens."""
    with transaction() as session:
        refund = session.get_one(Refund, refund_id)
        payment = refund.payment
        facts = facts_of(booking_page(payment.booking_id), day_of(refund.settled_at or now, OFFICE_ZONE))
        facts["currency"] = payment.currency
        facts["buyer"] = buyer_of(payment) or facts["buyer"]
        facts["lines"] = money_lines(PaperKind.REFUND_RECEIPT, payment, refund.reference, refund.amount)
        key = f"refund:{refund.reference}:{refund.attempt}"
        _issue(PaperKind.REFUND_RECEIPT, key, payment.booking_id, facts, now, payment=payment)


def _issue(
    kind: PaperKind,
    key: str,
    booking_id: int,
    facts: Facts,
    now: datetime,
    *,
    payment: Payment | None = None,
    reverses: MoneyPaper | None = None,
) -> None:
    """With the next number of its series; a transaction that fails gives the number back with all else."""
    session = db.session
    if session.scalar(select(MoneyPaper.id).where(MoneyPaper.key == key)) is not None:
        return
    series = _locked_series(f"{SERIES[kind]}-{day_of(now, OFFICE_ZONE).year}")
    series.last += 1
    name = paper_name(series.series, series.last)
    total = total_of(facts)
    paper = MoneyPaper(
        series=series.series,
        number=series.last,
        kind=kind,
        key=key,
        booking_id=booking_id,
        payment_id=payment.id if payment else None,
        reverses_id=reverses.id if reverses else None,
        total_minor=total.minor,
        currency=total.currency,
        content={"facts": facts, "words": words_of(kind, name, facts, payment)},
        issued_at=now,
    )
    session.add(paper)
    session.flush()
    announce("payments.paper_issued", paper_id=paper.id)


def _locked_series(name: str) -> PaperSeries:
    session = db.session
    found = session.get(PaperSeries, name, with_for_update=True, populate_existing=True)
    if found is not None:
        return found
    try:
        with session.begin_nested():
            session.add(PaperSeries(series=name, last=0))
    except IntegrityError:  # another was first to begin the year
        pass
    return session.get_one(PaperSeries, name, with_for_update=True, populate_existing=True)


def printed(paper: MoneyPaper, language: str, now: datetime) -> bytes:
    """The PDF in one of the languages. What was first given out is kept in mind by its digest, and never differs."""
    pdf = typeset("money_paper", paper.content["words"][language], paper.issued_at)
    digest = hashlib.sha256(pdf).hexdigest()
    query = select(PaperPrint.digest).where(PaperPrint.paper_id == paper.id, PaperPrint.language == language)
    known = db.session.scalar(query)
    if known is None:
        try:
            with transaction() as session:
                session.add(PaperPrint(paper_id=paper.id, language=language, digest=digest, made_at=now))
        except IntegrityError:  # another reader was first
            known = db.session.scalar(query)
    if known not in (None, digest):
        log.error("paper %s in %s is not what was given out before", paper.name, language)
    return pdf
