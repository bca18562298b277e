"""Fill the bench's database: ten seasons in place of one; run as a module, bookings, money and documents in review."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FACTS = ROOT / "portal" / "catalogue" / "facts"
SEASONS = 10
BOOKINGS = 120
CABINS_TAKEN = 60  # the bookings lie in the first cabins by number; the others stay free


def write_seasons(folder: Path) -> None:
    """The season again for each of the years after it, beside the ship it is for."""
    season = json.loads((FACTS / "season_2024.json").read_text(encoding="utf-8"))
    first = season["sailings"]
    season["sailings"] = [_later(sailing, year) for year in range(1, SEASONS) for sailing in first]
    (folder / "seasons.json").write_text(json.dumps(season, ensure_ascii=False), encoding="utf-8")
    (folder / "ship.json").write_bytes((FACTS / "ship.json").read_bytes())


def _later(entry: dict[str, Any], years: int) -> dict[str, Any]:
    """The same sailing on the same days, `years` on, with a code of its own."""
    text = json.dumps(entry, ensure_ascii=False)
    copy: dict[str, Any] = json.loads(text.replace("2024-", f"{2024 + years}-").replace("PV24-", f"PV{24 + years}-"))
    return copy


def make_bookings() -> None:
    """Through the portal's own services, spread over every sailing; most are paid, half have a document in review."""
    from sqlalchemy import select

    from portal.accounts.models import Account, Role
    from portal.booking.services import name_passengers, place_booking
    from portal.catalogue.models import Cabin, Sailing
    from portal.database import db
    from portal.inventory.services import hold_cabin
    from portal.kernel.clock import now
    from portal.payments.models import Payment
    from portal.payments.services import receive_transfer, start_transfer
    from portal.visas.models import ChecklistItem
    from portal.visas.services import refresh_checklist, submit_document
    from portal.visas.terms import Supplier
    from tests.factories import details
    from tests.files.uploads import jpeg
    from wsgi import app

    with app.app_context():
        moment = now()
        later = moment + timedelta(days=30)
        sailings = db.session.scalars(select(Sailing.id).where(Sailing.starts_at > later).order_by(Sailing.id)).all()
        cabins = db.session.scalars(select(Cabin.id).order_by(Cabin.number)).all()
        finance = db.session.scalars(select(Account).filter_by(role=Role.FINANCE)).one()
        scan = jpeg()
        for number in range(BOOKINGS):
            hold = hold_cabin(
                sailing_id=sailings[number % len(sailings)],
                cabin_id=cabins[number % CABINS_TAKEN],
                party=1 + number % 2,
                holder=f"bench{number}",
                now=moment,
            )
            booking = name_passengers(
                parties={hold.id: [details() for _ in range(hold.party)]},
                customer_id=None,
                language="ru",
                now=moment,
            )
            place_booking(
                booking_id=booking.id,
                contact_name="Anna Ivanova",
                contact_email=f"bench{number}@example.org",
                contact_phone="+7 900 1234567",
                terms_version="bench",
                consent_version="bench",
                now=moment,
            )
            refresh_checklist(booking_id=booking.id, now=moment)
            if number % 4:
                reference = start_transfer(booking_id=booking.id, now=moment)
                payment = db.session.scalars(select(Payment).filter_by(reference=reference)).one()
                receive_transfer(payment_id=payment.id, account=finance, now=moment)
            if number % 2:
                passengers = [passenger.id for passenger in booking.passengers]
                item = db.session.scalars(
                    select(ChecklistItem).where(
                        ChecklistItem.passenger_id.in_(passengers), ChecklistItem.supplier == Supplier.GUEST
                    )
                ).first()
                if item is not None:
                    submit_document(item_id=item.id, content=scan, now=moment)


if __name__ == "__main__":
    make_bookings()
