"""The review bench: queue, document beside what was typed, decision."""

from datetime import date, timedelta
from io import BytesIO

import pytest
import time_machine
from PIL import Image
from sqlalchemy import select

from portal.accounts.models import Role
from portal.audit.models import AuditEntry
from portal.database import db
from portal.files.services import content_of
from portal.files.views import ADDRESS_SECONDS
from portal.kernel.clock import now, real_now
from portal.visas.models import ChecklistItem, ItemState, Review, Submission
from portal.visas.services import accept, load_rules, refresh_checklist, submit_document
from tests.factories import details, make_account, make_booking, make_season
from tests.files import uploads

QUEUE = "/en/staff/reviews"


@pytest.fixture(autouse=True)
def own_store(app, tmp_path, database):
    before = app.config["FILES_URL"]
    app.config["FILES_URL"] = f"file://{tmp_path}/files"
    load_rules(now=now())
    yield
    app.config["FILES_URL"] = before


@pytest.fixture
def reviewer(browser):
    account = make_account(Role.REVIEWER, name="Rena Reviewer")
    browser.sign_in(account)
    return account


def make_submission(key: str = "passport", content: bytes = b"", *, days_ahead: int = 90, **given) -> Submission:
    booking = make_booking(make_season(days_ahead=days_ahead), passengers=(details(**given),), now=now())
    refresh_checklist(booking_id=booking.id, now=now())
    item = db.session.scalars(
        select(ChecklistItem).where(
            ChecklistItem.passenger_id == booking.passengers[0].id, ChecklistItem.key == key
        )
    ).one()
    return submit_document(item_id=item.id, content=content or uploads.jpeg((300, 200)), now=now())


def bench(submission: Submission) -> str:
    return f"{QUEUE}/{submission.reference}"


def picture_address(browser, submission: Submission, page: int = 1) -> str:
    """As the bench gives it: with a key that ends."""
    [address] = {
        image.get("src")
        for image in browser.open(bench(submission)).find("img")
        if f"/page/{page}?" in image.get("src")
    }
    return address


def test_the_most_pressing_document_stands_first(browser, reviewer):
    later = make_submission(days_ahead=120)
    sooner = make_submission(days_ahead=60)

    page = browser.open(QUEUE)

    order = [link.rpartition("/")[2] for link in page.links if f"{QUEUE}/" in link]
    assert order == [sooner.reference, later.reference]
    assert "2 documents" in page.words


def test_the_queue_is_filtered_by_sailing_country_and_state(browser, reviewer):
    passport, visa = make_submission(), make_submission("visa_tm.TM")
    accept(submission_id=passport.id, reviewer=reviewer, now=now())

    def found(**filters):
        page = browser.open(QUEUE, query_string=filters)
        return [link.rpartition("/")[2] for link in page.links if f"{QUEUE}/" in link]

    assert found() == [visa.reference]
    assert found(state="accepted") == [passport.reference]
    assert found(state="returned") == []
    assert found(country="TM", state="all") == [visa.reference]
    assert found(sailing=passport.item.passenger.booking.sailing.code, state="all") == [passport.reference]
    assert found(state="nonsense") == [visa.reference]


def test_nobody_but_a_reviewer_sees_the_bench(browser):
    submission = make_submission()

    for role in (Role.CUSTOMER, Role.OPERATOR, Role.FINANCE):
        browser.sign_in(make_account(role))
        for url in (QUEUE, bench(submission), f"{bench(submission)}/page/1"):
            assert browser.open(url).status == 403
    browser.sign_out()
    assert browser.open(bench(submission)).status in (302, 401)


def test_the_document_stands_beside_the_whole_passport_number_and_each_countrys_check(browser, reviewer):
    submission = make_submission(document_number="75 1234567", document_expires=date(2031, 1, 1))

    page = browser.open(bench(submission))

    assert "751234567" in page.words
    assert "Turkmenistan: long enough" in page.words
    assert picture_address(browser, submission).startswith(f"{bench(submission)}/page/1?key=")


def test_for_other_papers_the_passport_number_is_masked(browser, reviewer):
    submission = make_submission("visa_tm.TM", document_number="75 1234567")

    page = browser.open(bench(submission))

    assert "751234567" not in page.text
    assert "567" in page.words


def test_a_page_of_the_document_is_a_picture_that_no_cache_keeps_and_each_look_is_written_down(browser, reviewer):
    submission = make_submission(content=uploads.pdf(pages=2))

    picture = browser.open(picture_address(browser, submission, 2))

    assert (picture.status, picture.mimetype) == (200, "image/jpeg")
    assert "no-store" in picture.headers["Cache-Control"]
    assert browser.open(f"{bench(submission)}/page/3").location.endswith(bench(submission))
    entries = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "file.viewed")).all()
    assert [(entry.actor, entry.subject_reference) for entry in entries] == [
        (f"account:{reviewer.id}", submission.file.reference)
    ]


def test_what_staff_see_bears_their_name_and_what_is_stored_does_not(browser, reviewer):
    submission = make_submission(content=uploads.png((900, 600), mode="LA"))

    seen = Image.open(BytesIO(browser.open(picture_address(browser, submission)).content)).convert("L")

    stored = Image.open(BytesIO(content_of(submission.file)))
    assert seen.size == stored.size == (900, 600)
    assert stored.convert("L").getextrema() == (255, 255)
    assert sum(seen.histogram()[:240]) > 2000


def test_the_address_of_a_picture_ends_after_minutes_and_is_good_for_one_person(browser, reviewer):
    submission = make_submission()
    address = picture_address(browser, submission)
    other_page = address.replace("/page/1?", "/page/2?")

    assert browser.open(address).status == 200
    with time_machine.travel(real_now() + timedelta(seconds=ADDRESS_SECONDS + 2)):
        assert browser.open(address).location.endswith(bench(submission))
    assert browser.open(address.partition("?")[0]).location.endswith(bench(submission))
    assert browser.open(other_page).location.endswith(bench(submission))
    browser.sign_in(make_account(Role.REVIEWER))
    assert browser.open(address).location.endswith(bench(submission))


def test_accepting_leads_to_the_next_document_and_at_last_to_the_queue(browser, reviewer):
    first, second = make_submission(days_ahead=60), make_submission(days_ahead=120)

    answer = browser.open(bench(first)).submit("accept")
    last = browser.open(bench(second)).submit("accept")

    assert answer.location.endswith(bench(second))
    assert last.location.endswith(QUEUE)
    assert db.session.get_one(ChecklistItem, first.item_id).state is ItemState.ACCEPTED


def test_sending_back_needs_a_reason_and_keeps_what_was_typed(browser, reviewer):
    submission = make_submission()

    page = browser.open(bench(submission)).submit("return", note="Please by daylight.")

    assert page.status == 422
    assert "Please choose a reason." in page.words
    assert page.find("textarea", name="note")[0].text.strip() == "Please by daylight."


def test_something_else_needs_a_note(browser, reviewer):
    page = browser.open(bench(make_submission())).submit("return", reason="other")

    assert page.status == 422
    assert "Please write in the note what the guest should do." in page.words


def test_a_document_is_sent_back_with_reason_and_note(browser, reviewer):
    submission = make_submission()

    browser.open(bench(submission)).submit("return", reason="blurred", note="By daylight, please.")

    [review] = db.session.scalars(select(Review)).all()
    assert (review.reason, review.note, review.reviewer_id) == ("blurred", "By daylight, please.", reviewer.id)
    page = browser.open(bench(submission))
    assert "Decided by Rena Reviewer" in page.words
    assert page.find("button", data_key="KeyA") == []


def test_a_decision_that_came_too_late_is_refused_politely(browser, reviewer):
    submission = make_submission()
    page = browser.open(bench(submission))
    accept(submission_id=submission.id, reviewer=make_account(Role.REVIEWER), now=now())

    answer = page.submit("return", reason="blurred")

    assert answer.status == 409
    assert "Somebody has decided on this document meanwhile." in answer.words
    assert len(db.session.scalars(select(Review)).all()) == 1


def test_a_passport_that_will_not_do_offers_no_acceptance(browser, reviewer):
    page = browser.open(bench(make_submission(document_expires=date(2024, 6, 1))))

    assert "Turkmenistan: too short" in page.words
    assert page.find("button", data_key="KeyA") == []


def test_the_same_picture_of_two_passengers_is_pointed_out(browser, reviewer):
    content = uploads.jpeg()
    make_submission(content=content)

    page = browser.open(bench(make_submission(content=content)))

    assert "1 other passenger handed in this very picture." in page.words


@pytest.mark.parametrize("language", ["ru", "tk"])
def test_the_bench_speaks_the_reviewers_language(browser, reviewer, language):
    submission = make_submission()

    assert browser.open(f"/{language}/staff/reviews").status == 200
    assert browser.open(f"/{language}/staff/reviews/{submission.reference}").status == 200


def test_an_unknown_document_is_not_found(browser, reviewer):
    assert browser.open(f"{QUEUE}/ZZZZZZZZ").status == 404
