"""Papers of money as pages show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask_babel.speaklater import LazyString
from sqlalchemy import select

from portal.database import db
from portal.kernel.errors import NotFound
from portal.kernel.money import Money
from portal.payments.models import Payment
from portal.payments.papers.labels import PAPERS
from portal.payments.papers.models import MoneyPaper, PaperKind


@dataclass(frozen=True)
class PaperView:
    name: str
    kind: PaperKind
    label: LazyString
    total: Money
    issued_at: datetime
    booking: str


def paper_view(paper: MoneyPaper) -> PaperView:
    return PaperView(
        name=paper.name,
        kind=paper.kind,
        label=PAPERS[paper.kind],
        total=paper.total,
        issued_at=paper.issued_at,
        booking=paper.content["facts"]["booking"],
    )


def papers_of(booking_id: int, share_id: int | None = None) -> Sequence[PaperView]:
    """In the order in which they were issued: those of the holder, or of the payer of a share. One statement."""
    rows = db.session.scalars(
        select(MoneyPaper)
        .outerjoin(Payment, Payment.id == MoneyPaper.payment_id)
        .where(
            MoneyPaper.booking_id == booking_id,
            Payment.share_id.is_not_distinct_from(share_id),
            Payment.settles_id.is_(None),
        )
        .order_by(MoneyPaper.id)
    )
    return [paper_view(paper) for paper in rows]


def belongs_to(paper: MoneyPaper, booking_id: int, share_id: int | None = None) -> bool:
    """Whether a paper is the holder's of a booking, or that of the payer of one of its shares."""
    payment = db.session.get_one(Payment, paper.payment_id) if paper.payment_id is not None else None
    settles = payment is not None and payment.settles_id is not None  # an agency's own
    return paper.booking_id == booking_id and not settles and (payment.share_id if payment else None) == share_id


def of_an_agency(paper: MoneyPaper, agency_id: int | None = None) -> bool:
    """Whether it is the receipt of an agency's transfer, of a certain one where it is named."""
    payment = db.session.get_one(Payment, paper.payment_id) if paper.payment_id is not None else None
    if payment is None or payment.settles_id is None:
        return False
    return agency_id is None or payment.agency_id == agency_id


def paper_called(name: str) -> MoneyPaper:
    """By "INV-2024-00017". Raises NotFound."""
    series, _dash, number = name.rpartition("-")
    found = None
    if number.isascii() and number.isdigit() and len(number) < 10:
        query = select(MoneyPaper).where(MoneyPaper.series == series, MoneyPaper.number == int(number))
        found = db.session.scalars(query).one_or_none()
    if found is None or found.name != name:
        raise NotFound(name)
    return found
