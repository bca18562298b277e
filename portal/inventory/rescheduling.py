"""A sailing that moves takes the nights of its cabins with it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from portal.catalogue.models import Sailing
from portal.catalogue.services import CallEdit, edit_sailing
from portal.database import db, transaction
from portal.inventory.models import CabinNight, Occupancy
from portal.kernel.errors import Refused
from portal.kernel.text import LocalizedText


class NightsTaken(Refused):
    message = _l("Another sailing has cabins of this ship on these nights.")


def reschedule(
    *, sailing_id: int, version_seen: int, calls: Sequence[CallEdit], status_text: LocalizedText, now: datetime
) -> Sailing:
    """As edit_sailing(), and every cabin held, booked or closed is so on the new nights, in the same transaction:
    otherwise a booked cabin would look free on them, and could be sold twice.

    Raises what edit_sailing() raises, and NightsTaken; then nothing changes.
    """
    with transaction() as session:
        before = session.get_one(Sailing, sailing_id, with_for_update=True).nights
        sailing = edit_sailing(
            sailing_id=sailing_id, version_seen=version_seen, calls=calls, status_text=status_text, now=now
        )
        if sailing.nights != before:
            _move_nights(sailing)
    return sailing


def _move_nights(sailing: Sailing) -> None:
    session = db.session
    taken = session.execute(
        select(Occupancy.id, Occupancy.cabin_id).where(
            Occupancy.sailing_id == sailing.id, Occupancy.over_at.is_(None)
        )
    ).all()
    session.execute(delete(CabinNight).where(CabinNight.occupancy_id.in_([occupancy for occupancy, _ in taken])))
    session.add_all(
        CabinNight(cabin_id=cabin, night=night, occupancy_id=occupancy)
        for occupancy, cabin in taken
        for night in sailing.nights
    )
    try:
        session.flush()
    except IntegrityError as other_sailing:
        raise NightsTaken from other_sailing
