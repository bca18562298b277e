"""Rows are locked in one order by every service, so that two of them never wait for each other in a circle."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import event, select
from sqlalchemy.orm import ORMExecuteState, Session

from portal.accounts.models import Role
from portal.booking.models import Booking, BookingState
from portal.booking.prices import apply_promotion
from portal.booking.quotes import save_quote, take_up
from portal.booking.services import expire_bookings, let_go, name_passengers
from portal.booking.waiting.models import WaitingOffer
from portal.booking.waiting.services import accept_offer, decline_offer, expire_offers, join_line, serve_lines
from portal.catalogue.services import CallEdit
from portal.database import db
from portal.inventory.models import Occupancy
from portal.inventory.rescheduling import reschedule
from portal.inventory.services import HOLD_TIME, release
from portal.payments.bank_days import transfer_due
from portal.payments.models import Payment, PaymentState
from portal.payments.operations.models import OperationKind
from portal.payments.operations.queries import standings
from portal.payments.operations.services import carry_out, seal, stop
from portal.payments.queries import open_transfer
from portal.payments.services import receive_transfer, start_transfer
from portal.pricing.party import Party
from portal.visas.services import refresh_checklist
from tests.factories import NOON, details, make_account, make_booking, make_hold, make_promotion, make_season

# As docs/decisions.md has it.
ORDER = (
    "operation_case",
    "booking",
    "checklist_item",
    "payment",
    "refund",
    "promotion",
    "quote",
    "waiting_entry",
    "sailing",
    "occupancy",
)


@contextmanager
def locks() -> Iterator[list[str]]:
    """The tables whose rows are locked inside, one line for each transaction that locked any."""
    seen: list[str] = []
    taken: dict[str, None] = {}  # each table once: what is locked already is not waited for

    def note(state: ORMExecuteState) -> None:
        if state.is_select and getattr(state.statement, "_for_update_arg", None) is not None:
            assert state.bind_mapper is not None
            taken[state.bind_mapper.local_table.name] = None

    def commit(session: Session) -> None:
        seen.extend([" ".join(taken)] if taken else [])
        taken.clear()

    event.listen(Session, "do_orm_execute", note)
    event.listen(Session, "after_commit", commit)
    try:
        yield seen
    finally:
        event.remove(Session, "do_orm_execute", note)
        event.remove(Session, "after_commit", commit)
    assert [line.split() for line in seen] == [sorted(line.split(), key=ORDER.index) for line in seen]


def test_naming_passengers_anew():
    hold = make_hold(make_season(), party=1)

    with locks() as seen:
        for surname in ("IVANOVA", "PETROVA"):
            name_passengers(
                parties={hold.id: [details(surname=surname)]}, customer_id=None, language="en", now=NOON
            )

    assert seen == ["booking sailing occupancy"] * 2


def test_letting_a_hold_go():
    hold = make_hold(make_season(), party=1)
    name_passengers(parties={hold.id: [details()]}, customer_id=None, language="en", now=NOON)

    with locks() as seen:
        let_go(hold_id=hold.id, now=NOON)

    assert seen == ["booking occupancy"]
    assert db.session.scalars(select(Booking)).one().state is BookingState.CANCELLED


def test_a_promotion_code_from_the_draft_to_its_end():
    season = make_season()
    make_promotion()
    hold = make_hold(season)
    parties = {hold.id: [details(), details()]}
    booking = name_passengers(parties=parties, customer_id=None, language="en", now=NOON)

    with locks() as seen:
        apply_promotion(booking_id=booking.id, code="SPRING", now=NOON)
        name_passengers(parties=parties, customer_id=None, language="en", now=NOON)
        expire_bookings(NOON + HOLD_TIME)

    assert seen == ["booking promotion", "booking promotion sailing occupancy", "booking promotion occupancy"]


def test_taking_up_a_saved_price():
    season = make_season()
    party = Party.of([40, 38])
    quote = save_quote(
        sailing_id=season.sailing.id, cabin_ids=[season.cabins[0].id], party=party, currency="RUB", now=NOON
    )

    with locks() as seen:
        take_up(code=quote.code, holder="visitor", now=NOON)

    assert seen == ["quote sailing occupancy"]


def test_a_transfer_from_its_beginning_to_the_confirmed_booking():
    booking = make_booking(make_season())

    with locks() as seen:
        start_transfer(booking_id=booking.id, now=NOON)
        receive_transfer(payment_id=open_transfer(booking.id).id, account=make_account(Role.FINANCE), now=NOON)

    assert seen == ["booking payment sailing occupancy"] * 2
    assert booking.state is BookingState.CONFIRMED


def test_money_that_comes_when_the_booking_has_ended():
    booking = make_booking(make_season())
    start_transfer(booking_id=booking.id, now=NOON)
    later = transfer_due(NOON)

    with locks() as seen:
        expire_bookings(later)
        state = receive_transfer(
            payment_id=db.session.scalars(select(Payment.id)).one(), account=make_account(Role.FINANCE), now=later
        )

    assert seen == ["booking occupancy", "booking payment sailing occupancy"]
    assert state is PaymentState.SUCCEEDED


@pytest.mark.parametrize("days", [0, 1])
def test_moving_a_sailing(days):
    season = make_season()
    make_hold(season)
    sailing = season.sailing
    edits = [
        CallEdit(
            call.position,
            call.arrives_at and call.arrives_at + timedelta(days=days),
            call.departs_at and call.departs_at + timedelta(days=days),
            call.state,
            call.notes,
        )
        for call in sailing.calls
    ]

    with locks() as seen:
        reschedule(
            sailing_id=sailing.id,
            version_seen=sailing.version,
            calls=edits,
            status_text=sailing.status_text,
            now=NOON,
        )

    assert seen[0].startswith("sailing occupancy")
    assert db.session.scalars(select(Occupancy)).one().expires_at == NOON + HOLD_TIME


def test_offering_a_cabin_to_a_party_in_line_and_its_answers():
    season = make_season()
    holds = [make_hold(season, cabin=place, party=1) for place in range(4)]
    for number in range(3):
        join_line(
            sailing_ids=[season.sailing.id],
            party=2,
            infants=0,
            category=None,
            name="Anna Ivanova",
            email=f"{number}@example.org",
            language="en",
            consent_version="c1",
            now=NOON,
        )
    for hold in holds[:3]:
        release(occupancy_id=hold.id, now=NOON)

    with locks() as seen:
        serve_lines(NOON)
        accepted, declined, expired = db.session.scalars(select(WaitingOffer).order_by(WaitingOffer.id)).all()
        accept_offer(offer_id=accepted.id, holder="visitor", now=NOON)
        decline_offer(offer_id=declined.id, leave=False, now=NOON)
        expire_offers(expired.expires_at)

    assert seen == ["waiting_entry sailing occupancy"] * 3 + ["waiting_entry"] + ["waiting_entry occupancy"] * 3


@pytest.mark.parametrize("kind", list(OperationKind))
def test_stopping_a_sailing_and_what_follows_for_a_booking(kind):
    season = make_season()
    make_hold(season, cabin=1)
    booking = make_booking(season)
    sailing = season.sailing
    seen_before = seal(sailing, standings(sailing.id))

    with locks() as seen:
        stop(
            sailing_id=sailing.id,
            kind=kind,
            typed_code=sailing.code,
            seen=seen_before,
            reason=sailing.status_text,
            days=14,
            decide_days=14,
            account=make_account(Role.OPERATOR),
            now=NOON,
        )
        carry_out(NOON)

    assert seen[0] == "booking sailing occupancy"
    assert seen[1].startswith("operation_case booking")
    assert (booking.state is BookingState.CANCELLED) is (kind is OperationKind.CANCEL)


def test_working_out_what_papers_a_booking_needs():
    booking = make_booking(make_season())

    with locks() as seen:
        refresh_checklist(booking_id=booking.id, now=NOON)

    assert seen == ["booking checklist_item"]
