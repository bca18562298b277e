import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier

import pytest
from sqlalchemy import func, select

from portal.accounts.demonstration import prepare_accounts
from portal.accounts.errors import AddressTaken, LastAdministrator, OwnAccount
from portal.accounts.models import Account, Role
from portal.accounts.services import authenticate, create_staff, set_active
from portal.audit.models import AuditEntry
from portal.database import db
from tests.factories import NOON, announced, make_account


def test_a_colleague_without_a_password_is_invited_by_letter():
    create_staff(email="Rita@Example.org", role=Role.REVIEWER, name="Rita", language="ru", now=NOON)

    account = db.session.scalars(select(Account)).one()
    assert (account.email, account.role) == ("rita@example.org", Role.REVIEWER)
    assert announced() == ["accounts.staff_invited"]


def test_with_a_password_from_the_command_line_no_letter_goes_out():
    create_staff(
        email="a@example.org", role=Role.ADMINISTRATOR, name="A", language="en", now=NOON, password="four quiet words"
    )

    assert authenticate(email="a@example.org", password="four quiet words").role is Role.ADMINISTRATOR
    assert announced() == []


def test_an_address_has_one_account():
    make_account(email="anna@example.org")

    with pytest.raises(AddressTaken):
        create_staff(email="ANNA@example.org", role=Role.OPERATOR, name="Anna", language="en", now=NOON)


def test_shutting_out_ends_the_sessions_at_once_and_stands_in_the_trail(browser):
    account = make_account(Role.OPERATOR)
    browser.sign_in(account)
    assert browser.open("/en/staff/").status == 200

    set_active(account=account, active=False, by=make_account(Role.ADMINISTRATOR), now=NOON)

    assert "sign-in" in browser.open("/en/staff/").location
    entry = db.session.scalars(select(AuditEntry)).one()
    assert (entry.action, entry.from_state, entry.to_state) == ("account.deactivated", "active", "inactive")


def test_the_last_administrator_cannot_be_shut_out():
    only = make_account(Role.ADMINISTRATOR)
    make_account(Role.ADMINISTRATOR, active=False)

    with pytest.raises(LastAdministrator):
        set_active(account=only, active=False, by=make_account(Role.OPERATOR), now=NOON)


def test_nobody_shuts_himself_out():
    one, _another = make_account(Role.ADMINISTRATOR), make_account(Role.ADMINISTRATOR)

    with pytest.raises(OwnAccount):
        set_active(account=one, active=False, by=one, now=NOON)


def test_of_two_administrators_who_shut_each_other_out_at_once_one_stays(app):
    both = [make_account(Role.ADMINISTRATOR).id for _ in range(2)]
    together = Barrier(2)

    def shut_out(account_id):
        with app.app_context():
            account, other = (db.session.get_one(Account, one) for one in (account_id, sum(both) - account_id))
            together.wait()
            with suppress(LastAdministrator):
                set_active(account=account, active=False, by=other, now=NOON)

    with ThreadPoolExecutor(2) as hands:
        list(hands.map(shut_out, both))

    db.session.rollback()  # what this session read stands for the moment before
    assert db.session.scalar(select(func.count(Account.id)).where(Account.active)) == 1


def test_the_demonstration_has_an_account_of_each_role_that_its_file_opens(tmp_path):
    first = prepare_accounts(tmp_path, NOON)
    second = prepare_accounts(tmp_path, NOON)

    assert first == second
    assert {Role(entry.role) for entry in first} == set(Role)
    for entry in first:
        assert authenticate(email=entry.email, password=entry.password).role == entry.role
    kept = tmp_path / "demonstration.json"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert [entry["password"] for entry in json.loads(kept.read_text())] == [entry.password for entry in first]


def test_passwords_in_the_file_hold_even_when_the_database_is_older(tmp_path):
    prepare_accounts(tmp_path, NOON)
    (tmp_path / "demonstration.json").unlink()

    for entry in prepare_accounts(tmp_path, NOON):
        assert authenticate(email=entry.email, password=entry.password).email == entry.email


def test_there_are_no_demonstration_accounts_in_production(app, tmp_path, monkeypatch):
    monkeypatch.setitem(app.config, "PORTAL_ENV", "production")

    with pytest.raises(RuntimeError):
        prepare_accounts(tmp_path, NOON)

    assert list(tmp_path.iterdir()) == []
