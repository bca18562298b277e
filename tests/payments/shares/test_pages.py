"""The pages of several payers, without JavaScript: the holder divides, the payer reads his share and nothing else."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from portal.booking.models import BookingState
from portal.booking.queries import booking_page
from portal.database import db
from portal.kernel.clock import now
from portal.outbox.services import follow_up
from portal.payments.papers.models import MoneyPaper, PaperKind
from portal.payments.queries import open_transfer
from portal.payments.services import receive_transfer
from portal.payments.shares.access import share_token
from portal.payments.shares.models import PaymentShare, ShareState
from portal.payments.statement import statement_of
from tests.browser import Browser
from tests.factories import make_account, make_booking, make_season
from tests.payments.shares.conftest import again, ask, pay_share_of


@pytest.fixture
def booking(browser):
    customer = make_account()
    browser.sign_in(customer)
    return make_booking(make_season(), customer=customer, now=now())


@pytest.fixture
def stranger(app):
    return Browser(app.test_client())


def payers_of(booking):
    return f"/en/bookings/{booking.reference}/payers"


def link(share):
    return f"/en/shares/{share.reference}/open/{share_token(share)}"


def test_the_holder_asks_for_a_sum_and_for_passengers(browser, booking):
    page = browser.open(payers_of(booking))
    typed = {"name": "Maral Ataeva", "email": "maral@example.org", "language": "tk", "amount": "500,50"}
    page.submit("ask", **typed, how="sum").follow()
    first, _second = booking.passengers

    done = browser.open(payers_of(booking)).submit(
        "ask", **typed | {"email": "olga@example.org", "amount": ""}, how="passengers", passengers=[str(first.id)]
    )

    assert "on its way" in done.follow().words
    one, two = db.session.query(PaymentShare).order_by(PaymentShare.id)
    assert (one.amount_minor, one.language) == (500_50, "tk")
    assert (two.amount_minor, two.passengers) == (1000_00, [first.id])


def test_what_is_missing_or_too_much_is_explained_beside_the_form(browser, booking):
    typed = {"name": "Maral", "email": "maral@example.org", "language": "en"}
    for wrong, word in (
        ({}, "Please choose what this payer pays"),
        ({"how": "sum"}, "Please type the sum"),
        ({"how": "passengers"}, "Please tick for whom"),
        ({"how": "sum", "amount": "99999"}, "take a smaller sum"),
    ):
        page = browser.open(payers_of(booking)).submit("ask", **typed | wrong)

        assert page.status == 422
        assert word in page.words


def test_the_holder_changes_reminds_withdraws_and_pays_himself(browser, booking):
    share, other = ask(booking, 500_00, now=now()), ask(booking, 300_00, "Olga", now=now())

    page = browser.open(f"{payers_of(booking)}/{share.reference}")
    assert share_token(share) in page.words
    page.submit(amount="600")
    assert again(share).amount_minor == 600_00
    assert browser.open(f"{payers_of(booking)}/{share.reference}").submit(amount="1701").status == 422
    token = browser.open(payers_of(booking)).forms[-1].values["csrf_token"][0]
    early = browser.request(f"{payers_of(booking)}/{share.reference}/remind", method="POST", data={"csrf_token": token})
    assert "wait until tomorrow" in early.follow().words
    gone = browser.request(
        f"{payers_of(booking)}/{share.reference}/withdraw", method="POST", data={"csrf_token": token, "pay": "1"}
    )

    assert gone.location.endswith("/pay")
    assert again(share).state is ShareState.WITHDRAWN
    assert "1,700" in gone.follow().words
    assert again(other).state is ShareState.OPEN


def test_the_payer_sees_his_share_alone_and_pays_it(browser, booking, stranger):
    first, second = booking.passengers
    share = ask(booking, passengers=[first.id], now=now())
    assert stranger.open(f"/en/shares/{share.reference}").status == 404
    page = stranger.open(link(share)).follow()
    assert first.full_name in page.words
    assert second.full_name not in page.words
    assert "1,000" in page.words
    assert "Our desk" not in page.words

    chosen = page.submit(method="transfer")

    transfer = chosen.follow()
    assert open_transfer(booking.id, share.id).reference in transfer.words.replace(" ", "")
    pdf = stranger.open(f"/en/shares/{share.reference}/invoice.pdf")
    assert pdf.mimetype == "application/pdf"
    receive_transfer(
        payment_id=open_transfer(booking.id, share.id).id, account=make_account(), now=now()
    )
    follow_up()
    paid = stranger.open(f"/en/shares/{share.reference}")
    assert "Your share is paid" in paid.words
    receipt = next(address for address in paid.links if "/receipts/" in address)
    assert stranger.open(receipt).status == 200
    assert stranger.open(f"/en/bookings/{booking.reference}").status == 404


def test_a_receipt_is_its_payer_s_alone(browser, booking, stranger):
    share, other = ask(booking, 500_00, now=now()), ask(booking, 300_00, now=now())
    pay_share_of(share, now=now())
    follow_up()
    name = db.session.query(MoneyPaper).filter_by(kind=PaperKind.RECEIPT).one().name
    stranger.open(link(other))

    assert stranger.open(f"/en/shares/{other.reference}/receipts/{name}.pdf").status == 404
    assert browser.open(f"/en/bookings/{booking.reference}/statement/{name}.pdf").status == 404
    assert name not in browser.open(f"/en/bookings/{booking.reference}/statement").text


def test_a_gift_names_nobody_and_its_sum_stands_beside_the_name_only_if_the_giver_agrees(browser, booking, stranger):
    share = ask(booking, passengers=[booking.passengers[0].id], gift=True, now=now())
    page = stranger.open(link(share)).follow()
    for passenger in booking.passengers:
        assert passenger.surname not in page.words
    pay_share_of(share, now=now())

    assert "the sum is not shown" in browser.open(payers_of(booking)).words
    assert "the sum is not shown" in browser.open(f"/en/bookings/{booking.reference}").words
    second = ask(booking, 100_00, gift=True, now=now())
    stranger.open(link(second)).follow().submit(method="transfer", sum_shown="y")
    assert again(second).sum_shown
    assert "Maral" not in str([line.text for line in statement_of(booking_page(booking.id)).lines])


def test_an_old_link_opens_nothing_and_neither_does_what_it_opened(stranger, booking):
    share = ask(booking, 500_00, now=now())
    stranger.open(link(share))
    stale = link(share)
    share.link_version += 1
    db.session.commit()

    assert stranger.open(stale).status == 404
    assert stranger.open(f"/en/shares/{share.reference}").status == 404


def test_a_withdrawn_share_says_so_and_offers_no_way_to_pay(stranger, booking, browser):
    share = ask(booking, 500_00, now=now())
    stranger.open(link(share))
    share.state, share.closed_at = ShareState.WITHDRAWN, now()
    db.session.commit()

    page = stranger.open(f"/en/shares/{share.reference}")

    assert "Nothing is asked of you any more" in page.words
    assert [form for form in page.forms if form.in_main] == []
    assert booking.state is BookingState.PENDING
    assert urlsplit(page.url).path.startswith("/en/shares/")
