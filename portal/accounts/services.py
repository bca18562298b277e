"""Open accounts, check passwords, change what belongs to an account."""

from __future__ import annotations

import secrets
from contextlib import suppress
from datetime import datetime, timedelta

from flask import current_app
from itsdangerous import BadSignature, URLSafeTimedSerializer
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from portal.accounts.errors import (
    AddressTaken,
    LastAdministrator,
    LinkExpired,
    OwnAccount,
    PasswordTooWeak,
    WrongCredentials,
    WrongPassword,
)
from portal.accounts.models import Account, Role
from portal.accounts.passwords import easy_to_guess, hash_password, matches, outdated, unguessable
from portal.audit.services import record
from portal.database import db, transaction
from portal.kernel.text import LANGUAGES
from portal.outbox.services import announce

NOBODY = 0  # no account has this number
PASSWORD_LINK_LIFE = timedelta(hours=24)


def normal_email(text: str) -> str:
    """The form in which an address is kept and looked for."""
    return text.strip().lower()


def sign_up(*, email: str, password: str, name: str, language: str, now: datetime) -> None:
    """Open an account, or leave the one that is there as it is; the caller cannot tell which, the owner learns by mail.

    Raises PasswordTooWeak. Announces accounts.signed_up or accounts.sign_up_repeated.
    """
    email = normal_email(email)
    password_hash = _hash_checked(password, email=email, name=name)  # the same work in either case
    with suppress(AddressTaken), transaction() as session:  # of a button pressed twice the first press counts
        known = session.scalar(select(Account.id).where(Account.email == email))
        if known is not None:
            announce("accounts.sign_up_repeated", account_id=known)
            return
        account = add_account(email, password_hash, name, language, Role.CUSTOMER, now)
        announce("accounts.signed_up", account_id=account.id)


def authenticate(*, email: str, password: str) -> Account:
    """The active account these belong to. Raises WrongCredentials, the same and as slowly for an unknown address."""
    account: Account | None = db.session.scalar(select(Account).where(Account.email == normal_email(email)))
    right = matches(password, account.password_hash if account else None)
    if account is None or not right or not account.active:
        raise WrongCredentials
    if outdated(account.password_hash):
        with transaction():
            account.password_hash = hash_password(password)
    return account


def change_password(*, account: Account, present: str, password: str, now: datetime) -> None:
    """Take a new password; every session but a renewed one ends. Raises WrongPassword or PasswordTooWeak."""
    if not matches(present, account.password_hash):
        raise WrongPassword
    _take_password(account, password, now)


def change_profile(*, account: Account, name: str, language: str) -> None:
    """The name we call the customer by, and the language we write in."""
    assert language in LANGUAGES
    with transaction():
        account.name = name.strip()
        account.language = language


def ask_for_password_link(*, email: str, moment: datetime) -> None:
    """Owe the owner of `email` a link to choose a new password; nothing, as quietly, for an address unknown.

    moment: real time. Announces accounts.password_link_asked, for NOBODY too: who measures how long a commit takes
    must not learn who has an account.
    """
    with transaction() as session:
        account_id = session.scalar(select(Account.id).where(Account.email == normal_email(email), Account.active))
        announce("accounts.password_link_asked", account_id=account_id or NOBODY, hour=moment.strftime("%Y%m%d%H"))


def password_token(account: Account) -> str:
    """Opens the choice of a new password once: a password chosen changes `session_key`, and the token is void."""
    return _password_links().dumps([account.id, account.session_key])


def account_of_token(token: str) -> Account:
    """The account whose password may be chosen with `token`. Raises LinkExpired."""
    try:
        account_id, session_key = _password_links().loads(
            token, max_age=int(PASSWORD_LINK_LIFE.total_seconds())
        )
    except BadSignature as forged_or_late:
        raise LinkExpired from forged_or_late
    account = db.session.get(Account, account_id)
    if account is None or not account.active or not secrets.compare_digest(account.session_key, session_key):
        raise LinkExpired
    return account


def choose_password(*, token: str, password: str, now: datetime) -> Account:
    """Take a password through a link sent by mail. Raises LinkExpired or PasswordTooWeak."""
    with transaction():
        account = account_of_token(token)
        _take_password(account, password, now)
    return account


def create_staff(
    *, email: str, role: Role, name: str, language: str, now: datetime, password: str | None = None
) -> Account:
    """Open an account for a colleague. Without a password the colleague is sent a link to choose one.

    Raises AddressTaken or PasswordTooWeak. Announces accounts.staff_invited when there is no password.
    """
    assert role is not Role.CUSTOMER
    email = normal_email(email)
    password_hash = (
        hash_password(unguessable()) if password is None else _hash_checked(password, email=email, name=name)
    )
    with transaction():
        account = add_account(email, password_hash, name, language, role, now)
        record("account.created", subject="account", reference=str(account.id), now=now, to_state=role.value)
        if password is None:
            announce("accounts.staff_invited", account_id=account.id)
    return account


def set_active(*, account: Account, active: bool, by: Account, now: datetime) -> None:
    """Shut an account out, ending its sessions, or let it in again. Raises OwnAccount or LastAdministrator."""
    if account.id == by.id:
        raise OwnAccount
    with transaction() as session:
        if account.active == active:
            return
        if not active and account.role is Role.ADMINISTRATOR:
            # Locked, in one order: of two who shut each other out at once, the second finds himself the last.
            in_charge = session.scalars(
                select(Account.id)
                .where(Account.role == Role.ADMINISTRATOR, Account.active)
                .order_by(Account.id)
                .with_for_update()
            ).all()
            if not set(in_charge) - {account.id}:
                raise LastAdministrator
        account.active = active
        account.session_key = _new_session_key()
        record(
            "account.activated" if active else "account.deactivated",
            subject="account",
            reference=str(account.id),
            now=now,
            from_state="inactive" if active else "active",
            to_state="active" if active else "inactive",
        )


def add_account(email: str, password_hash: str, name: str, language: str, role: Role, now: datetime) -> Account:
    """A row in the caller's transaction; `email` in its normal form. Raises AddressTaken."""
    account = Account(
        email=email,
        password_hash=password_hash,
        name=name.strip(),
        language=language,
        role=role,
        session_key=_new_session_key(),
        made_at=now,
    )
    db.session.add(account)
    try:
        db.session.flush()
    except IntegrityError as known:
        raise AddressTaken from known
    return account


def _take_password(account: Account, password: str, now: datetime) -> None:
    password_hash = _hash_checked(password, email=account.email, name=account.name)
    with transaction():
        account.password_hash = password_hash
        account.session_key = _new_session_key()
        record("account.password_changed", subject="account", reference=str(account.id), now=now)


def _hash_checked(password: str, *, email: str, name: str) -> str:
    if easy_to_guess(password, email=email, name=name):
        raise PasswordTooWeak
    return hash_password(password)


def _new_session_key() -> str:
    return secrets.token_urlsafe(24)


def _password_links() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt="password-link")
