"""Portraits measured by a program: what is wrong and how to mend it, as advice, and missed by nobody where absent.

The faces are drawn by us, so what is proven is the measuring of what stands in known places; how often a cascade finds
the face of a real person is not.
"""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from portal.accounts.models import Role
from portal.booking.models import Booking
from portal.database import db
from portal.kernel.clock import now
from portal.outbox.services import follow_up
from portal.visas.labels import PHOTO_CHECKS, PHOTO_SAYS
from portal.visas.models import ChecklistItem, PhotoCheck, ReadingState, Submission
from portal.visas.photo import PHOTO_RULES, Measured, Verdict, judge_photo
from portal.visas.photo_cage import measure
from portal.visas.photos import check_waiting
from portal.visas.programs import forget_found
from portal.visas.services import refresh_checklist, submit_document
from tests.factories import details, make_account, make_booking, make_season
from tests.visas.portraits import Portrait, jpeg

if TYPE_CHECKING:
    from tests.browser import Browser

VISA, INVITATION = PHOTO_RULES["photo_tm_visa"], PHOTO_RULES["photo_tm_sms"]
GOOD = Measured(
    width=600,
    height=800,
    faces=1,
    crown=0.1,
    chin=0.82,
    eyes=((0.36, 0.45), (0.64, 0.45)),
    background=(246, 246, 246),
    background_spread=4,
    background_sides=2,
    face_sides=0.05,
    sharpness=200,
)


@pytest.mark.once
@pytest.mark.parametrize(
    ("measured", "says"),
    [
        (GOOD, None),
        (replace(GOOD, width=800), "proportion"),
        (replace(GOOD, width=300, height=400), "small"),
        (replace(GOOD, faces=2), "faces"),
        (replace(GOOD, faces=0), "no_face"),
        (replace(GOOD, chin=0.5), "head_small"),
        (replace(GOOD, crown=0.01, chin=0.95), "head_large"),
        (replace(GOOD, chin=0.68), "head_nearly"),
        (replace(GOOD, crown=None), "head_unsure"),
        (replace(GOOD, eyes=((0.36, 0.6), (0.64, 0.6))), "eyes_low"),
        (replace(GOOD, eyes=((0.36, 0.2), (0.64, 0.2))), "eyes_high"),
        (replace(GOOD, eyes=()), "eyes_unsure"),
        (replace(GOOD, eyes=((0.36, 0.40), (0.64, 0.45))), "tilted"),
        (replace(GOOD, background=(120, 140, 200)), "not_light"),
        (replace(GOOD, background_sides=40), "shadow_behind"),
        (replace(GOOD, background_spread=90), "uneven"),
        (replace(GOOD, face_sides=0.5), "shadow_on_face"),
        (replace(GOOD, sharpness=40), "soft"),
        (replace(GOOD, sharpness=9), "blurred"),
    ],
)
def test_each_fault_is_named_alone(measured: Measured, says: str | None) -> None:
    results = judge_photo(measured, VISA)

    assert [result.says for result in results if result.verdict is not Verdict.MET] == ([says] if says else [])


@pytest.mark.once
def test_every_result_has_its_words() -> None:
    for says, sentence in PHOTO_SAYS.items():
        assert "%" in str(sentence) or sentence, says
    for photo in (GOOD, replace(GOOD, background=(200, 200, 200), width=700)):
        for rule in PHOTO_RULES.values():
            for result in judge_photo(photo, rule):
                assert PHOTO_SAYS[result.says] % result.params
                assert result.check in PHOTO_CHECKS


@pytest.mark.once
def test_a_grey_wall_does_for_a_light_background_and_not_for_a_white_one() -> None:
    grey = replace(GOOD, background=(200, 200, 200))

    found = [{result.says for result in judge_photo(grey, rule)} for rule in (VISA, INVITATION)]

    assert ("not_white" in found[0], "not_white" in found[1]) == (False, True)


@pytest.mark.once
@pytest.mark.parametrize("portrait", [Portrait(), Portrait(crown=0.2, chin=0.7), Portrait(size=(354, 472))])
def test_crown_chin_and_eyes_are_found_where_they_were_drawn(portrait: Portrait) -> None:
    answer = measure(jpeg(portrait))
    assert answer is not None
    measured = Measured.of(answer)

    head = portrait.chin - portrait.crown
    assert measured.faces == 1
    assert measured.crown == pytest.approx(portrait.crown, abs=0.02)
    assert measured.chin == pytest.approx(portrait.chin, abs=0.03)
    assert [eye[1] for eye in measured.eyes] == pytest.approx([portrait.crown + 0.48 * head] * 2, abs=0.03)
    assert {result.verdict for result in judge_photo(measured, PHOTO_RULES["photo_tm_visa"])} - {Verdict.MET} <= (
        {Verdict.MISSED} if head < 0.6 else set()
    )


@pytest.mark.once
@pytest.mark.parametrize(
    ("portrait", "says"),
    [
        (Portrait(faces=2), "faces"),
        (Portrait(blur=4), "blurred"),
        (Portrait(turn=10), "tilted"),
        (Portrait(shadow=60), "shadow_behind"),
        (Portrait(background=(120, 140, 190)), "not_light"),
    ],
)
def test_a_drawn_fault_is_measured(portrait: Portrait, says: str) -> None:
    answer = measure(jpeg(portrait))
    assert answer is not None

    assert says in {result.says for result in judge_photo(Measured.of(answer), VISA)}


@pytest.fixture
def booking() -> Booking:
    booking = make_booking(make_season(), passengers=(details(),), customer=make_account(language="en"), now=now())
    refresh_checklist(booking_id=booking.id, now=now())
    return booking


def hand_in(content: bytes) -> Submission:
    item = db.session.scalars(select(ChecklistItem).where(ChecklistItem.document == "photo_tm_visa")).one()
    submission = submit_document(item_id=item.id, content=content, now=now())
    follow_up()
    return submission


def check() -> PhotoCheck:
    return db.session.scalars(select(PhotoCheck)).one()


@pytest.mark.usefixtures("rules", "store")
def test_guest_and_reviewer_read_what_is_wrong_and_how_to_mend_it(booking: Booking, browser: Browser) -> None:
    submission = hand_in(jpeg(Portrait(background=(120, 140, 190), size=(300, 400))))
    slug = f"{booking.passengers[0].reference}-{submission.item.key}"
    browser.sign_in(booking.customer)
    paper = f"/en/bookings/{booking.reference}/papers/{slug}"
    assert "It has not been measured yet" in browser.open(paper).words

    assert check_waiting(now()) == 1

    page = browser.open(paper)
    assert "2 things to mend" in page.words
    assert "at least 354 × 472 are wanted" in page.words
    browser.sign_in(make_account(role=Role.REVIEWER))
    assert "white or very light wall" in browser.open(f"/en/staff/reviews/{submission.reference}").words


@pytest.mark.usefixtures("rules", "store")
def test_without_the_program_portraits_wait_and_with_the_document_the_measures_go(
    booking: Booking, monkeypatch: pytest.MonkeyPatch
) -> None:
    submission = hand_in(jpeg(Portrait()))
    with monkeypatch.context() as without:
        without.setattr(importlib.util, "find_spec", lambda _name: None)
        assert (check_waiting(now()), check().state) == (0, ReadingState.WAITING)

    check_waiting(now())
    assert (check().state, check().measured is None) == (ReadingState.READ, False)

    forget_found(file_id=submission.file_id)
    assert (check().state, check().measured) == (ReadingState.FORGOTTEN, None)
