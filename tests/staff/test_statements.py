"""Finance hands statements in, looks before using them, and decides about what is left."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

from sqlalchemy import select

from portal.accounts.models import Role
from portal.booking.models import BookingState
from portal.database import db
from portal.kernel.clock import now
from portal.kernel.references import with_check
from portal.outbox.services import follow_up
from portal.payments.models import Payment
from portal.payments.queries import open_transfer
from portal.payments.services import start_transfer
from portal.payments.statements.models import BankLine, BankStatement, LineState
from portal.payments.statements.services import load_previewed, preview_statement
from tests.browser import Browser, Page
from tests.factories import NOON, make_account, make_booking, make_season
from tests.payments.statements.samples import Sent, one_c

QUEUE = "/en/staff/statements"


def awaited() -> tuple[Any, Payment]:
    booking = make_booking(make_season(), now=now())
    start_transfer(booking_id=booking.id, now=now())
    return booking, db.session.get_one(Payment, open_transfer(booking.id).id)


def handed_in(browser: Browser, *sent: Sent) -> Page:
    browser.sign_in(make_account(Role.FINANCE))
    return browser.open(QUEUE).submit(statement=(BytesIO(one_c(sent)), "kl_to_1c.txt"))


def waiting(*sent: Sent) -> BankLine:
    reference = preview_statement(content=one_c(sent), by=None, now=NOON)
    load_previewed(reference=reference, now=NOON)
    return db.session.scalars(select(BankLine)).one()


def test_a_statement_is_looked_at_taken_over_and_used(browser: Browser) -> None:
    booking, payment = awaited()
    purpose = f"Платёж {with_check(payment.reference)}"

    preview = handed_in(browser, Sent(2000_00, purpose), Sent(300_00, "за что-то")).follow()
    taken = browser.request(preview.url, method="POST", data=token(preview))
    follow_up()

    assert "2,000 ₽ is used at once" in preview.words
    assert "1 sum of money waits for your decision" in preview.words
    assert taken.status == 303
    assert booking.state is BookingState.CONFIRMED
    assert "за что-то" in browser.open(QUEUE).words
    assert purpose in browser.open(preview.url).words


def token(page: Page) -> dict[str, Any]:
    return {"csrf_token": page.forms[-1].values["csrf_token"]}


def test_a_file_that_is_only_looked_at_is_forgotten_again(browser: Browser) -> None:
    preview = handed_in(browser, Sent(300_00, "за что-то")).follow()

    preview.submit(form="discard")

    assert db.session.scalars(select(BankStatement)).all() == []
    assert db.session.scalars(select(BankLine)).all() == []


def test_a_bad_file_is_explained_beside_the_field(browser: Browser) -> None:
    browser.sign_in(make_account(Role.FINANCE))
    damaged = one_c([Sent(1_00, "x")]).replace("Сумма=1.00".encode("cp1251"), "Сумма=много".encode("cp1251"))

    answer = browser.open(QUEUE).submit(statement=(BytesIO(damaged), "kl_to_1c.txt"))

    assert answer.status == 422
    assert "Line 18: “много” is not an amount like 2000.00." in answer.words
    assert "Nothing was taken from the file" in answer.words


def test_money_is_used_for_the_payment_that_finance_names(browser: Browser) -> None:
    booking, payment = awaited()
    line = waiting(Sent(2500_00, "за круиз", payer="СИДОРОВ"))
    browser.sign_in(make_account(Role.FINANCE))
    page = browser.open(f"{QUEUE}/lines/{line.reference}")

    wrong = submitted(page, reference="XXXX", amount="2000")
    right = submitted(page, reference=with_check(payment.reference), amount="2000")

    assert (wrong.status, right.status) == (422, 303)
    assert "No transfer has this reference" in wrong.words
    assert booking.state is BookingState.CONFIRMED
    assert line.left_minor == 500_00
    assert "СИДОРОВ" in browser.open(QUEUE).words


def submitted(page: Page, **typed: str) -> Page:
    form = next(form for form in page.forms if "reference" in form.values)
    return page.browser.request(page.url, method="POST", data=form.values | typed)


def test_money_is_set_aside_and_sent_back(browser: Browser) -> None:
    line = waiting(Sent(700_00, "за круиз"))
    browser.sign_in(make_account(Role.FINANCE))
    address = f"{QUEUE}/lines/{line.reference}"

    sent = token(browser.open(address))

    def decide(decision: str) -> None:
        data = sent | {"decision": decision}
        assert browser.request(f"{address}/decide", method="POST", data=data).status == 303

    decide("set_aside")
    assert line.state is LineState.SUSPENSE
    decide("send_back")
    decide("sent_back")
    decide("sent_back")

    assert line.state is LineState.RETURNED
    assert "Somebody else has decided about this money" in browser.open(address).words


def test_the_template_and_what_is_missing_are_there(browser: Browser) -> None:
    _booking, payment = awaited()
    waiting(Sent(1500_00, with_check(payment.reference)))
    browser.sign_in(make_account(Role.FINANCE))

    assert "Transfers of which a part is missing" in browser.open(QUEUE).words
    assert browser.client.get(f"{QUEUE}/template.csv").data.decode("utf-8-sig").startswith("date;amount;currency")


def test_a_transfer_is_found_by_its_reference_with_the_check_letter(browser: Browser) -> None:
    _booking, payment = awaited()
    browser.sign_in(make_account(Role.FINANCE))

    for typed in (with_check(payment.reference).lower(), payment.reference):
        assert payment.reference in browser.open(f"/en/staff/payments?q={typed}").words


def test_the_guest_reads_what_is_missing_on_his_own_page(browser: Browser) -> None:
    customer = make_account(Role.CUSTOMER)
    booking = make_booking(make_season(), customer=customer, now=now())
    start_transfer(booking_id=booking.id, now=now())
    waiting(Sent(1500_00, with_check(open_transfer(booking.id).reference)))
    browser.sign_in(customer)

    page = browser.open(f"/en/bookings/{booking.reference}/transfer")

    assert "1,500 ₽ of 2,000 ₽ has come. Please send the missing 500 ₽" in page.words
    assert "Please transfer 500 ₽ so that it reaches us" in page.words
    assert "1,500 ₽ of 2,000 ₽ is here already." in browser.open(f"/en/bookings/{booking.reference}").words


def test_a_statement_can_be_loaded_by_command(app: Any, tmp_path: Path) -> None:
    booking, payment = awaited()
    path = tmp_path / "statement.txt"
    path.write_bytes(one_c([Sent(2000_00, with_check(payment.reference)), Sent(1_00, "?")]))

    done = app.test_cli_runner().invoke(args=["statement", "load", str(path)])
    again = app.test_cli_runner().invoke(args=["statement", "load", str(path)])

    assert "2 lines new, 0 known, 1 to be decided by finance" in done.output
    assert booking.state is BookingState.CONFIRMED
    assert again.exit_code == 1
    assert done.output.split(":")[0] in again.output
