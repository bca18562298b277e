"""What a passenger may tell later, why it is needed, and by when."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from flask_migrate import downgrade, upgrade
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from portal.booking.details import LIST_DAYS, VISA_DAYS, Field, NeededFor, deadline, missing_fields
from portal.booking.models import DocumentKind, Passenger
from portal.booking.queries import booking_page
from portal.booking.services import PassengerDetails
from portal.catalogue.models import Sailing
from portal.database import db
from portal.extensions import MIGRATIONS
from portal.visas.services import RETENTION, forget_document_numbers
from tests.factories import details, make_booking, make_season


def first_step(**given: object) -> PassengerDetails:
    """What a booking begins with: names, birth, citizenship."""
    return PassengerDetails(
        **{"surname": "IVANOVA", "given_names": "ANNA", "birth_date": date(1985, 5, 17), "citizenship": "RU"} | given
    )


def booked(one: PassengerDetails) -> tuple[Passenger, Sailing]:
    booking = make_booking(make_season(), passengers=(one,))
    return booking.passengers[0], booking.sailing


def fields(*, of: tuple[Passenger, Sailing]) -> list[Field]:
    return [missing.field for missing in missing_fields(*of)]


def test_a_booking_is_made_with_names_birth_and_citizenship_alone() -> None:
    passenger, sailing = booked(first_step())

    assert fields(of=(passenger, sailing)) == list(Field)
    assert (passenger.document_number, passenger.document_fingerprint) == (None, None)


def test_nothing_is_missing_once_everything_was_told() -> None:
    assert fields(of=booked(details(birth_place="Astrakhan"))) == []


def test_two_passengers_without_a_number_are_not_the_same_passenger() -> None:
    booking = make_booking(make_season(), passengers=(first_step(), first_step(given_names="MARIA")))

    assert len(booking.passengers) == 2


def test_only_a_passport_needs_a_last_day() -> None:
    child = details(birth_place="Baku", document_kind=DocumentKind.BIRTH_CERTIFICATE, document_expires=None)

    assert fields(of=booked(child)) == []
    assert fields(of=booked(details(birth_place="Baku", document_expires=None))) == [Field.DOCUMENT_EXPIRES]


@pytest.mark.parametrize(
    ("citizenship", "needed_for", "country", "days"),
    [
        ("RU", NeededFor.VISA, "TM", VISA_DAYS["TM"]),
        ("TM", NeededFor.PASSENGER_LIST, None, LIST_DAYS),
    ],
)
def test_a_visa_needs_the_data_earlier_than_the_passenger_list(
    citizenship: str, needed_for: NeededFor, country: str | None, days: int
) -> None:
    passenger, sailing = booked(first_step(citizenship=citizenship))

    missing = missing_fields(passenger, sailing)

    assert {(one.needed_for, one.country) for one in missing} == {(needed_for, country)}
    assert deadline(missing) == sailing.start_day - timedelta(days)


def test_a_deadline_may_have_passed() -> None:
    missing = missing_fields(*booked(first_step()))[0]

    assert not missing.late_on(missing.until)
    assert missing.late_on(missing.until + timedelta(1))


def test_what_was_forgotten_after_the_cruise_is_not_asked_for_again() -> None:
    passenger, sailing = booked(first_step(document_expires=date(2031, 1, 1)))

    forgotten = forget_document_numbers(sailing.ends_at + RETENTION + timedelta(days=1))

    db.session.refresh(passenger)
    assert forgotten == 1
    assert passenger.document_expires is None
    assert missing_fields(passenger, sailing) == ()


def test_the_page_of_the_booking_says_of_each_passenger_what_is_missing() -> None:
    booking = make_booking(make_season(), passengers=(details(birth_place="Baku"), first_step()))

    complete, begun = booking_page(booking.id).passengers

    assert complete.missing == ()
    assert begun.document_ending is None
    assert [missing.field for missing in begun.missing] == list(Field)


def test_bookings_made_before_and_after_go_through_the_migration_both_ways() -> None:
    booking = make_booking(make_season(), passengers=(details(document_number="751234567"), first_step()))
    references = {passenger.reference for passenger in booking.passengers}
    db.session.remove()

    downgrade(directory=str(MIGRATIONS), revision="0005")
    required = db.session.execute(text("SELECT sex, document_kind FROM passenger ORDER BY position")).all()
    db.session.remove()
    upgrade(directory=str(MIGRATIONS))

    assert required == [("F", "passport"), ("X", "passport")]
    passengers = db.session.scalars(select(Passenger).order_by(Passenger.position)).all()
    assert {passenger.reference for passenger in passengers} == references
    assert [passenger.document_number for passenger in passengers] == ["751234567", ""]
    with pytest.raises(IntegrityError):  # what pointed to a passenger points to him again
        db.session.execute(text("DELETE FROM passenger"))
    db.session.rollback()
