from contextvars import Context

import pytest
import time_machine

from portal.accounts.models import Role
from portal.accounts.passwords import hash_password
from portal.accounts.services import change_password
from portal.accounts.sessions import STAFF_SESSION
from portal.database import db
from portal.extensions import limiter
from portal.kernel.clock import real_now
from portal.web.addresses import local_path
from tests.factories import NOON, make_account

PASSWORD = "four quiet words here"


@pytest.fixture(autouse=True)
def fresh_limits(app):
    limiter.reset()


def account_with_password(**columns):
    return make_account(email="anna@example.org", password_hash=hash_password(PASSWORD), **columns)


def sign_in(browser, *, password=PASSWORD, email="anna@example.org", address="/en/sign-in"):
    return browser.open(address).submit(email=email, password=password)


def in_session(browser, look):
    """What `look` finds in the visitor's session, or does to it."""

    def opened():
        with browser.client.session_transaction() as own:
            return look(own)

    return Context().run(opened)


def test_the_right_password_opens_the_account(browser):
    account_with_password()

    answer = sign_in(browser, email=" Anna@Example.org ")

    assert answer.location == "/en/my-bookings"
    assert browser.open("/en/account/profile").status == 200


def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(browser):
    account_with_password()

    wrong = sign_in(browser, password="not the one at all")
    unknown = sign_in(browser, email="nobody@example.org")

    assert wrong.status == unknown.status == 422
    assert wrong.words == unknown.words
    assert 'value="anna@example.org"' in wrong.text
    assert "not the one" not in wrong.text


def test_an_account_that_is_shut_out_cannot_sign_in(browser):
    account_with_password(active=False)

    assert sign_in(browser).status == 422


def test_the_sixth_attempt_in_a_minute_has_to_wait(browser):
    account_with_password()
    for _ in range(5):
        assert sign_in(browser, password="not the one at all").status == 422

    refused = sign_in(browser)

    assert refused.status == 429
    assert "Too many attempts" in refused.words
    assert 'value="anna@example.org"' in refused.text


def test_one_address_is_not_tried_from_many_places(app, browser):
    account_with_password()
    for place in range(5):
        app_address = {"REMOTE_ADDR": f"10.0.0.{place}"}
        page = browser.open("/en/sign-in", environ_base=app_address)
        data = page.form().values | {"email": "anna@example.org", "password": "not the one at all"}
        browser.request("/en/sign-in", method="POST", data=data, environ_base=app_address)

    data = browser.open("/en/sign-in").form().values | {"email": "ANNA@example.org", "password": PASSWORD}
    refused = browser.request("/en/sign-in", method="POST", data=data, environ_base={"REMOTE_ADDR": "10.0.0.99"})

    assert refused.status == 429


def test_signing_in_leads_back_to_what_was_asked_for(browser):
    account_with_password()

    door = browser.open("/en/account/profile?a=1").follow()
    answer = door.submit(email="anna@example.org", password=PASSWORD)

    assert "Please sign in to see this page." in door.words
    assert answer.location == "/en/account/profile?a=1"


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "\\\\evil.example",
        "/\t/evil.example",
        "javascript:alert(1)",
        "evil.example",
        "",
    ],
)
def test_no_address_outside_is_led_to(browser, address):
    account_with_password()

    page = browser.open("/en/sign-in", query_string={"next": address})
    answer = page.submit(email="anna@example.org", password=PASSWORD)

    assert local_path(address) is None
    assert answer.location == "/en/my-bookings"


def test_the_session_is_renewed_and_the_visitors_own_things_are_kept(browser):
    account_with_password()
    page = browser.open("/en/sign-in")
    token = in_session(browser, lambda own: own.update(visitor="the visitor's key") or own["csrf_token"])

    page.submit(email="anna@example.org", password=PASSWORD)

    kept = in_session(browser, dict)
    assert kept["visitor"] == "the visitor's key"
    assert kept.get("csrf_token") != token


def test_signing_out_forgets_everything(browser):
    browser.sign_in(make_account())
    in_session(browser, lambda own: own.update(visitor="the visitor's key"))

    browser.open("/en/account/profile").submit("sign-out")

    left = in_session(browser, dict)
    assert "visitor" not in left
    assert "_user_id" not in left
    assert "sign-in" in browser.open("/en/account/profile").location


def test_a_new_password_ends_the_other_sessions(browser):
    account = account_with_password()
    browser.sign_in(account)

    change_password(account=account, present=PASSWORD, password="another four quiet words", now=NOON)

    assert "sign-in" in browser.open("/en/account/profile").location


def test_a_working_day_ends_the_session_of_staff_and_not_of_customers(app, browser):
    other = type(browser)(app.test_client())
    account_with_password()
    make_account(Role.OPERATOR, email="oleg@example.org", password_hash=hash_password(PASSWORD))
    sign_in(browser, email="oleg@example.org")
    sign_in(other)

    with time_machine.travel(real_now() + STAFF_SESSION):
        staff, customer = browser.open("/en/staff/"), other.open("/en/account/profile")

    assert "sign-in" in staff.location
    assert customer.status == 200


def test_staff_begin_at_their_workplace(browser):
    account_with_password(role=Role.FINANCE)

    answer = sign_in(browser)

    assert answer.location == "/en/staff/"


def test_a_hash_made_with_less_work_is_made_anew(browser):
    from argon2 import PasswordHasher

    weak = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD)
    account = make_account(email="anna@example.org", password_hash=weak)

    sign_in(browser)

    db.session.rollback()
    assert account.password_hash != weak
    assert sign_in(type(browser)(browser.client.application.test_client())).status == 302
