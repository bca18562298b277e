"""How long a large statement of the bank takes to be matched, and an invoice to be set as PDF."""

from __future__ import annotations

import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

from flask_migrate import upgrade
from sqlalchemy import insert

from portal import create_app
from portal.accounts.models import Account, Role
from portal.booking.models import Booking, BookingState
from portal.booking.queries import booking_page
from portal.catalogue.models import Sailing
from portal.database import db
from portal.extensions import MIGRATIONS
from portal.kernel.references import ALPHABET, new_reference, with_check
from portal.payments.invoices import invoice
from portal.payments.models import Method, Payment, PaymentState
from portal.payments.queries import open_transfer
from portal.payments.services import start_transfer
from portal.payments.statements.queries import statement_by
from portal.payments.statements.services import preview_statement, take_statement
from portal.pricing.season import load_season

LINES = 10_000
PAPERS = 21
NOON = datetime(2024, 2, 15, 8, tzinfo=UTC)
SEASON = Path(__file__).parent.parent / "portal" / "catalogue" / "facts" / "season_2024.json"
GIVEN = ("ПЁТР", "МЕРЕТ", "СИДОР", "АЛЕКСЕЙ", "ГЕЛЬДЫ", "ОЛЕГ", "АННА", "МАРИЯ", "ОГУЛЬ", "ВЕРА")
FATHERS = ("ПЕТРОВИЧ", "МЕРЕДОВИЧ", "СЕРГЕЕВИЧ", "ОРАЗОВИЧ", "ИЛЬИЧ", "ИВАНОВНА", "ПАВЛОВНА", "БЕРДЫЕВНА")
SURNAMES = ("ИВАНОВ", "БЕРДИЕВ", "ПЕТРОВ", "СИДОРОВ", "АТАЕВ", "КУЗНЕЦОВ", "МЕРЕДОВ", "СОКОЛОВ", "ОРЛОВ", "НУРЫЕВ")


@contextmanager
def small_portal() -> Iterator[None]:
    """The season on SQLite in a folder of its own, without server or worker."""
    with tempfile.TemporaryDirectory(prefix="portal-bench-") as folder:
        app = create_app(
            TESTING=True, SQLALCHEMY_DATABASE_URI=f"sqlite:///{folder}/portal.db", FILES_URL=f"file://{folder}/files"
        )
        with app.app_context():
            upgrade(directory=str(MIGRATIONS))
            load_season(SEASON, now=NOON)
            yield
            db.session.remove()
            db.engine.dispose()


def statement_seconds() -> float:
    """Processor time from the bytes of a 1C file to what is used and what waits for finance, all of it stored.

    Four in five lines name one of as many awaited transfers with its check letter; the others have a damaged
    reference, a known name with its sum, or nothing at all.
    """
    chance = random.Random(56042)
    content = _statement_for(_awaited(LINES * 4 // 5, chance), chance)
    begun = time.process_time()
    reference = preview_statement(content=content, by=None, now=NOON)
    take_statement(statement_id=statement_by(reference).id, now=NOON)
    return time.process_time() - begun


def invoice_milliseconds() -> float:
    """Processor time of a paper with its code, in the three languages in turn; the first of each is not counted."""
    from tests.factories import make_booking, make_season

    booking = make_booking(make_season(), now=NOON)
    start_transfer(booking_id=booking.id, now=NOON)
    page, payment = booking_page(booking.id), open_transfer(booking.id)
    took = []
    for number in range(PAPERS + 3):
        another = replace(payment, reference=new_reference())  # so that its code is drawn anew
        begun = time.process_time()
        invoice(page, another, ("ru", "tk", "en")[number % 3])
        took.append((time.process_time() - begun) * 1000)
    return statistics.median(took[3:])


def measure() -> tuple[float, float]:
    """Seconds for the statement, milliseconds for the invoice."""
    with small_portal():
        paper = invoice_milliseconds()
        return statement_seconds(), paper


def _awaited(count: int, chance: random.Random) -> list[tuple[str, int, str]]:
    """So many transfers in as many bookings: reference, minor units, name of the customer."""
    sailing = db.session.query(Sailing).first()
    assert sailing is not None
    account = Account(
        email="bench@example.org", name="Bench", password_hash="!", language="ru", role=Role.CUSTOMER,
        session_key="bench", made_at=NOON,
    )
    db.session.add(account)
    db.session.flush()
    references = chance.sample(range(len(ALPHABET) ** 8), 2 * count)
    written = ["".join(ALPHABET[number // len(ALPHABET) ** place % len(ALPHABET)] for place in range(8))
               for number in references]
    names = [f"{chance.choice(SURNAMES)} {chance.choice(GIVEN)} {chance.choice(FATHERS)}" for _ in range(count)]
    sums = [chance.choice((180_000_00, 211_666_08, 95_500_50, 320_100_00)) for _ in range(count)]
    db.session.execute(
        insert(Booking),
        [
            {
                "reference": written[count + number], "sailing_id": sailing.id, "customer_id": account.id,
                "state": BookingState.PENDING, "language": "ru", "currency": "RUB", "contact_name": names[number],
                "made_at": NOON, "placed_at": NOON, "pay_by": NOON, "terms_version": "1", "consent_version": "1",
            }
            for number in range(count)
        ],
    )
    first = db.session.query(Booking.id).order_by(Booking.id.desc()).limit(1).scalar() - count + 1
    db.session.execute(
        insert(Payment),
        [
            {
                "reference": written[number], "booking_id": first + number, "method": Method.TRANSFER,
                "state": PaymentState.OPEN, "amount_minor": sums[number], "currency": "RUB", "made_at": NOON,
            }
            for number in range(count)
        ],
    )
    db.session.commit()
    return list(zip(written[:count], sums, names, strict=True))


def _statement_for(awaited: list[tuple[str, int, str]], chance: random.Random) -> bytes:
    from tests.payments.statements.samples import Sent, one_c

    sent = [
        Sent(minor, f"Оплата по счету {with_check(reference)}, НДС не облагается", payer=name, document=str(number))
        for number, (reference, minor, name) in enumerate(awaited)
    ]
    for number in range(LINES - len(sent)):
        reference, minor, name = chance.choice(awaited)
        damaged = with_check(reference).replace(reference[3], "A", 1)
        purpose, payer = (
            (f"оплата {damaged}", "НЕКТО"), ("за круиз по договору", name), ("Пополнение счета", "НЕКТО")
        )[number % 3]
        sent.append(Sent(minor, purpose, payer=payer, day=date(2024, 2, 20), document=f"x{number}"))
    chance.shuffle(sent)
    return one_c(sent)
