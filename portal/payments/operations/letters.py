"""What the letters about a stopped sailing say, and how they would read before anything is decided."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from portal.booking.access import link_token
from portal.booking.models import Booking
from portal.booking.queries import BookingPage, booking_page
from portal.kernel.text import LANGUAGES, LocalizedText
from portal.outbox.letters import render_letter
from portal.payments.operations.models import OperationKind
from portal.payments.operations.queries import Preview

TEMPLATES = {OperationKind.CANCEL: "operations/cancelled", OperationKind.POSTPONE: "operations/postponed"}


@dataclass(frozen=True)
class LetterPreview:
    language: str
    subject: str
    text: str
    readers: int  # bookings whose guest reads this language


NO_TOKEN = "0" * 8  # in a preview: nobody but the guest gets his private link


def letter_context(page: BookingPage, booking: Booking, **known: Any) -> dict[str, Any]:
    return {"page": page, "token": link_token(booking), **known}


def letters_preview(
    found: Preview, kind: OperationKind, *, reason: LocalizedText, days: int, decide_days: int, now: datetime
) -> tuple[LetterPreview, ...]:
    """In each language the letter to the first booking that is read in it, else to the first of all; none without any.

    Rendered by the templates of the letters themselves; nothing is sent.
    """
    letters = []
    for language in LANGUAGES:
        readers = [one for one in found.affected if one.language == language]
        for one in (readers or found.affected)[:1]:
            page = booking_page(one.booking_id)
            old = page.sailing.starts_at
            if kind is OperationKind.POSTPONE:
                later = timedelta(days=days)
                page = replace(
                    page,
                    sailing=replace(page.sailing, starts_at=old + later, ends_at=page.sailing.ends_at + later),
                )
            subject, text, _html = render_letter(
                TEMPLATES[kind],
                language=language,
                page=page,
                token=NO_TOKEN,
                reason=reason,
                old_starts_at=old,
                decide_by=now + timedelta(days=decide_days),
                returned=one.paid,
                alternatives=found.alternatives.get(one.booking_id, ()),
            )
            letters.append(LetterPreview(language, subject, text, len(readers)))
    return tuple(letters)
