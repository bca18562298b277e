"""Guests without an account are known by a random key in their signed session cookie."""

import hashlib
import secrets

from flask import session

KEY = "visitor"
GRANTS = "grants"  # references of bookings that this browser may open
GRANTS_KEPT = 30


def visitor(*, new: bool = False) -> str | None:
    """The digest by which this visitor's rows are found; made on demand with `new`."""
    if KEY not in session:
        if not new:
            return None
        session[KEY] = secrets.token_urlsafe(24)
        session.permanent = True
    return hashlib.sha256(session[KEY].encode()).hexdigest()


def new_visitor() -> str:
    """As `visitor`, never None."""
    digest = visitor(new=True)
    assert digest is not None
    return digest


def grant(reference: str) -> None:
    """Let this browser open the booking from now on."""
    kept = [known for known in session.get(GRANTS, []) if known != reference]
    session[GRANTS] = [*kept, reference][-GRANTS_KEPT:]
    session.permanent = True


def granted(reference: str) -> bool:
    return reference in session.get(GRANTS, [])
