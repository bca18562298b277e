"""A price that is not locked when the lists change: both prices are shown, and nothing is done without consent."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from portal.accounts.models import Role
from portal.booking.errors import ChangeMoved
from portal.booking.models import Booking, BookingChange, ChangeKind
from portal.catalogue.models import Category
from portal.database import db, transaction
from portal.kernel.clock import now
from portal.kernel.money import Money
from portal.outbox.models import OutgoingMail
from portal.payments.books import differences
from portal.payments.plans.live import live_plan
from portal.payments.plans.models import PriceOffer, PriceOfferState
from portal.payments.plans.repricing import accept_price, open_offer, review_prices
from portal.payments.plans.tasks import tell_of_new_price
from portal.payments.refunds import cancel_preview
from portal.pricing.models import Fare
from portal.pricing.services import new_list, publish
from tests.factories import NOON, make_account, make_season
from tests.payments.plans.conftest import in_parts, make_plan, pay

LATER = NOON + timedelta(days=3)
DEARER = Money(2600_00, "RUB")


def make_slow(**given):
    """Ten per cent at booking; the price is locked at thirty, with the part of 60 days before the cruise."""
    steps = [{"days": 60, "weight": 1}, {"days": 45, "weight": 1}]
    return make_plan(**{"code": "slow", "percent": 10, "steps": steps} | given)


def booked(season=None, **given):
    """Paid ten per cent of 2,000.00."""
    booking = in_parts(season or make_season(), make_slow(now=given.get("now", NOON)), **given)
    pay(booking, now=given.get("now", NOON))
    return booking


def set_adult(booking, minor):
    """A new version of the price list, on sale at once."""
    with transaction() as session:
        fares = session.scalars(select(Fare).filter_by(sailing_id=booking.sailing_id, currency="RUB")).all()
        for fare in fares:
            fare.adult_minor, fare.single_minor, fare.child_minor = minor, minor * 2, minor
        newer = new_list(booking.sailing_id, "RUB", mark="confirmed", dues=0, now=LATER)
        codes = {one.id: one.code for one in session.scalars(select(Category))}
        publish(newer, {codes[fare.category_id]: fare for fare in fares}, LATER)


def offers(booking):
    db.session.expire_all()
    found = select(PriceOffer.state).filter_by(booking_id=booking.id).order_by(PriceOffer.id)
    return list(db.session.scalars(found))


def test_a_dearer_list_is_offered_once_and_changes_nothing_by_itself():
    booking = booked()
    set_adult(booking, 1300_00)

    assert review_prices(LATER) == 1
    assert review_prices(LATER) == 0

    offer = open_offer(booking.id)
    assert (offer.before, offer.after) == (Money(2000_00, "RUB"), DEARER)
    assert booking.price == Money(2000_00, "RUB")
    tell_of_new_price(offer.id)
    [key] = [one for one in db.session.scalars(select(OutgoingMail.key)) if "new_price" in one]
    assert key.endswith(str(offer.id))


def test_a_price_that_is_locked_stands_whatever_the_lists_say():
    booking = in_parts(make_season())
    pay(booking)
    set_adult(booking, 1300_00)

    assert review_prices(LATER) == 0


def test_a_list_that_has_not_changed_asks_nobody():
    booked()

    assert review_prices(LATER) == 0


def test_who_pays_the_share_in_time_keeps_his_price():
    booking = booked()
    set_adult(booking, 1300_00)
    review_prices(LATER)

    pay(booking, now=LATER)
    review_prices(LATER)

    assert offers(booking) == [PriceOfferState.LOCKED]
    assert booking.price == Money(2000_00, "RUB")


def test_who_agrees_has_the_new_price_in_the_parts_to_come():
    booking = booked()
    set_adult(booking, 1300_00)
    review_prices(LATER)

    accept_price(booking_id=booking.id, agreed=DEARER, now=LATER)

    db.session.expire_all()
    assert booking.price == DEARER
    assert [part.minor for part in live_plan(booking.id).parts] == [200_00, 1200_00, 1200_00]
    [change] = db.session.scalars(select(BookingChange))
    assert change.kind is ChangeKind.REPRICED
    assert (change.before["price"], change.after["price"]) == (2000_00, 2600_00)
    assert offers(booking) == [PriceOfferState.ACCEPTED]
    assert review_prices(LATER) == 0
    assert differences() == ()


def test_a_lower_price_is_the_guests_for_the_asking():
    booking = booked()
    set_adult(booking, 900_00)
    review_prices(LATER)

    accept_price(booking_id=booking.id, agreed=Money(1800_00, "RUB"), now=LATER)

    assert db.session.get_one(Booking, booking.id).price == Money(1800_00, "RUB")
    assert differences() == ()


def test_only_the_price_that_was_shown_is_agreed_to():
    booking = booked()
    set_adult(booking, 1300_00)
    review_prices(LATER)
    set_adult(booking, 1400_00)

    with pytest.raises(ChangeMoved):
        accept_price(booking_id=booking.id, agreed=DEARER, now=LATER)

    assert review_prices(LATER) == 1
    assert offers(booking) == [PriceOfferState.WITHDRAWN, PriceOfferState.OPEN]


def test_who_is_asked_for_more_may_leave_and_has_everything_back():
    booking = booked()
    late = NOON + timedelta(days=70)
    assert cancel_preview(booking.id, late).today.kept.minor > 0
    set_adult(booking, 1300_00)
    review_prices(late)

    assert cancel_preview(booking.id, late).today.returned == Money(200_00, "RUB")


def test_the_guest_decides_on_a_page_and_staff_see_who_has_not(browser):
    customer = make_account()
    browser.sign_in(customer)
    booking = booked(customer=customer, now=now())
    set_adult(booking, 1300_00)
    review_prices(now())

    page = browser.open(f"/en/bookings/{booking.reference}")
    assert "Your price is not locked yet" in page.words
    page = browser.open(f"/en/bookings/{booking.reference}/new-price")
    assert "Pay 900 ₽ now" in page.words
    done = page.submit().follow()

    assert "Your booking now has the new price" in done.words
    assert "New price" in done.words
    browser.sign_in(make_account(Role.FINANCE))
    assert "New prices that wait" not in browser.open("/en/staff/payments").words


def test_staff_see_prices_that_wait_for_consent(browser):
    booking = booked(now=now())
    set_adult(booking, 1300_00)
    review_prices(now())
    browser.sign_in(make_account(Role.FINANCE))

    words = browser.open("/en/staff/payments").words

    assert f"{booking.reference} 2,000 ₽ 2,600 ₽" in words
