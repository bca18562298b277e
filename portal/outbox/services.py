"""Announce what happened in the caller's transaction; follow it up and send what is owed after commit."""

from __future__ import annotations

import base64
import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from email.utils import parseaddr
from typing import Any, cast

from flask import current_app
from sqlalchemy import CursorResult, select, update
from sqlalchemy.exc import OperationalError

from portal.database import after_commit, db, transaction
from portal.kernel.clock import real_now
from portal.kernel.states import move
from portal.outbox.mailer import MailRefused, compose, send
from portal.outbox.models import MAIL_MOVES, MailState, OutboxMessage, OutgoingMail

log = logging.getLogger(__name__)

Handler = Callable[..., None]
_handlers: dict[str, list[Handler]] = defaultdict(list)

FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(hours=1)
KEYS_AT_ONCE = 500


def announce(topic: str, **payload: int | str) -> None:
    """Queue `topic` in the caller's transaction: kept if it commits, gone if it does not."""
    moment = real_now()
    db.session.add(OutboxMessage(topic=topic, payload=payload, announced_at=moment, next_attempt_at=moment))
    after_commit(wake_worker)


def on(topic: str) -> Callable[[Handler], Handler]:
    """Register what follows `topic`. It is called with the payload, in one transaction with the note that it was."""

    def register(handler: Handler) -> Handler:
        _handlers[topic].append(handler)
        return handler

    return register


@dataclass(frozen=True)
class Attachment:
    filename: str
    mimetype: str
    content: bytes


def queue_mail(
    *,
    key: str,
    recipient: str,
    language: str,
    subject: str,
    text: str,
    html: str,
    attachments: Sequence[Attachment] = (),
) -> None:
    """Owe one mail. A second call with the same `key` changes nothing."""
    with transaction() as session:
        if session.scalar(select(OutgoingMail.id).where(OutgoingMail.key == key)):
            return
        moment = real_now()
        session.add(
            OutgoingMail(
                key=key,
                recipient=parseaddr(recipient)[1],
                language=language,
                subject=subject,
                text=text,
                html=html,
                attachments=[
                    {"filename": a.filename, "mimetype": a.mimetype, "base64": base64.b64encode(a.content).decode()}
                    for a in attachments
                ],
                queued_at=moment,
                next_attempt_at=moment,
            )
        )
        after_commit(wake_worker)


def known_mails(keys: Iterable[str]) -> set[str]:
    """Which of these keys have their mail already, sent or not."""
    wanted = sorted(set(keys))
    batches = (wanted[at : at + KEYS_AT_ONCE] for at in range(0, len(wanted), KEYS_AT_ONCE))
    return {
        key
        for batch in batches
        for key in db.session.scalars(select(OutgoingMail.key).where(OutgoingMail.key.in_(batch)))
    }


def wake_worker() -> None:
    """Tell the worker to look now. Only a hint: it looks by itself every minute, so a lost hint loses nothing."""
    wake = current_app.extensions.get("wake_worker")
    if wake is None:
        return
    try:
        wake()
    except Exception:
        log.warning("the job queue did not take a hint", exc_info=True)


def follow_up() -> int:
    """Follow up every open message and send every queued mail that is due; how many of both."""
    done = 0
    while _follow_up_one():
        done += 1
    while _send_one():
        done += 1
    return done


def _pause(attempts: int) -> timedelta:
    return min(FIRST_PAUSE * (1 << min(attempts, 12)), LONGEST_PAUSE)


def _follow_up_one() -> bool:
    """One message with all that follows it, in one transaction; a failure is noted and tried again later."""
    moment = real_now()
    failure: Exception | None = None
    message_id: int | None = None
    try:
        with transaction() as session:
            message = session.scalars(
                select(OutboxMessage)
                .where(OutboxMessage.delivered_at.is_(None), OutboxMessage.next_attempt_at <= moment)
                .order_by(OutboxMessage.id)
                .limit(1)
                .with_for_update(skip_locked=True)
            ).first()
            if message is None:
                return False
            message_id = message.id
            for handler in _handlers[message.topic]:
                handler(**message.payload)
            message.delivered_at = moment
    except OperationalError:
        raise
    except Exception as error:
        log.exception("follow-up of message %s failed", message_id)
        failure = error
    if failure is not None:
        with transaction() as session:
            message = session.get_one(OutboxMessage, message_id)
            message.next_attempt_at = moment + _pause(message.attempts)
            message.attempts += 1
            message.last_error = type(failure).__name__
    return True


MAIL_KEPT = timedelta(days=30)  # by real time; long enough to see what was sent and to send it again


def forget_old_mails() -> int:
    """Empty the mails that went out MAIL_KEPT ago; how many. That they were sent, and to whom, stays known."""
    with transaction() as session:
        emptied = session.execute(
            update(OutgoingMail)
            .where(
                OutgoingMail.state != MailState.QUEUED,
                OutgoingMail.queued_at < real_now() - MAIL_KEPT,
                OutgoingMail.text != "",
            )
            .values(text="", html="", attachments=[])
        )
    return cast(CursorResult[Any], emptied).rowcount


CLAIM = timedelta(minutes=2)  # longer than the mail server may keep us waiting


def _send_one() -> bool:
    """One mail: claimed, handed over with no transaction open, then marked.

    After a crash in between it goes out again when the claim is over, with the same Message-ID, made from its row,
    so that the receiving side knows it as the same mail.
    """
    moment = real_now()
    with transaction() as session:
        mail = session.scalars(
            select(OutgoingMail)
            .where(OutgoingMail.state == MailState.QUEUED, OutgoingMail.next_attempt_at <= moment)
            .order_by(OutgoingMail.id)
            .limit(1)
            .with_for_update(skip_locked=True)
        ).first()
        if mail is None:
            return False
        mail.next_attempt_at = moment + max(CLAIM, _pause(mail.attempts))
        mail.attempts += 1
        mail_id = mail.id
    message = compose(db.session.get_one(OutgoingMail, mail_id))
    db.session.commit()
    outcome, error = MailState.SENT, None
    try:
        send(message, mail_id)
    except MailRefused as refusal:
        outcome, error = MailState.FAILED, str(refusal)[:300]
    except OSError as failure:
        outcome, error = MailState.QUEUED, type(failure).__name__
    with transaction() as session:
        mail = session.get_one(OutgoingMail, mail_id)
        mail.last_error = error
        if outcome is not MailState.QUEUED:
            mail.state = move(mail.state, outcome, MAIL_MOVES)
            mail.sent_at = moment if outcome is MailState.SENT else None
    return True
