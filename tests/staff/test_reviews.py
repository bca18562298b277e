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
from portal.visas.models import ChecklistItem, ItemState, ReturnReason, Review, Submission
from portal.visas.review.claims import take
from portal.visas.review.models import LookState, SecondLook
from portal.visas.services import accept, load_rules, refresh_checklist, send_back, submit_document
from tests.factories import details, make_account, make_booking, make_season
from tests.files import uploads

QUEUE = "/en/staff/reviews"


@pytest.fixture(autouse=True)
def own_store(app, tmp_path, database):
    before = {name: app.config[name] for name in ("FILES_URL", "SECOND_LOOKS_PERCENT")}
    app.config.update(FILES_URL=f"file://{tmp_path}/files", SECOND_LOOKS_PERCENT=0)
    load_rules(now=now())
    yield
    app.config.update(before)


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
        links = [link.partition("?")[0] for link in page.links]
        return [link.rpartition("/")[2] for link in links if f"{QUEUE}/" in link]

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


def test_the_same_passport_in_two_bookings_is_flagged_where_their_days_meet(browser, reviewer):
    submission = make_submission(document_number="75 1234567")
    same_days, other_days, another = (
        make_booking(make_season(days_ahead=days), passengers=(details(document_number=number),), now=now())
        for days, number in ((90, "751234567"), (200, "751234567"), (90, "758888888"))
    )

    page = browser.open(bench(submission))

    assert f"on the same days Booking {same_days.reference}" in page.words
    assert f"This passport also stands in booking {other_days.reference}" in page.words
    assert another.reference not in page.text


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


def test_taking_the_next_document_stays_with_the_sailing_chosen(browser, reviewer):
    sooner, later = make_submission(days_ahead=60), make_submission(days_ahead=120)
    code = later.item.passenger.booking.sailing.code

    answer = browser.open(f"{QUEUE}?sailing={code}").submit("next")
    page = answer.follow()
    after = page.submit("accept")

    assert answer.location.endswith(f"{later.reference}?sailing={code}")
    assert after.location.endswith(f"{QUEUE}?sailing={code}")
    assert db.session.get_one(ChecklistItem, sooner.item_id).state is ItemState.IN_REVIEW


def test_a_document_that_a_colleague_has_is_shown_and_not_decided(browser, reviewer):
    submission = make_submission()
    take(submission_id=submission.id, reviewer=make_account(Role.REVIEWER, name="Kemal"), now=now())

    page = browser.open(bench(submission))
    queue = browser.open(QUEUE)

    assert "Kemal is looking at it" in page.words
    assert page.find("button", data_key="KeyA") == []
    assert "with a colleague" in queue.words


def test_what_was_taken_is_given_back(browser, reviewer):
    submission = make_submission()
    browser.open(bench(submission))
    take(submission_id=submission.id, reviewer=reviewer, now=now())

    browser.open(QUEUE).submit("leave")

    assert "with you" not in browser.open(QUEUE).words


def test_the_likeliest_reason_sends_back_in_one_tap(browser, reviewer):
    submission = make_submission(document_expires=date(2024, 6, 1))

    page = browser.open(bench(submission))
    page.submit("at-once", reason=page.find("button", name="reason")[0].get("value"))

    assert db.session.scalars(select(Review)).one().reason is ReturnReason.EXPIRES_TOO_EARLY


def test_the_reviewer_sees_what_the_guest_will_read_in_his_language(browser, reviewer):
    submission = make_submission()
    submission.item.passenger.booking.language = "ru"
    db.session.commit()

    page = browser.open(bench(submission))

    assert page.find("q", lang="ru")[0].text.startswith("Снимок не читается")


def test_an_earlier_attempt_is_put_beside_the_new_one(browser, reviewer):
    first = make_submission()
    send_back(submission_id=first.id, reviewer=reviewer, reason=ReturnReason.BLURRED, note=None, now=now())
    newer = submit_document(item_id=first.item_id, content=uploads.jpeg((400, 200)), now=now())

    page = browser.open(f"{bench(newer)}?beside={first.reference}")

    shown = {(picture.get("src") or "").partition("?")[0] for picture in page.find("img")}
    assert {f"{bench(one)}/page/1" for one in (first, newer)} <= shown
    assert browser.open(f"{bench(newer)}?beside={make_submission().reference}").status == 404


def test_an_accepted_document_is_asked_for_again(browser, reviewer):
    submission = make_submission()
    accept(submission_id=submission.id, reviewer=reviewer, now=now())

    page = browser.open(bench(submission))
    forms = [form for form in page.forms if form.action.endswith("/ask-again")]
    browser.request(forms[0].action, method="POST", data=forms[0].values | {"reason": "cropped"})

    assert db.session.get_one(ChecklistItem, submission.item_id).state is ItemState.CHANGES_REQUESTED


def test_a_second_look_does_not_show_the_first_decision(app, browser, reviewer):
    app.config["SECOND_LOOKS_PERCENT"] = 100
    submission = make_submission()
    accept(submission_id=submission.id, reviewer=make_account(Role.REVIEWER, name="Kemal"), now=now())
    app.config["SECOND_LOOKS_PERCENT"] = 0

    page = browser.open(bench(submission))
    browser.request(
        f"{bench(submission)}/opinion", method="POST", data=page.forms[-1].values | {"reason": "blurred"}
    )

    assert "A second look" in page.words
    assert "Kemal" not in page.words
    assert db.session.scalars(select(SecondLook)).one().state is LookState.DISAGREED
    browser.sign_in(make_account(Role.LEAD))
    load = browser.open(f"{QUEUE}/load")
    assert "Kemal" in load.words
    load.forms[-1].values["decision"] = ["returned"]
    answers = [form for form in load.forms if form.action.endswith("/settle")]
    browser.request(answers[-1].action, method="POST", data=answers[-1].values)
    assert db.session.get_one(ChecklistItem, submission.item_id).state is ItemState.CHANGES_REQUESTED


def test_a_lead_waives_a_paper_with_its_evidence(browser):
    item = make_submission().item
    browser.sign_in(make_account(Role.LEAD))
    page = browser.open(f"{QUEUE}/papers/{item.passenger.reference}-{item.key}/waive")

    refused = page.submit(reason="A crew member.")
    page.submit(
        reason="A crew member.", evidence="Letter of the service", file=(BytesIO(uploads.jpeg()), "letter.jpg")
    )

    assert refused.status == 422
    assert db.session.get_one(ChecklistItem, item.id).state is ItemState.WAIVED
    load = browser.open(f"{QUEUE}/load")
    assert "Letter of the service" in load.words
    [file] = [link for link in load.links if "/waivers/" in link]
    assert browser.open(file).mimetype == "image/jpeg"
