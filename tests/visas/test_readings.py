"""Passports read by a program: beside what was typed, as advice, and missed by nobody where it is absent."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import select

from portal.accounts.models import Role
from portal.booking.models import Booking
from portal.database import db
from portal.kernel.clock import now
from portal.outbox.services import follow_up
from portal.visas.comparison import Typed, Verdict, compare
from portal.visas.models import ChecklistItem, PassportReading, ReadingState, Submission
from portal.visas.mrz import Certainty, Format, merge, parse
from portal.visas.mrz_cage import read
from portal.visas.programs import forget_found
from portal.visas.readings import mrz_of, read_waiting
from portal.visas.services import refresh_checklist, submit_document
from tests.browser import Browser
from tests.factories import details, make_account, make_booking, make_season
from tests.files import uploads
from tests.visas.mrz_lines import Holder, lines_of
from tests.visas.specimens import specimen

TODAY = date(2024, 2, 15)
HOLDER = Holder(
    "IVANOVA", "IULIIA", "750060001", "RUS", "RUS", date(1990, 3, 5), "F", date(2030, 1, 31)
)
TYPED = Typed("Ivanova", "Iuliia", None, None, date(1990, 3, 5), "F", "RU", "75 0060001", date(2030, 1, 31))


@pytest.mark.once
@pytest.mark.parametrize(
    ("typed", "field", "verdict"),
    [
        (TYPED, "surname", Verdict.SAME),
        (replace(TYPED, given_names="Yulia"), "given_names", Verdict.VARIANT),
        (replace(TYPED, given_names="Anna"), "given_names", Verdict.DIFFERENT),
        (TYPED, "number", Verdict.SAME),
        (replace(TYPED, number="750060002"), "number", Verdict.DIFFERENT),
        (replace(TYPED, number=None), "number", Verdict.UNTYPED),
        (replace(TYPED, birth_date=date(1990, 5, 3)), "birth_date", Verdict.DIFFERENT),
        (replace(TYPED, expires=date(2031, 1, 30)), "expires", Verdict.DIFFERENT),
        (replace(TYPED, sex="M"), "sex", Verdict.DIFFERENT),
        (replace(TYPED, citizenship="KZ"), "citizenship", Verdict.DIFFERENT),
    ],
)
def test_what_was_typed_is_compared_with_what_was_read(typed: Typed, field: str, verdict: Verdict) -> None:
    mrz = parse(lines_of(HOLDER), TODAY)
    assert mrz is not None

    rows = {row.name: row for row in compare(mrz, typed)}

    assert rows[field].verdict is verdict
    assert all(row.verdict is Verdict.SAME for name, row in rows.items() if name != field)


@pytest.mark.once
def test_a_field_read_without_certainty_never_differs() -> None:
    first, second = lines_of(HOLDER)
    mrz = parse([first, f"75006O0O7{second[9:]}"], TODAY)
    assert mrz is not None

    [number] = [row for row in compare(mrz, TYPED) if row.name == "number"]

    assert (number.verdict, number.certain) == (Verdict.UNSURE, False)


@pytest.mark.once
def test_readings_of_one_document_that_contradict_each_other_are_unsure() -> None:
    first, second = lines_of(HOLDER)
    other = lines_of(replace(HOLDER, number="750060012", surname="IVANOVO"))
    readings = [parse(lines, TODAY) for lines in ([first, second], [first, second], other)]

    merged = merge([mrz for mrz in readings if mrz])

    assert merged.number.certainty is merged.surname.certainty is Certainty.UNSURE
    assert (merged.surname.text, merged.given_names.text) == ("IVANOVA", "IULIIA")
    assert merged.given_names.certainty is Certainty.UNCHECKED
    assert merged.expires.certainty is Certainty.CHECKED


@pytest.mark.once
def test_one_good_reading_is_enough_for_a_checked_field() -> None:
    first, second = lines_of(HOLDER)
    readings = [parse(lines, TODAY) for lines in ([first, second], [first, "750060007" + second[9:]])]

    merged = merge([mrz for mrz in readings if mrz])

    assert (merged.number.text, merged.number.certainty) == ("750060001", Certainty.CHECKED)


@pytest.mark.once
@pytest.mark.parametrize("kind", ["clean", "flat", "rough", "phone"])
def test_pages_of_every_kind_are_read_exactly(kind: str) -> None:
    page = specimen(kind, 4)
    readings = [mrz for lines in read(page.content) if (mrz := parse(lines, TODAY))]

    mrz = merge(readings)

    assert (mrz.surname.text, mrz.given_names.text) == (page.holder.surname, page.holder.given_names)
    assert (mrz.number.text, mrz.nationality.text) == (page.holder.number, page.holder.nationality)
    assert (mrz.birth_date.text, mrz.sex.text) == (page.holder.birth_date.isoformat(), page.holder.sex)
    assert (mrz.expires.text, mrz.composite_holds) == (page.holder.expires.isoformat(), True)


@pytest.mark.once
@pytest.mark.parametrize(("form", "kind"), [(Format.TD1, "phone"), (Format.TD2, "rough")])
def test_cards_are_read_exactly(form: Format, kind: str) -> None:
    card = specimen(kind, 4, form)

    mrz = merge([mrz for lines in read(card.content) if (mrz := parse(lines, TODAY))])

    assert (mrz.format, mrz.composite_holds) == (form, True)
    assert (mrz.surname.text, mrz.given_names.text) == (card.holder.surname, card.holder.given_names)
    assert (mrz.number.text, mrz.nationality.text) == (card.holder.number, card.holder.nationality)
    assert (mrz.birth_date.text, mrz.expires.text) == (
        card.holder.birth_date.isoformat(),
        card.holder.expires.isoformat(),
    )


@pytest.fixture
def booking() -> Booking:
    booking = make_booking(make_season(), passengers=(details(), details()), customer=make_account(), now=now())
    refresh_checklist(booking_id=booking.id, now=now())
    return booking


def hand_in(booking: Booking, content: bytes) -> Submission:
    item = db.session.scalars(
        select(ChecklistItem).where(
            ChecklistItem.passenger_id == booking.passengers[0].id, ChecklistItem.key == "passport"
        )
    ).one()
    return submit_document(item_id=item.id, content=content, now=now())


def reading() -> PassportReading:
    return db.session.scalars(select(PassportReading)).one()


@pytest.mark.usefixtures("rules", "store")
def test_without_the_reader_a_passport_waits_and_the_bench_says_so(
    booking: Booking, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    submission = hand_in(booking, uploads.jpeg())

    follow_up()
    done = read_waiting(now())

    assert (done, reading().state) == (0, ReadingState.WAITING)
    browser.sign_in(make_account(role=Role.REVIEWER))
    page = browser.open(f"/en/staff/reviews/{submission.reference}")
    assert "have not been read yet" in page.words


@pytest.mark.usefixtures("rules", "store")
def test_a_passport_is_read_after_its_upload_and_shown_beside_what_was_typed(
    booking: Booking, browser: Browser
) -> None:
    page = specimen("clean", 4)
    submission = hand_in(booking, page.content)

    follow_up()
    follow_up()
    read_waiting(now())

    kept = reading()
    mrz = mrz_of(kept)
    assert mrz is not None
    assert (kept.state, mrz.number.text) == (ReadingState.READ, page.holder.number)
    stored = db.session.connection().exec_driver_sql("SELECT * FROM passport_reading").all()
    assert page.holder.number not in str(stored)
    browser.sign_in(make_account(role=Role.REVIEWER))
    bench = browser.open(f"/en/staff/reviews/{submission.reference}")
    assert page.holder.number in bench.words
    assert "Differs from what was typed" in bench.words


@pytest.mark.usefixtures("rules", "store")
def test_a_card_handed_in_as_a_passport_is_called_one(booking: Booking, browser: Browser) -> None:
    submission = hand_in(booking, specimen("clean", 4, Format.TD1).content)
    follow_up()

    read_waiting(now())

    browser.sign_in(make_account(role=Role.REVIEWER))
    assert "An identity card, not a passport" in browser.open(f"/en/staff/reviews/{submission.reference}").words


@pytest.mark.usefixtures("rules", "store")
def test_what_holds_no_passport_is_said_to_be_unread_and_what_was_read_is_forgotten(booking: Booking) -> None:
    submission = hand_in(booking, uploads.jpeg())
    follow_up()

    read_waiting(now())

    assert reading().state is ReadingState.NOTHING
    forget_found(file_id=submission.file_id)
    assert (reading().state, reading().fields) == (ReadingState.FORGOTTEN, None)
