"""A passport's number goes nowhere but where it is needed: a whole journey, and then everything that it left behind."""

from __future__ import annotations

import logging
from io import BytesIO
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from portal.accounts.models import Role
from portal.booking.access import passenger_token
from portal.database import db
from portal.files import storage
from portal.files.models import StoredFile
from portal.kernel.clock import now
from portal.outbox.models import OutgoingMail
from portal.outbox.services import follow_up
from portal.payments.models import Payment
from portal.payments.services import receive_transfer, start_transfer
from portal.visas.models import Submission
from tests.factories import details, make_account, make_booking, make_season
from tests.files import uploads
from tests.visas.conftest import rules, store

__all__ = ["rules", "store"]

if TYPE_CHECKING:
    from flask import Flask

    from tests.browser import Browser

NUMBER = "758273645"
# As people and programs write it.
WRITTEN = (NUMBER, "75 8273645", "75 827 36 45", "758273645", "75%208273645")


class Heard(logging.Handler):
    """Everything that any logger says, of whatever level."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{record.getMessage()} {record.args!r} {record.exc_text or ''}")


@pytest.fixture
def heard() -> Heard:
    heard = Heard()
    root = logging.getLogger()
    before = root.level
    root.addHandler(heard)
    root.setLevel(logging.DEBUG)
    yield heard
    root.removeHandler(heard)
    root.setLevel(before)


@pytest.mark.usefixtures("rules", "store")
def test_a_passport_number_is_in_no_log_address_letter_or_measure(app: Flask, browser: Browser, heard: Heard) -> None:
    addresses: list[str] = []
    shown: list[str] = []

    def open_page(url: str):
        page = browser.open(url)
        addresses.extend([page.url, page.location, *page.links, *(form.action for form in page.forms)])
        shown.append(page.text)
        return page

    # The guest books, types the number, pays and hands the passport in, by his account and by a passenger's own link.
    guest = make_account(name="Meret Berdiyev", email="meret@example.org")
    booking = make_booking(
        make_season(), passengers=(details(document_number=NUMBER), details()), customer=guest, now=now()
    )
    reference = start_transfer(booking_id=booking.id, now=now())
    payment = db.session.scalars(select(Payment).where(Payment.reference == reference)).one()
    receive_transfer(payment_id=payment.id, account=make_account(Role.FINANCE), now=now())
    follow_up()
    first = booking.passengers[0]
    paper = f"{first.reference}-passport"
    browser.sign_in(guest)
    browser.open(f"/en/bookings/{booking.reference}/papers/{paper}").submit(
        document=(BytesIO(uploads.jpeg((600, 400))), "passport.jpg")
    )
    here = f"/en/bookings/{booking.reference}"
    for path in ("", "/papers", f"/papers/{paper}", "/statement", "/change", "/data"):
        open_page(here + path)
    browser.sign_out()
    browser.open(f"/en/passengers/{first.reference}/open/{passenger_token(first)}")
    open_page(f"/en/passengers/{first.reference}")

    # Staff look, decide, search and fail.
    follow_up()
    browser.sign_in(make_account(Role.ADMINISTRATOR))
    submission = db.session.scalars(select(Submission)).one()
    bench = open_page(f"/en/staff/reviews/{submission.reference}")
    assert NUMBER in bench.text.replace(" ", "")  # it is needed here, and nowhere else
    shown.remove(bench.text)
    for path in ("reviews", f"bookings/{booking.reference}", "bookings", "audit", f"sailings/{booking.sailing.code}"):
        open_page(f"/en/staff/{path}")
    storage.remove(db.session.scalars(select(StoredFile.path)).one())
    assert open_page(f"/en/bookings/{booking.reference}/papers/{paper}/1").status in (404, 500)
    follow_up()
    measures = [browser.open(path).text for path in ("/healthz", "/readyz")]

    letters = db.session.scalars(select(OutgoingMail)).all()
    assert letters
    assert heard.lines
    left = {
        "logs": heard.lines,
        "addresses": addresses,
        "letters": [f"{one.subject} {one.text} {one.html} {one.key}" for one in letters],
        "measures": measures,
        "pages": shown,
        "rows": _rows(),
    }
    for where, texts in left.items():
        for text in texts:
            assert not any(written in text for written in WRITTEN), f"{where}: {text[:300]}"


def _rows() -> list[str]:
    """Every value of the database as it lies there: columns that are sealed are read sealed."""
    found = []
    for table in db.metadata.sorted_tables:
        names = ", ".join(f'"{column.name}"' for column in table.columns)
        rows = db.session.connection().exec_driver_sql(f'SELECT {names} FROM "{table.name}"')
        found += [" ".join(str(value) for value in row) for row in rows]
    return found


def test_the_search_of_the_journey_finds_what_it_looks_for(heard: Heard) -> None:
    logging.getLogger("portal.anything").debug("passport %s", NUMBER)

    assert any(NUMBER in line for line in heard.lines)
