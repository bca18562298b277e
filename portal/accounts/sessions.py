"""Who is signed in: begun, renewed and ended by real time, whatever time the portal sells by."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_user, logout_user

from portal.accounts.models import Account
from portal.database import db
from portal.extensions import login_manager
from portal.kernel.clock import real_now

CUSTOMER_SESSION = timedelta(days=30)
STAFF_SESSION = timedelta(hours=12)  # a working day: a forgotten screen does not stay open over the week-end
BEGAN = "signed_in_at"
# What the session of a stranger held for signing in; all else, such as the key of his holds, he keeps.
RENEWED = ("csrf_token", "_user_id", "_fresh", "_id", "_remember", BEGAN)


def begin_session(account: Account) -> None:
    """Sign `account` in with a session renewed: nothing of the old one's rights or tokens is taken over."""
    for name in RENEWED:
        session.pop(name, None)
    login_user(account)
    session[BEGAN] = int(real_now().timestamp())
    session.permanent = not account.is_staff  # staff's ends with the browser, too


def end_session() -> None:
    """Sign out and forget everything: the next one at this screen may be somebody else."""
    logout_user()
    session.clear()


def _load(user_id: str) -> Account | None:
    """The active account of this session, if its key is still the account's and its time is not over."""
    account_id, _, key = user_id.partition(":")
    account = db.session.get(Account, int(account_id)) if account_id.isdecimal() else None
    if account is None or not account.active or key != account.session_key:
        return None
    age = real_now().timestamp() - session.get(BEGAN, real_now().timestamp())
    life = STAFF_SESSION if account.is_staff else CUSTOMER_SESSION
    return account if age < life.total_seconds() else None


def _ask_to_sign_in() -> ResponseReturnValue:
    """To the sign-in page, and from there back to what was asked for."""
    wanted = request.full_path.rstrip("?") if request.method == "GET" else None
    return redirect(url_for("accounts.sign_in", next=wanted))


def init_app(app: Flask) -> None:
    login_manager.init_app(app)
    # Addresses of mobile readers change all the time; what protects the session is its key and its signature.
    login_manager.session_protection = None
    login_manager.user_loader(_load)
    login_manager.unauthorized_handler(_ask_to_sign_in)
