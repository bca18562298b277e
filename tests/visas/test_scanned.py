"""Papers and the virus scanner: what it has not seen is not accepted, what it stops is asked for again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from portal.accounts.models import Role
from portal.booking.models import Booking
from portal.database import db, transaction
from portal.files.models import FileState
from portal.kernel.clock import now
from portal.outbox.models import OutgoingMail
from portal.outbox.services import announce, follow_up
from portal.visas.errors import NotScannedYet
from portal.visas.models import ChecklistItem, ItemState, Submission
from portal.visas.services import accept, purge_after_cruise, refresh_checklist, submit_document
from tests.factories import details, make_account, make_booking, make_season
from tests.files import uploads

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask

    from tests.browser import Browser

pytestmark = pytest.mark.usefixtures("rules", "store")


@pytest.fixture
def waiting(app: Flask) -> Iterator[Submission]:
    """A passport that was handed in while the scanner was away."""
    app.config["CLAMD_URL"] = "unix:///nowhere/clamd.ctl"
    booking = make_booking(make_season(), passengers=(details(),), customer=make_account(language="en"), now=now())
    refresh_checklist(booking_id=booking.id, now=now())
    item = db.session.scalars(select(ChecklistItem).where(ChecklistItem.key == "passport")).one()
    yield submit_document(item_id=item.id, content=uploads.jpeg(), now=now())
    app.config["CLAMD_URL"] = None


def test_a_document_that_the_scanner_has_not_seen_is_neither_shown_nor_accepted(
    waiting: Submission, browser: Browser
) -> None:
    reviewer = make_account(Role.REVIEWER)
    browser.sign_in(reviewer)

    with pytest.raises(NotScannedYet):
        accept(submission_id=waiting.id, reviewer=reviewer, now=now())

    bench = browser.open(f"/en/staff/reviews/{waiting.reference}")
    assert "has not looked at this document yet" in bench.words
    assert not [image for image in bench.find("img") if "/page/" in image.get("src")]
    assert "The virus scanner does not answer" in browser.open("/en/staff/reviews").words


def test_a_stopped_document_is_asked_for_again_by_mail_and_on_its_page(waiting: Submission, browser: Browser) -> None:
    with transaction():
        waiting.file.move_to(FileState.REJECTED)
        announce("files.rejected", file_id=waiting.file_id)

    follow_up()

    booking = db.session.scalars(select(Booking)).one()
    assert waiting.item.state is ItemState.CHANGES_REQUESTED
    letters = db.session.scalars(select(OutgoingMail.text).where(OutgoingMail.key.startswith("visas.stopped"))).all()
    assert ["Nobody has opened it." in letter for letter in letters] == [True]
    browser.sign_in(booking.customer)
    page = browser.open(f"/en/bookings/{booking.reference}/papers/{booking.passengers[0].reference}-passport")
    assert "Stopped by the virus scanner" in page.words
    assert "Please hand it in again" in page.words


def test_of_a_cancelled_booking_documents_go_sooner_whatever_their_own_date(waiting: Submission) -> None:
    booking = db.session.scalars(select(Booking)).one()
    at = now()
    with transaction():
        announce("booking.cancelled", booking_id=booking.id)

    follow_up()

    kept = waiting.file.keep_until
    assert kept is not None
    assert (kept - at).days == 30
    assert purge_after_cruise(kept) == 0
    assert purge_after_cruise(kept.replace(year=kept.year + 1)) == 1
