"""Mails from templates: subject, text and HTML, each in the one language of the person who gets it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from flask import current_app, g, render_template
from flask_babel import force_locale

from portal.outbox.services import Attachment, queue_mail


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Everything inside is rendered for a reader of `language`, with addresses that work from a mailbox."""
    with current_app.test_request_context(base_url=current_app.config["PUBLIC_URL"]), force_locale(language):
        before = getattr(g, "language", None)
        g.language = language
        try:
            yield
        finally:
            g.language = before


def render_letter(template: str, *, language: str, **context: Any) -> tuple[str, str, str]:
    """Subject, text and HTML of a mail as write_letter() would send it."""
    with speaking(language):
        subject = " ".join(render_template(f"emails/{template}.subject.txt", **context).split())
        text = render_template(f"emails/{template}.txt", **context)
        html = render_template(f"emails/{template}.html", **context)
    return subject, text, html


def write_letter(
    template: str,
    *,
    key: str,
    recipient: str,
    language: str,
    attachments: Sequence[Attachment] = (),
    **context: Any,
) -> None:
    """Owe the mail of `emails/<template>.{subject.txt,txt,html}`; once for each `key`."""
    subject, text, html = render_letter(template, language=language, **context)
    queue_mail(
        key=key,
        recipient=recipient,
        language=language,
        subject=subject,
        text=text,
        html=html,
        attachments=attachments,
    )
