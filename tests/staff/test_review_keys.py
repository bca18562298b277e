"""The bench by keyboard, in a real browser."""

import pytest
from flask.sessions import SecureCookieSessionInterface

from portal.accounts.models import Role
from portal.database import db
from portal.visas.models import ChecklistItem, ItemState
from tests.factories import make_account
from tests.staff.test_reviews import bench, make_submission, own_store

pytestmark = pytest.mark.browser
__all__ = ["own_store"]


@pytest.fixture
def signed_in_window(app, window, address):
    account = make_account(Role.REVIEWER)
    serializer = SecureCookieSessionInterface().get_signing_serializer(app)
    cookie = serializer.dumps({"_user_id": account.get_id(), "_fresh": True})
    window.context.add_cookies([{"name": "session", "value": cookie, "url": address}])
    return window


def state_of(submission) -> ItemState:
    db.session.rollback()
    return db.session.get_one(ChecklistItem, submission.item_id).state


def test_one_key_accepts_and_leads_to_the_next(signed_in_window):
    first, second = make_submission(days_ahead=60), make_submission(days_ahead=120)
    signed_in_window.goto(bench(first))

    signed_in_window.keyboard.press("a")
    signed_in_window.wait_for_url(f"**{bench(second)}")

    assert state_of(first) is ItemState.ACCEPTED
    assert state_of(second) is ItemState.IN_REVIEW


def test_one_key_opens_the_reasons_and_typing_a_note_triggers_nothing(signed_in_window):
    submission = make_submission()
    signed_in_window.goto(bench(submission))

    signed_in_window.keyboard.press("r")
    signed_in_window.keyboard.press("Space")
    signed_in_window.locator("textarea").fill("")
    signed_in_window.locator("textarea").press_sequentially("A nap at noon")

    assert signed_in_window.locator("input[type=radio]:checked").count() == 1
    assert signed_in_window.locator("textarea").input_value() == "A nap at noon"
    assert state_of(submission) is ItemState.IN_REVIEW


def test_keys_can_be_switched_off_and_stay_off(signed_in_window):
    submission = make_submission()
    signed_in_window.goto(bench(submission))
    signed_in_window.locator("[data-keys-switch] input").uncheck()
    signed_in_window.reload()

    signed_in_window.keyboard.press("a")

    assert not signed_in_window.locator("[data-keys-switch] input").is_checked()
    assert state_of(submission) is ItemState.IN_REVIEW


def test_a_turned_picture_stays_whole(signed_in_window):
    signed_in_window.goto(bench(make_submission()))
    box = signed_in_window.locator("[data-box]")
    wide = box.bounding_box()

    signed_in_window.keyboard.press("t")

    tall = box.bounding_box()
    assert wide["width"] > wide["height"]
    assert tall["height"] > tall["width"]


def test_contrast_and_the_list_of_keys_have_keys_of_their_own(signed_in_window):
    signed_in_window.goto(bench(make_submission()))

    signed_in_window.keyboard.press("c")
    contrast = signed_in_window.locator("[data-bench]").get_attribute("data-contrast")
    signed_in_window.keyboard.press("0")
    signed_in_window.keyboard.press("Shift+Slash")

    assert contrast == "strong"
    assert signed_in_window.locator("[data-bench]").get_attribute("data-contrast") == ""
    assert signed_in_window.locator("dialog[open] h2").inner_text() == "Keys"
    signed_in_window.keyboard.press("Escape")
    assert signed_in_window.locator("dialog[open]").count() == 0


def test_ten_documents_take_at_most_three_keys_each(signed_in_window):
    """Seven are accepted by one key; three are sent back by two or three."""
    submissions = [make_submission(days_ahead=60 + place) for place in range(10)]
    keys = 0
    signed_in_window.goto("/en/staff/reviews")

    def press(key: str) -> None:
        nonlocal keys
        keys += 1
        signed_in_window.keyboard.press(key)

    press("n")
    for place, submission in enumerate(submissions):
        signed_in_window.wait_for_url(f"**/staff/reviews/{submission.reference}")
        signed_in_window.locator("[data-tools]:not([hidden])").wait_for()
        if place == 4:
            press("q")
        elif place in (2, 7):
            for key in ("r", "2", "Enter"):
                press(key)
        else:
            press("a")
    signed_in_window.wait_for_url("**/staff/reviews")

    states = [state_of(submission) for submission in submissions]
    assert states.count(ItemState.ACCEPTED) == 7
    assert states.count(ItemState.CHANGES_REQUESTED) == 3
    assert keys == 15
