"""What was announced is followed up once; what is owed by mail is sent once."""

import email
import socket
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from aiosmtpd.controller import Controller
from sqlalchemy import select

from portal.database import db, transaction
from portal.kernel.clock import real_now
from portal.outbox import services
from portal.outbox.models import MailState, OutboxMessage, OutgoingMail
from portal.outbox.services import Attachment, announce, follow_up, forget_old_mails, on, queue_mail


@pytest.fixture
def handled(monkeypatch):
    """Calls of handlers registered by a test, which are forgotten afterwards."""
    monkeypatch.setattr(services, "_handlers", type(services._handlers)(list))
    return []


def queue(key="booking.confirmed:AAAA", **given):
    queue_mail(
        **{
            "key": key,
            "recipient": "anna@example.org",
            "language": "ru",
            "subject": "Каюта ваша",
            "text": "Добро пожаловать на борт",
            "html": "<p>Добро пожаловать на борт</p>",
        }
        | given
    )


def mails_in(folder):
    return [email.message_from_bytes(path.read_bytes()) for path in sorted(Path(folder).glob("*.eml"))]


def test_what_was_announced_is_followed_up_once(handled):
    on("test.happened")(lambda number: handled.append(number))
    with transaction():
        announce("test.happened", number=7)

    follow_up()
    follow_up()

    assert handled == [7]


def test_what_was_rolled_back_was_never_announced(handled):
    on("test.happened")(lambda number: handled.append(number))

    def fail_halfway():
        with transaction():
            announce("test.happened", number=7)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_halfway()

    follow_up()

    assert handled == []


def test_a_handler_that_fails_is_tried_again_later_and_holds_up_nobody(handled):
    def stumble(number):
        if not handled:
            handled.append("stumbled")
            raise RuntimeError
        handled.append(number)

    on("test.stumbles")(stumble)
    on("test.happened")(lambda number: handled.append(number))
    with transaction():
        announce("test.stumbles", number=1)
        announce("test.happened", number=2)

    follow_up()
    first = list(handled)
    with time_machine.travel(real_now() + timedelta(minutes=1), tick=True):
        follow_up()

    assert first == ["stumbled", 2]
    assert handled == ["stumbled", 2, 1]
    assert db.session.scalars(select(OutboxMessage.last_error).where(OutboxMessage.topic == "test.stumbles")).all() == [
        "RuntimeError"
    ]


def test_what_a_failing_handler_wrote_is_undone(handled):
    def write_and_fail():
        queue(key="half-done")
        raise RuntimeError

    on("test.half")(write_and_fail)
    with transaction():
        announce("test.half")

    follow_up()

    assert db.session.scalars(select(OutgoingMail)).all() == []


def test_one_cause_sends_one_mail(app):
    queue()
    queue()

    follow_up()

    mails = mails_in(app.config["PORTAL_DATA"] / "mail")
    assert [mail["To"] for mail in mails if mail["Content-Language"] == "ru"][-1] == "anna@example.org"
    assert len(db.session.scalars(select(OutgoingMail)).all()) == 1


def test_a_mail_has_text_html_and_attachments_in_its_language(app, tmp_path):
    app.config["MAIL_URL"], before = f"file://{tmp_path}", app.config["MAIL_URL"]
    queue(attachments=[Attachment("voucher.pdf", "application/pdf", b"%PDF-1.7")])

    follow_up()

    app.config["MAIL_URL"] = before
    (mail,) = mails_in(tmp_path)
    kinds = [part.get_content_type() for part in mail.walk() if not part.is_multipart()]
    assert kinds == ["text/plain", "text/html", "application/pdf"]
    assert mail["Content-Language"] == "ru"
    assert "Добро пожаловать" in next(mail.walk()).get_payload()[0].get_payload()[0].get_payload(decode=True).decode()


class Postman:
    def __init__(self):
        self.received = []
        self.answer = "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if self.answer.startswith("250"):
            self.received.append(email.message_from_bytes(envelope.content))
        return self.answer

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody@"):
            return "550 no such person"
        envelope.rcpt_tos.append(address)
        return "250 OK"


@pytest.fixture
def postman(app):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    handler = Postman()
    controller = Controller(handler, hostname="127.0.0.1", port=port)
    controller.start()
    before = app.config["MAIL_URL"]
    app.config["MAIL_URL"] = f"smtp://127.0.0.1:{port}"
    yield handler
    app.config["MAIL_URL"] = before
    controller.stop()


def state_of_the_mail():
    db.session.expire_all()
    return db.session.scalars(select(OutgoingMail)).one().state


def test_a_mail_goes_through_a_real_mail_server(postman):
    queue()

    follow_up()

    assert [mail["To"] for mail in postman.received] == ["anna@example.org"]
    assert postman.received[0]["Message-ID"]
    assert state_of_the_mail() is MailState.SENT


def test_a_mail_server_that_is_busy_gets_the_same_mail_later(postman):
    postman.answer = "451 try later"
    queue()
    follow_up()
    assert state_of_the_mail() is MailState.QUEUED

    postman.answer = "250 OK"
    with time_machine.travel(real_now() + timedelta(minutes=5), tick=True):
        follow_up()

    assert len(postman.received) == 1
    assert state_of_the_mail() is MailState.SENT


def test_an_address_that_does_not_exist_is_not_tried_for_ever(postman):
    queue(recipient="nobody@example.org")

    follow_up()

    assert state_of_the_mail() is MailState.FAILED


def test_what_a_mail_said_is_forgotten_after_a_month_and_that_it_went_out_is_not(app):
    queue(attachments=[Attachment("voucher.pdf", "application/pdf", b"%PDF-1.7")])
    follow_up()
    assert forget_old_mails() == 0

    with time_machine.travel(real_now() + timedelta(days=31), tick=True):
        assert forget_old_mails() == 1
        assert forget_old_mails() == 0

    db.session.expire_all()
    mail = db.session.scalars(select(OutgoingMail)).one()
    assert (mail.text, mail.html, mail.attachments) == ("", "", [])
    assert mail.state is MailState.SENT
