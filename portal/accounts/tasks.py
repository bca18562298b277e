"""Letters about accounts."""

from __future__ import annotations

from typing import Any

from portal.accounts.drafts import forget_old_drafts
from portal.accounts.models import Account
from portal.accounts.services import NOBODY, password_token
from portal.database import db
from portal.kernel.clock import real_now
from portal.outbox.jobs import each_minute
from portal.outbox.letters import write_letter
from portal.outbox.services import on

SWEEP_MINUTE = 29


@each_minute
def sweep() -> None:
    """Once an hour is enough for what is kept for days."""
    if real_now().minute == SWEEP_MINUTE:
        forget_old_drafts()


@on("accounts.signed_up")
def welcome(account_id: int) -> None:
    _write("signed_up", account_id, key=f"accounts.signed_up:{account_id}")


@on("accounts.sign_up_repeated")
def tell_owner(account_id: int) -> None:
    """At most once a day: whoever types in somebody's address again and again must not fill his mailbox."""
    _write("sign_up_repeated", account_id, key=f"accounts.sign_up_repeated:{account_id}:{real_now():%Y%m%d}")


@on("accounts.password_link_asked")
def send_password_link(account_id: int, hour: str) -> None:
    """At most once an hour; the link is made here, so that its day begins when the letter goes out."""
    if account_id == NOBODY:
        return
    account = db.session.get_one(Account, account_id)
    key = f"accounts.password_link:{account_id}:{hour}"
    _write("password_link", account_id, key=key, token=password_token(account))


@on("accounts.staff_invited")
def invite(account_id: int) -> None:
    account = db.session.get_one(Account, account_id)
    _write("staff_invited", account_id, key=f"accounts.staff_invited:{account_id}", token=password_token(account))


def _write(letter: str, account_id: int, *, key: str, **context: Any) -> None:
    account = db.session.get_one(Account, account_id)
    write_letter(
        f"accounts/{letter}",
        key=key,
        recipient=account.email,
        language=account.language,
        account=account,
        **context,
    )
