"""A sailing that moves takes the nights of its cabins with it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from flask_babel import get_locale
from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from portal.catalogue.models import CallState, Sailing
from portal.catalogue.services import CallEdit, edit_sailing
from portal.database import db, transaction
from portal.inventory.models import CabinNight, Occupancy
from portal.kernel.errors import Refused
from portal.kernel.text import LocalizedText


class NightsTaken(Refused):
    message = _l("Another sailing has cabins of this ship on these nights.")


def _named(name: LocalizedText) -> LazyString:
    return LazyString(lambda: name.within(get_locale().language))


class PartSold(Refused):
    """Guests embark or leave at a call that is to be cancelled."""

    def __init__(self, *, port: LocalizedText, cabins: Sequence[str]) -> None:
        super().__init__(port, cabins)
        self.message = _l(
            "Guests of a part of the voyage embark or leave at %(port)s, in the cabins %(numbers)s. Please take this "
            "part off sale, settle it with these guests and cancel their bookings first, or let the call stand.",
            port=_named(port),
            numbers=", ".join(cabins),
        )


class PartTooShort(Refused):
    def __init__(self, *, embark: LocalizedText, disembark: LocalizedText) -> None:
        super().__init__(embark, disembark)
        self.message = _l(
            "A part of the voyage, %(embark)s – %(disembark)s, would have no night any more. Please leave a night "
            "between these calls.",
            embark=_named(embark),
            disembark=_named(disembark),
        )


def reschedule(
    *, sailing_id: int, version_seen: int, calls: Sequence[CallEdit], status_text: LocalizedText, now: datetime
) -> Sailing:
    """As edit_sailing(), and every cabin held, booked or closed is so on the new nights, in the same transaction:
    otherwise a booked cabin would look free on them, and could be sold twice.

    A part of the voyage that is held or booked moves with its calls; neither of its ends can be cancelled then.
    Raises what edit_sailing() raises, PartSold, PartTooShort and NightsTaken; then nothing changes.
    """
    with transaction() as session:
        sailing = session.get_one(Sailing, sailing_id, with_for_update=True)
        # Locked before anything is written: one given back meanwhile would be given nights that nobody owns any more,
        # and whoever gives it back locks it before its nights and the sailing's version.
        taken = session.scalars(
            select(Occupancy)
            .where(Occupancy.sailing_id == sailing_id, Occupancy.over_at.is_(None))
            .order_by(Occupancy.id)
            .with_for_update()
        ).all()
        before = [occupancy.voyage.nights for occupancy in taken]
        edit_sailing(sailing_id=sailing_id, version_seen=version_seen, calls=calls, status_text=status_text, now=now)
        _check_parts(sailing, taken)
        if [occupancy.voyage.nights for occupancy in taken] != before:
            _move_nights(taken)
    return sailing


def _check_parts(sailing: Sailing, taken: Sequence[Occupancy]) -> None:
    for call in sailing.calls:
        if call.state is CallState.CANCELLED:
            cabins = [
                occupancy.cabin.number
                for occupancy in taken
                if occupancy.part is not None and call in (occupancy.part.embark, occupancy.part.disembark)
            ]
            if cabins:
                raise PartSold(port=call.port.name, cabins=cabins)
    for part in sailing.parts:
        if not part.nights:
            raise PartTooShort(embark=part.embark.port.name, disembark=part.disembark.port.name)


def _move_nights(taken: Sequence[Occupancy]) -> None:
    session = db.session
    session.execute(delete(CabinNight).where(CabinNight.occupancy_id.in_([occupancy.id for occupancy in taken])))
    session.add_all(
        CabinNight(cabin_id=occupancy.cabin_id, night=night, occupancy_id=occupancy.id)
        for occupancy in taken
        for night in occupancy.voyage.nights
    )
    try:
        session.flush()
    except IntegrityError as other_sailing:
        raise NightsTaken from other_sailing
