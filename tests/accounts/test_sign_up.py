from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select

from portal.accounts.errors import LinkExpired, PasswordTooWeak
from portal.accounts.models import Account, Role
from portal.accounts.passwords import hash_password, matches
from portal.accounts.services import account_of_token, choose_password, password_token, set_active, sign_up
from portal.database import db
from portal.extensions import limiter
from portal.outbox.models import OutgoingMail
from portal.outbox.services import follow_up
from tests.factories import NOON, announced, make_account

PASSWORD = "four quiet words here"


@pytest.fixture(autouse=True)
def fresh_limits(app):
    limiter.reset()


def letters():
    follow_up()
    return db.session.scalars(select(OutgoingMail).order_by(OutgoingMail.id)).all()


def fill_in(browser, **fields):
    typed = {"name": "Anna", "email": "anna@example.org", "password": PASSWORD} | fields
    return browser.open("/tk/sign-up").submit(**typed)


def test_a_new_account_can_be_signed_in_to(browser):
    answer = fill_in(browser, email=" Anna@Example.ORG")

    account = db.session.scalars(select(Account)).one()
    assert (account.email, account.role, account.language) == ("anna@example.org", Role.CUSTOMER, "tk")
    assert matches(PASSWORD, account.password_hash)
    assert answer.follow().submit(email="anna@example.org", password=PASSWORD).location == "/tk/my-bookings"
    assert [letter.language for letter in letters()] == ["tk"]


def test_nobody_learns_that_an_address_has_an_account_but_its_owner(browser, app):
    known = make_account(email="anna@example.org", password_hash=hash_password(PASSWORD))

    answer = fill_in(browser, password="something else entirely")
    new = fill_in(type(browser)(app.test_client()), email="new@example.org")

    assert (answer.status, answer.location) == (new.status, new.location)
    assert answer.follow().words == new.follow().words
    db.session.rollback()
    assert matches(PASSWORD, known.password_hash)
    assert announced() == ["accounts.sign_up_repeated", "accounts.signed_up"]


def test_a_button_pressed_twice_opens_one_account(app):
    def press(_):
        with app.app_context():
            sign_up(email="anna@example.org", password=PASSWORD, name="Anna", language="en", now=NOON)

    with ThreadPoolExecutor(4) as fingers:
        list(fingers.map(press, range(4)))

    assert db.session.scalar(select(func.count(Account.id))) == 1
    assert announced().count("accounts.signed_up") == 1


def test_the_owner_is_told_once_a_day_however_often_somebody_tries():
    make_account(email="anna@example.org")

    for _ in range(3):
        sign_up(email="anna@example.org", password=PASSWORD, name="Anna", language="en", now=NOON)

    assert [(letter.recipient, letter.subject) for letter in letters()] == [
        ("anna@example.org", "You have an account already")
    ]


@pytest.mark.parametrize("password", ["aaaaaaaaaaaa", "anna@example.org", "ANNA@example.org", "1212121212"])
def test_a_password_that_everybody_could_guess_is_refused(password):
    with pytest.raises(PasswordTooWeak):
        sign_up(email="anna@example.org", password=password, name="Anna", language="en", now=NOON)

    assert db.session.scalar(select(func.count(Account.id))) == 0


def test_what_was_typed_is_kept_and_the_field_says_what_is_wrong(browser):
    page = fill_in(browser, email="anna at example", password="short")

    assert page.status == 422
    assert 'value="anna at example"' in page.text
    assert len(page.find("input", aria_invalid="true")) == 2
    assert 'value="short"' not in page.text


def test_a_forgotten_password_is_replaced_through_a_letter_once(browser):
    account = make_account(email="anna@example.org", password_hash=hash_password(PASSWORD))
    browser.open("/en/forgotten-password").submit(email="Anna@example.org")
    (letter,) = letters()
    link = next(word for word in letter.text.split() if "/new-password/" in word)

    answer = browser.open(link).submit(password="brand new quiet words")
    again = browser.open(link)

    db.session.rollback()
    assert answer.location == "/en/my-bookings"
    assert matches("brand new quiet words", account.password_hash)
    assert again.status == 409
    assert "has expired" in again.words


def test_an_unknown_address_gets_the_same_answer_and_no_letter(browser):
    make_account(email="anna@example.org")

    known = browser.open("/en/forgotten-password").submit(email="anna@example.org").follow()
    unknown = browser.open("/en/forgotten-password").submit(email="nobody@example.org").follow()

    assert known.words == unknown.words
    assert [letter.recipient for letter in letters()] == ["anna@example.org"]


def test_a_link_is_void_once_the_account_is_shut_out_or_the_token_is_not_ours():
    account = make_account()
    token = password_token(account)
    set_active(account=account, active=False, by=make_account(Role.ADMINISTRATOR), now=NOON)

    for forged in (token, token[:-2] + "xx", "", "a.b.c"):
        with pytest.raises(LinkExpired):
            account_of_token(forged)


def test_a_password_too_weak_leaves_the_link_usable():
    account = make_account()
    token = password_token(account)

    with pytest.raises(PasswordTooWeak):
        choose_password(token=token, password="aaaaaaaaaaaa", now=NOON)

    assert account_of_token(token).id == account.id


def test_profile_and_password_are_changed_each_by_its_own_form(browser):
    account = make_account(email="anna@example.org", password_hash=hash_password(PASSWORD), name="Anna")
    browser.sign_in(account)
    page = browser.open("/en/account/profile")
    token = page.forms[-1].values["csrf_token"]

    saved = browser.request(
        page.url, method="POST", data={"csrf_token": token, "part": "profile", "name": "Anna B.", "language": "ru"}
    )
    wrong = browser.request(
        page.url,
        method="POST",
        data={
            "csrf_token": token,
            "part": "password",
            "present": "not this one",
            "password": "brand new quiet words",
            "again": "brand new quiet words",
        },
    )

    db.session.rollback()
    assert saved.location == "/en/account/profile"
    assert (account.name, account.language) == ("Anna B.", "ru")
    assert wrong.status == 422
    assert "not your present password" in wrong.words
    assert matches(PASSWORD, account.password_hash)


def test_who_changes_the_password_stays_signed_in_here(browser):
    account = make_account(password_hash=hash_password(PASSWORD))
    browser.sign_in(account)
    page = browser.open("/en/account/profile")

    browser.request(
        page.url,
        method="POST",
        data={
            "csrf_token": page.forms[-1].values["csrf_token"],
            "part": "password",
            "present": PASSWORD,
            "password": "brand new quiet words",
            "again": "brand new quiet words",
        },
    )

    assert browser.open("/en/account/profile").status == 200
