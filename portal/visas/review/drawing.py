"""Which decisions a second reviewer looks at: drawn by a number that nobody can foresee and anybody can repeat."""

from __future__ import annotations

from datetime import datetime

from flask import current_app

from portal.database import column_key, db
from portal.kernel.sealing import fingerprint
from portal.visas.models import Review
from portal.visas.review.models import SecondLook

OF = 10_000


def drawn_number(reference: str) -> int:
    """From 0 to OF - 1, by the document's reference and the portal's key."""
    return int(fingerprint(f"second look at {reference}", column_key())[:12], 16) % OF


def draw(review: Review, reference: str, now: datetime) -> SecondLook | None:
    """Within the transaction of the decision: put it before a second reviewer, if its number says so."""
    number, share = drawn_number(reference), current_app.config["SECOND_LOOKS_PERCENT"] * OF // 100
    if number >= share:
        return None
    look = SecondLook(review_id=review.id, draw=number, share=share, drawn_at=now)
    db.session.add(look)
    return look
