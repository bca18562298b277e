"""Letters to those for whom cabins are kept."""

from __future__ import annotations

from portal.database import db
from portal.inventory.models import Reservation
from portal.inventory.reservations.queries import reservation_page
from portal.inventory.reservations.services import remind
from portal.inventory.reservations.views import reservation_token
from portal.kernel.clock import now
from portal.outbox.jobs import each_minute
from portal.outbox.letters import write_letter
from portal.outbox.services import on


@each_minute
def remind_of_reservations() -> None:
    remind(now())


@on("reservation.made")
def send_reservation(reservation_id: int) -> None:
    _write("inventory/reserved", reservation_id, "made")


@on("reservation.ending")
def send_reminder(reservation_id: int, hours: int) -> None:
    _write("inventory/reservation_ends", reservation_id, str(hours))


def _write(template: str, reservation_id: int, occasion: str) -> None:
    reservation = db.session.get_one(Reservation, reservation_id)
    page = reservation_page(reservation_id, now())
    if page.reserved:
        write_letter(
            template,
            key=f"{template}:{page.reference}:{occasion}:{page.until.isoformat()}",
            recipient=page.email,
            language=page.language,
            page=page,
            token=reservation_token(reservation),
        )
