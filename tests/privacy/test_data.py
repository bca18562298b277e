"""A guest's own data: consents, who looked, a copy of everything, and being forgotten."""

import json
from datetime import timedelta
from io import BytesIO
from zipfile import ZipFile

import pytest
from sqlalchemy import func, select

from portal.accounts.models import Account, Role
from portal.accounts.passwords import hash_password
from portal.audit.models import AuditEntry
from portal.booking.access import link_token
from portal.booking.companions import add_companion
from portal.booking.models import Booking, BookingState, Companion, Passenger
from portal.database import db, transaction
from portal.files.models import FileState, StoredFile
from portal.kernel.clock import now
from portal.ledger.models import LedgerEntry
from portal.outbox.models import MailState, OutgoingMail
from portal.outbox.services import follow_up, queue_mail
from portal.payments.models import Payment
from portal.payments.services import receive_transfer, start_transfer
from portal.privacy.errors import BelongsToAccount, NotForStaff, NothingAsked
from portal.privacy.models import Consent, Erasure, ErasureState, Purpose
from portal.privacy.owners import owner_of_account, owner_of_booking
from portal.privacy.queries import letters_about
from portal.privacy.services import ask_to_be_forgotten, erase_due, take_back
from portal.visas.keeping import RETENTION
from portal.visas.models import ChecklistItem, Submission
from portal.visas.services import refresh_checklist, submit_document
from tests.factories import details, make_account, make_booking, make_season
from tests.files import uploads

pytestmark = pytest.mark.usefixtures("rules", "store")

NUMBER = "758765432"
PASSWORD = "four quiet words here"
DATA = "/en/account/data"


@pytest.fixture
def guest(database):
    return make_account(name="Meret Berdiyev", email="meret@example.org")


@pytest.fixture
def known(guest):
    """The same, with a password that is known here."""
    with transaction():
        guest.password_hash = hash_password(PASSWORD)
    return guest


def booked(customer, **given) -> Booking:
    """With a passport handed in."""
    booking = make_booking(
        make_season(), passengers=(details(document_number=NUMBER, **given),), customer=customer, now=now()
    )
    refresh_checklist(booking_id=booking.id, now=now())
    item = db.session.scalars(
        select(ChecklistItem).where(
            ChecklistItem.passenger_id == booking.passengers[0].id, ChecklistItem.key == "passport"
        )
    ).one()
    submit_document(item_id=item.id, content=uploads.jpeg((300, 200)), now=now())
    return booking


def paid(booking: Booking) -> None:
    reference = start_transfer(booking_id=booking.id, now=now())
    payment = db.session.scalars(select(Payment).where(Payment.reference == reference)).one()
    receive_transfer(payment_id=payment.id, account=make_account(Role.FINANCE), now=now())


def unpacked(content: bytes) -> tuple[dict, dict[str, bytes]]:
    with ZipFile(BytesIO(content)) as folder:
        files = {name: folder.read(name) for name in folder.namelist()}
    return json.loads(files.pop("data.json")), files


def after_all(booking: Booking):
    return booking.sailing.ends_at + RETENTION + timedelta(days=1)


def test_the_consent_is_noted_by_purpose_and_version(guest):
    booking = booked(guest)

    follow_up()
    follow_up()

    [consent] = db.session.scalars(select(Consent)).all()
    assert (consent.purpose, consent.version) == (Purpose.BOOKING, booking.consent_version)
    assert (consent.booking_id, consent.account_id) == (booking.id, guest.id)


def test_companions_are_forgotten_when_their_consent_is_withdrawn(browser, guest):
    add_companion(account_id=guest.id, person=details(), now=now())
    browser.sign_in(guest)
    assert "1 person" in browser.open(DATA).words

    browser.open(DATA).submit("companions")

    assert db.session.scalar(select(func.count()).select_from(Companion)) == 0
    [consent] = db.session.scalars(select(Consent)).all()
    assert consent.withdrawn_at is not None
    assert "Withdrawn" in browser.open(DATA).words


def test_each_look_at_a_document_is_shown_to_its_owner(browser, guest):
    booking = booked(guest)
    reviewer = make_account(Role.REVIEWER, name="Rena Reviewer")
    submission = db.session.scalars(select(Submission)).one()
    browser.sign_in(reviewer)
    bench = browser.open(f"/en/staff/reviews/{submission.reference}")
    assert bench.status == 200, bench.words
    [picture] = {image.get("src") for image in bench.find("img") if "/page/" in (image.get("src") or "")}
    browser.open(picture)
    browser.sign_in(guest)
    assert f"/en/bookings/{booking.reference}/data" in "".join(browser.open(f"/en/bookings/{booking.reference}").links)

    words = browser.open(DATA).words

    assert "Reviewer R. R." in words
    assert "Rena" not in words
    assert "1 look" in words


def test_another_persons_looks_and_data_are_not_there(browser, guest):
    booking = booked(guest)
    browser.sign_in(make_account())

    assert browser.open(f"/en/bookings/{booking.reference}/data").status == 404
    assert "Nobody has looked" in browser.open(DATA).words


def test_the_copy_holds_everything_and_asks_for_the_password(browser, known, guest):
    booking = booked(guest)
    paid(booking)
    follow_up()
    add_companion(account_id=guest.id, person=details(surname="PETROVA"), now=now())
    browser.sign_in(guest)
    wrong = browser.open(DATA).submit("copy-form", password="something else", part="copy")

    data, files = unpacked(browser.open(DATA).submit("copy-form", password=PASSWORD, part="copy").content)

    assert wrong.status == 422
    assert data["account"]["email"] == guest.email
    [one] = data["bookings"]
    assert one["passengers"][0]["document_number"] == NUMBER
    assert one["payments"][0]["state"] == "succeeded"
    assert data["companions"][0]["surname"] == "PETROVA"
    assert {one["purpose"] for one in data["consents"]} == {"booking", "companions"}
    assert any(booking.reference in letter["subject"] or letter["recipient"] for letter in data["letters"])
    endings = {name.rsplit(".", 1)[1] for name in files}
    assert endings == {"jpg", "pdf"}
    assert all(files[name].startswith(b"%PDF") for name in files if name.endswith("pdf"))
    assert any(name.endswith("/voucher.pdf") for name in files)
    taken = select(AuditEntry.actor).where(AuditEntry.action == "data.exported")
    assert db.session.scalars(taken).all() == [f"account:{guest.id}"]


def test_who_has_the_link_alone_gets_no_whole_number(browser, guest):
    booking = booked(None)
    browser.open(f"/en/bookings/{booking.reference}/open/{link_token(booking)}")

    data, _files = unpacked(
        browser.open(f"/en/bookings/{booking.reference}/data").submit("copy-form", part="copy").content
    )

    assert data["account"] is None
    assert NUMBER not in json.dumps(data)
    assert data["bookings"][0]["passengers"][0]["document_number"].endswith(NUMBER[-2:])


def test_letters_to_an_address_that_somebody_typed_are_not_given_out(guest):
    mine = booked(guest)
    queue_mail(key="x:SECRET", recipient=guest.email, language="en", subject="Yours", text="link SECRET", html="")

    assert "x:SECRET" not in {letter.key for letter in letters_about(owner_of_account(guest))}
    assert "x:SECRET" not in {letter.key for letter in letters_about(owner_of_booking(mine))}


def test_a_booking_that_sails_delays_the_erasure_and_says_until_when(browser, known, guest):
    booking = booked(guest)
    browser.sign_in(guest)

    browser.open(DATA).submit("erase-form", **{"erase-password": PASSWORD, "erase-sure": "y", "part": "erase"})

    erase_due(now())
    wish = db.session.scalars(select(Erasure)).one()
    assert (wish.state, wish.due_at) == (ErasureState.ASKED, booking.sailing.ends_at + RETENTION)
    words = browser.open(DATA).words
    assert "A cruise is still booked" in words
    assert "You asked to be forgotten" in words
    assert db.session.get_one(Passenger, booking.passengers[0].id).surname == "IVANOVA"


def test_the_day_is_kept_true_when_the_booking_ends_sooner(guest):
    booking = booked(guest)
    ask_to_be_forgotten(owner=owner_of_account(guest), now=now())
    with transaction():
        booking.state = BookingState.CANCELLED

    assert erase_due(now()) == 1

    assert db.session.scalars(select(Erasure.state)).one() is ErasureState.DONE


def test_when_it_is_done_nobody_can_be_recognised_and_the_books_stay(browser, guest):
    booking = booked(guest)
    paid(booking)
    follow_up()
    add_companion(account_id=guest.id, person=details(), now=now())
    entries = db.session.scalar(select(func.count()).select_from(LedgerEntry))
    trail = set(db.session.scalars(select(AuditEntry.id)))
    ask_to_be_forgotten(owner=owner_of_account(guest), now=now())

    assert erase_due(after_all(booking)) == 1

    db.session.expire_all()
    passenger = booking.passengers[0]
    assert (passenger.surname, passenger.given_names) == ("ERASED", passenger.reference)
    assert (passenger.document_number, passenger.document_fingerprint) == ("", "")
    assert passenger.birth_date.isoformat() == "1985-01-01"
    assert {booking.contact_name, booking.contact_email, booking.contact_phone} == {None}
    account = db.session.get_one(Account, guest.id)
    assert account.email.endswith("@invalid")
    assert not account.active
    assert db.session.scalar(select(func.count()).select_from(Companion)) == 0
    assert db.session.scalar(select(func.count()).select_from(LedgerEntry)) == entries
    assert trail < set(db.session.scalars(select(AuditEntry.id)))
    assert erase_due(after_all(booking)) == 0


def test_documents_are_purged_with_their_proof(store, guest):
    booking = booked(guest)
    file = db.session.scalars(select(StoredFile)).one()
    digest = file.sha256
    ask_to_be_forgotten(owner=owner_of_account(guest), now=now())

    erase_due(after_all(booking))

    db.session.refresh(file)
    assert (file.state, file.sealed_key) == (FileState.PURGED, None)
    assert [path for path in store.rglob("*") if path.is_file()] == []
    proofs = db.session.scalars(
        select(AuditEntry.reason).where(AuditEntry.subject == "file", AuditEntry.subject_reference == file.reference)
    ).all()
    assert f"SHA-256 {digest}" in proofs
    assert db.session.scalars(select(Erasure.documents)).one() == 1


def test_no_text_of_the_database_names_the_guest_any_more(guest):
    booking = booked(guest, surname="BERDIYEVA", local_surname="Бердыева")
    paid(booking)
    follow_up()
    ask_to_be_forgotten(owner=owner_of_account(guest), now=now())

    erase_due(after_all(booking))

    kept_by_law = {"money_paper"}  # the law on accounting asks for them
    for table in db.metadata.sorted_tables:
        if table.name in kept_by_law:
            continue
        for row in db.session.execute(select(table)).all():
            content = " ".join(str(value) for value in row)
            for word in ("BERDIYEVA", "Бердыева", NUMBER, "meret@example.org", "Meret Berdiyev"):
                assert word not in content, f"{table.name}: {word}"


def test_a_letter_that_waits_is_not_sent_to_who_was_forgotten(guest):
    booking = booked(guest)
    queue_mail(
        key=f"x:{booking.reference}", recipient=guest.email, language="en", subject="S", text="T", html="H"
    )
    ask_to_be_forgotten(owner=owner_of_account(guest), now=now())

    erase_due(after_all(booking))

    letter = db.session.scalars(select(OutgoingMail).where(OutgoingMail.key == f"x:{booking.reference}")).one()
    assert (letter.state, letter.recipient, letter.text, letter.html) == (MailState.FAILED, "invalid", "", "")


def test_a_wish_can_be_taken_back_until_it_is_done(browser, guest):
    booking = booked(guest)
    owner = owner_of_account(guest)
    ask_to_be_forgotten(owner=owner, now=now())
    assert ask_to_be_forgotten(owner=owner, now=now()).id == db.session.scalars(select(Erasure.id)).one()
    browser.sign_in(guest)

    browser.open(DATA).submit("keep")

    assert erase_due(after_all(booking)) == 0
    with pytest.raises(NothingAsked):
        take_back(owner=owner, now=now())


def test_a_booking_without_an_account_is_forgotten_alone(guest):
    other = booked(guest)
    booking = booked(None)
    ask_to_be_forgotten(owner=owner_of_booking(booking), now=now())

    assert erase_due(after_all(booking)) == 1

    db.session.expire_all()
    assert booking.passengers[0].surname == "ERASED"
    assert other.passengers[0].surname == "IVANOVA"


def test_whoever_has_the_link_cannot_erase_what_belongs_to_an_account(guest):
    booking = booked(guest)

    with pytest.raises(BelongsToAccount):
        ask_to_be_forgotten(owner=owner_of_booking(booking), now=now())


def test_colleagues_are_closed_by_an_administrator(database):
    with pytest.raises(NotForStaff):
        ask_to_be_forgotten(owner=owner_of_account(make_account(Role.REVIEWER)), now=now())


@pytest.mark.parametrize("language", ["ru", "tk"])
def test_the_page_opens_in_the_other_languages(browser, guest, language):
    booked(guest)
    browser.sign_in(guest)

    assert browser.open(f"/{language}/account/data").status == 200
    assert browser.open(f"/{language}/account/data").submit("erase-form", part="erase").status == 422
