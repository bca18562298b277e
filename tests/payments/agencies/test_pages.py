"""The pages of agencies: staff set one up, its people choose its credit at the payment and read its account."""

import pytest

from portal.accounts.models import Role
from portal.booking.models import BookingState
from portal.database import db
from portal.kernel.clock import now
from portal.payments.agencies.models import Agency
from portal.payments.agencies.services import add_member, take_on_credit
from tests.factories import make_account, make_booking, make_season
from tests.payments.agencies.conftest import make_agency, open_invoices, pay_invoice

NAMES = {"name_ru": "Хазар", "name_tk": "Hazar", "name_en": "Hazar Travel"}
TERMS = {"currency": "RUB", "limit": "5 000", "percent": "7.5"}
TYPED = NAMES | TERMS | {"email": "desk@agency.example", "language": "tk"}


@pytest.fixture
def staff(browser):
    browser.sign_in(make_account(Role.OPERATOR))
    return browser


@pytest.fixture
def agent(browser):
    account = make_account()
    browser.sign_in(account)
    return account


def test_the_operator_sets_an_agency_up_and_says_who_acts_for_it(staff):
    person = make_account()

    page = staff.open("/en/staff/agencies").submit(**TYPED, settling="gross").follow()

    agency = db.session.query(Agency).one()
    assert (agency.limit_minor, agency.commission_points, agency.net) == (5000_00, 750, False)
    page = page.submit("add-member", member_email=person.email).follow()
    assert person.name in page.words
    assert page.submit("add-member", member_email="nobody@example.org").status == 422
    page = page.submit("remove").follow()
    assert person.email not in page.words
    page = page.submit("terms", limit="100", active=None).follow()
    assert (agency.limit_minor, agency.active) == (100_00, False)


def test_what_is_missing_is_explained_beside_the_form(staff):
    page = staff.open("/en/staff/agencies").submit(**TYPED | {"name_tk": "", "percent": "60"}, settling="net")

    assert page.status == 422
    assert "name in this language" in page.words
    assert db.session.query(Agency).count() == 0


def test_staff_put_a_booking_on_credit_by_its_reference(staff):
    agency, booking = make_agency(), make_booking(make_season(), now=now())
    page = staff.open(f"/en/staff/agencies/{agency.reference}")

    done = page.submit("credit", booking=booking.reference.lower()).follow()

    assert booking.reference in done.words
    assert booking.state is BookingState.CONFIRMED
    assert "no booking with this reference" in page.submit("credit", booking="ZZZZZZZZ").words
    again = page.submit("credit", booking=booking.reference)
    assert again.status == 422
    pdf = next(address for address in done.links if "/invoices/" in address)
    assert staff.open(pdf).mimetype == "application/pdf"


def test_an_agent_chooses_the_credit_of_his_agency_at_the_payment(browser, agent):
    agency, booking = make_agency(), make_booking(make_season(), customer=agent, now=now())
    add_member(agency_id=agency.id, email=agent.email, now=now())
    page = browser.open(f"/en/bookings/{booking.reference}/pay")
    assert "5,000" in page.words

    done = page.submit(method="credit").follow()

    assert "Your agency answers for this booking now" in done.words
    assert booking.state is BookingState.CONFIRMED
    own = browser.open("/en/agency")
    assert booking.reference in own.words
    assert "1,800" in own.words
    assert browser.open(next(one for one in own.links if "/invoices/" in one)).mimetype == "application/pdf"
    assert "Hazar Travel" in browser.open("/en/account/profile").words


def test_over_the_limit_he_is_told_what_to_do(browser, agent):
    agency, booking = make_agency(limit=100_00), make_booking(make_season(), customer=agent, now=now())
    add_member(agency_id=agency.id, email=agent.email, now=now())

    page = browser.open(f"/en/bookings/{booking.reference}/pay").submit(method="credit")

    assert page.status == 422
    assert "ask us for a higher limit" in page.words


def test_nobody_else_has_an_agency_or_its_credit(browser, agent):
    make_agency()
    booking = make_booking(make_season(), customer=agent, now=now())

    assert browser.open("/en/agency").status == 404
    page = browser.open(f"/en/bookings/{booking.reference}/pay")
    assert "credit" not in page.form().values.get("method", [])
    assert "answers for" not in page.words
    assert page.submit(method="credit").status == 422


def test_finance_notes_what_was_paid_out(browser):
    agency, booking = make_agency(net=False), make_booking(make_season(), now=now())
    take_on_credit(booking_id=booking.id, agency_id=agency.id, now=now())
    pay_invoice(open_invoices(agency)[0], now=now())
    browser.sign_in(make_account(Role.FINANCE))
    page = browser.open(f"/en/staff/agencies/{agency.reference}")

    done = page.submit("pay-out").follow()

    assert "was transferred to the agency" in done.words
    assert [form for form in done.forms if "pay-out" in form.action] == []
