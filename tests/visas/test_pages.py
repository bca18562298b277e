"""A guest's papers as pages: what is needed, handing it in, and nobody else's."""

import re
from datetime import date
from io import BytesIO

import pytest
from sqlalchemy import event, select

from portal.accounts.models import Role
from portal.audit.models import AuditEntry
from portal.booking.models import Booking
from portal.catalogue.queries import sailing_view
from portal.database import db
from portal.files.intake import MAX_BYTES
from portal.files.models import StoredFile
from portal.kernel.clock import now
from portal.outbox.letters import speaking
from portal.visas.models import ChecklistItem, ItemState, ReturnReason, Submission
from portal.visas.queries import country_papers, papers_page, papers_summary
from portal.visas.services import accept, refresh_checklist, send_back
from tests.factories import details, make_account, make_booking, make_season
from tests.files import uploads

pytestmark = pytest.mark.usefixtures("rules", "store")


@pytest.fixture
def customer():
    return make_account(language="en")


@pytest.fixture
def booking(customer):
    return make_booking(make_season(), passengers=(details(), details(citizenship="BR")), customer=customer, now=now())


@pytest.fixture
def guest(browser, customer):
    browser.sign_in(customer)
    return browser


def address(booking: Booking, key: str = "", language: str = "en") -> str:
    item = f"/{booking.passengers[0].reference}-{key}" if key else ""
    return f"/{language}/bookings/{booking.reference}/papers{item}"


def upload(content: bytes, name: str = "scan.jpg") -> tuple[BytesIO, str]:
    return BytesIO(content), name


@pytest.mark.parametrize("language", ["ru", "tk", "en"])
def test_the_list_shows_every_paper_in_each_language(guest, booking, language):
    page = guest.open(address(booking, language=language))

    assert page.status == 200
    links = [link for link in page.links if f"/{language}/bookings/{booking.reference}/papers/" in link]
    links = [link for link in links if not link.endswith("/print")]
    assert len(links) == 18  # nine of each; the letter we get ourselves, the card is filled in at the border
    assert booking.passengers[0].document_number not in page.text


def test_the_list_names_source_and_date_and_what_needs_checking(guest, booking):
    page = guest.open(address(booking))

    assert "As of 1 May 2024" in page.words
    assert "Needs checking" in page.words
    assert any(link.startswith("https://wikimili.com") for link in page.links)
    assert "Turkmenistan: it must be valid until 19 November 2024, 6 months after" in page.words
    assert "It does not mean that no visa is needed." in page.words


def test_another_persons_papers_are_not_found(browser, booking):
    browser.sign_in(make_account())

    for key in ("", "passport"):
        assert browser.open(address(booking, key)).status == 404
    assert browser.open(f"{address(booking, 'passport')}/1").status == 404


def test_unknown_papers_are_not_found(guest, booking):
    assert guest.open(address(booking, "passport.XX")).status == 404
    assert guest.open(f"{address(booking, 'passport')}/1").status == 404
    assert guest.open("/en/bookings/ZZZZZZZZ/papers").status == 404


def test_a_document_is_handed_in_and_seen_again_only_by_its_owner(guest, booking, browser):
    page = guest.open(address(booking, "passport")).submit(document=upload(uploads.jpeg())).follow()

    assert "waits for a reviewer" in page.words
    [link] = [link for link in page.links if "/1?key=" in link]
    seen = guest.open(link)
    assert (seen.status, seen.mimetype) == (200, "image/jpeg")
    assert seen.content.startswith(b"\xff\xd8\xff")
    assert "no-store" in seen.headers["Cache-Control"]
    assert seen.headers["Content-Security-Policy"].startswith("sandbox;")
    assert seen.headers["X-Content-Type-Options"] == "nosniff"
    assert 'filename="passport-1.jpg"' in seen.headers["Content-Disposition"]
    viewed = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "file.viewed")).all()
    assert [entry.actor for entry in viewed] == [f"account:{booking.customer_id}"]
    assert guest.open(link.partition("?")[0]).location == page.url
    guest.sign_in(make_account())
    assert guest.open(link).status == 404


def test_a_pdf_is_handed_out_as_a_download(guest, booking):
    page = guest.open(address(booking, "passport")).submit(document=upload(uploads.pdf(), "scan.pdf")).follow()

    seen = guest.open(next(link for link in page.links if "/1?key=" in link))

    assert seen.headers["Content-Disposition"] == 'attachment; filename="passport-1.pdf"'


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a text", "This is not a JPEG, PNG, WebP, HEIC or PDF file."),
        (uploads.pdf_with_password(), "protected by a password"),
        (uploads.jpeg()[:3000], "damaged"),
        (b"\xff\xd8\xff" + b"0" * MAX_BYTES, "larger than 15 MB"),
    ],
    ids=["text", "password", "truncated", "15 MB and more"],
)
def test_a_refused_file_is_explained_beside_the_field_and_leaves_nothing(guest, booking, store, content, said):
    page = guest.open(address(booking, "passport")).submit(document=upload(content))

    assert page.status == 422
    assert said in page.words
    assert page.find("input", name="document", aria_invalid="true")
    assert [path for path in store.rglob("*") if path.is_file()] == []
    assert db.session.scalars(select(StoredFile)).all() == []


def test_a_request_larger_than_any_document_is_explained_the_same_way(guest, booking, store):
    page = guest.open(address(booking, "passport")).submit(document=upload(b"0" * (MAX_BYTES + 2**20)))

    assert page.status == 413
    assert "larger than 15 MB" in page.words
    assert page.find("input", name="document", aria_invalid="true")
    assert [path for path in store.rglob("*") if path.is_file()] == []


def test_no_file_at_all_is_asked_for(guest, booking):
    page = guest.open(address(booking, "passport")).submit()

    assert page.status == 422
    assert "Please choose a file." in page.words


def test_the_reason_of_a_return_is_read_on_the_page_and_the_next_attempt_goes_in(guest, booking):
    guest.open(address(booking, "passport")).submit(document=upload(uploads.jpeg()))
    [submission] = db.session.scalars(select(Submission)).all()
    send_back(
        submission_id=submission.id,
        reviewer=make_account(Role.REVIEWER),
        reason=ReturnReason.CROPPED,
        note="The lower edge is missing.",
        now=now(),
    )

    page = guest.open(address(booking, "passport"))
    again = page.submit(document=upload(uploads.png(), "scan.png")).follow()

    assert "Please take it again with all four corners." in page.words
    assert "The lower edge is missing." in page.words
    assert "Document 2" in again.words
    assert "Sent back" in again.words


def test_an_accepted_paper_asks_for_nothing_more(guest, booking):
    guest.open(address(booking, "passport")).submit(document=upload(uploads.jpeg()))
    [submission] = db.session.scalars(select(Submission)).all()
    accept(submission_id=submission.id, reviewer=make_account(Role.REVIEWER), now=now())

    page = guest.open(address(booking, "passport"))

    assert "Nothing more to do here." in page.words
    assert page.find("input", name="document") == []


def test_a_passport_that_expires_too_early_is_said_before_any_upload(guest, customer):
    booking = make_booking(
        make_season(), passengers=(details(document_expires=date(2024, 6, 1)),), customer=customer, now=now()
    )

    page = guest.open(address(booking))

    assert "Your passport expires on 1 June 2024" in page.words
    assert "Will not do as it is" in page.words


def test_the_page_is_right_before_the_worker_has_written_the_checklist(guest, booking):
    assert db.session.scalars(select(ChecklistItem)).all() == []

    guest.open(address(booking, "passport")).submit(document=upload(uploads.jpeg()))

    items = db.session.scalars(select(ChecklistItem).where(ChecklistItem.passenger_id == booking.passengers[0].id))
    states = {item.key: item.state for item in items}
    assert states["passport"] is ItemState.IN_REVIEW
    assert states["visa_tm.TM"] is ItemState.TODO


def test_papers_cost_the_same_statements_for_one_passenger_as_for_two():
    season = make_season()
    bookings = [
        make_booking(season, cabin=number, passengers=tuple(details() for _ in range(number)), now=now()).id
        for number in (1, 2)
    ]
    for booking_id in bookings:
        refresh_checklist(booking_id=booking_id, now=now())

    one, two = (statements_of(booking_id) for booking_id in bookings)

    assert one == two <= 7


def statements_of(booking_id: int) -> int:
    seen: list[str] = []

    def note(connection, cursor, statement, *rest):
        seen.append(statement)

    db.session.rollback()
    event.listen(db.engine, "before_cursor_execute", note)
    papers_page(booking_id, now().date())
    event.remove(db.engine, "before_cursor_execute", note)
    return len([statement for statement in seen if statement != "BEGIN"])


def test_the_summary_counts_what_is_required_of_the_guest(booking):
    first, second = papers_summary(booking.id)

    assert (first.total, first.done, first.worst) == (6, 0, "required")
    assert first.next_due is not None
    assert (second.total, second.worst) == (6, "blocking")  # Turkmenistan alone is known


def test_a_cruise_page_can_say_in_short_what_each_country_asks():
    season = make_season()

    with speaking("en"):
        papers = {paper.country: paper for paper in country_papers(sailing_view(season.sailing))}

    assert list(papers) == ["RU", "TM"]
    assert re.search(r"No visa: citizens of .*Kazakhstan", papers["RU"].summary)
    assert "The visa must be in the passport before boarding." in papers["TM"].summary
    assert papers["TM"].confidence == "one_source"
    assert papers["TM"].source.startswith("https://")
