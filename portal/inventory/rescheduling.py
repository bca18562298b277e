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
        # Locked before anything is written: one given back meanwhile would be given nights that nobody owns any more,
        # and whoever gives it back locks it before its nights and the sailing's version.
        taken = session.scalars(
            select(Occupancy)
            .where(Occupancy.sailing_id == sailing_id, Occupancy.over_at.is_(None))
            .order_by(Occupancy.id)
            .with_for_update()
        ).all()
        sailing = edit_sailing(
            sailing_id=sailing_id, version_seen=version_seen, calls=calls, status_text=status_text, now=now
        )
        if sailing.nights != before:
            _move_nights(sailing, taken)
    return sailing


def _move_nights(sailing: Sailing, taken: Sequence[Occupancy]) -> None:
    session = db.session
    session.execute(delete(CabinNight).where(CabinNight.occupancy_id.in_([occupancy.id for occupancy in taken])))
    session.add_all(
        CabinNight(cabin_id=occupancy.cabin_id, night=night, occupancy_id=occupancy.id)
        for occupancy in taken
        for night in sailing.nights
    )
    try:
        session.flush()
    except IntegrityError as other_sailing:
        raise NightsTaken from other_sailing
