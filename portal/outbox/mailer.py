"""The one module that hands mail over: to an SMTP server, or into a folder in the demonstration."""

import base64
import os
import smtplib
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

from flask import current_app

from portal.outbox.models import OutgoingMail

SMTP_TIMEOUT_SECONDS = 20
SENDERS = {"ru": "Пётр Великий", "tk": "Beýik Pýotr", "en": "Peter the Great"}


class MailRefused(Exception):
    """The receiving side will never take this mail."""


def send(message: EmailMessage, mail_id: int) -> None:
    """Hand `message` over. Raises MailRefused for good, OSError for now."""
    address = urlsplit(current_app.config["MAIL_URL"])
    if address.scheme == "file":
        _write(Path(unquote(address.path)), message, mail_id)
    else:
        _submit(message)


def compose(mail: OutgoingMail) -> EmailMessage:
    """Text and HTML in one language, with attachments."""
    sender = current_app.config["MAIL_SENDER"]
    user, _, domain = sender.partition("@")
    message = EmailMessage(policy=SMTP)
    message["From"] = Address(SENDERS[mail.language], user, domain)
    message["To"] = mail.recipient
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(mail.queued_at)
    message["Message-ID"] = f"<mail-{mail.id}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text)
    message.add_alternative(mail.html, subtype="html")
    for attachment in mail.attachments:
        kind, _, subtype = attachment["mimetype"].partition("/")
        message.add_attachment(
            base64.b64decode(attachment["base64"]), maintype=kind, subtype=subtype, filename=attachment["filename"]
        )
    message["Content-Language"] = mail.language  # last: setting the content drops every Content-* header
    return message


def _write(folder: Path, message: EmailMessage, mail_id: int) -> None:
    """One file a mail, named by its row: written twice, it is still one mail."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{mail_id:06d}.eml"
    draft = path.with_suffix(".draft")
    draft.write_bytes(message.as_bytes())
    os.replace(draft, path)


def _submit(message: EmailMessage) -> None:
    url = urlsplit(current_app.config["MAIL_URL"])
    try:
        with smtplib.SMTP(url.hostname or "localhost", url.port or 25, timeout=SMTP_TIMEOUT_SECONDS) as server:
            if url.scheme == "smtp+starttls":
                server.starttls()
            if url.username:
                server.login(unquote(url.username), unquote(url.password or ""))
            server.send_message(message)
    except (smtplib.SMTPRecipientsRefused, smtplib.SMTPSenderRefused) as refusal:
        raise MailRefused(str(refusal)) from refusal
    except smtplib.SMTPResponseException as answer:
        failure = MailRefused if answer.smtp_code >= 500 else OSError
        raise failure(f"{answer.smtp_code}") from answer
    except smtplib.SMTPException as broken:
        raise OSError(type(broken).__name__) from broken
