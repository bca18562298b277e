"""Nobody learns who has an account, neither from an answer nor from the time it takes."""

from __future__ import annotations

from portal.accounts.services import ask_for_password_link
from portal.database import db
from portal.kernel.clock import real_now
from portal.outbox.models import OutboxMessage, OutgoingMail
from portal.outbox.services import follow_up
from tests.factories import announced, make_account


def test_a_forgotten_password_writes_as_much_for_an_address_unknown() -> None:
    make_account(email="anna@example.org")
    make_account(email="gone@example.org", active=False)

    for email in ("anna@example.org", "nobody@example.org", "gone@example.org"):
        ask_for_password_link(email=email, moment=real_now())
    follow_up()

    assert announced() == ["accounts.password_link_asked"] * 3
    assert [mail.recipient for mail in db.session.query(OutgoingMail)] == ["anna@example.org"]
    assert all(message.delivered_at for message in db.session.query(OutboxMessage))
