"""What a guest may choose when he pays: all at once, a plan, or the part that is due; with dates and sums."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from flask_babel import gettext as _
from flask_babel import ngettext

from portal.booking.models import Booking, BookingState
from portal.kernel import formats
from portal.kernel.money import Money
from portal.payments.plans.live import Offer, live_plan, offers
from portal.payments.services import Debt

ALL = "all"
PART = "part"
PLAN = "plan-"


@dataclass(frozen=True)
class Choice:
    """One choice on the page of payment. parts: the day, None for now, and the sum of each."""

    key: str
    label: str
    parts: tuple[tuple[date | None, Money], ...] = ()
    lock: str = ""
    proposed: bool = False

    @property
    def plan_id(self) -> int | None:
        return int(self.key.removeprefix(PLAN)) if self.key.startswith(PLAN) else None


def choices(booking: Booking, debt: Debt, language: str, now: datetime) -> tuple[Choice, ...]:
    """Empty where there is nothing to choose. Call it inside a request in `language`."""
    if debt.change_id is not None:
        return ()
    whole = debt.whole or debt.amount
    if booking.state is BookingState.PENDING and whole == booking.price:
        offered = offers(booking, now)
        if not offered:
            return ()
        locked = _("The price is locked as soon as you have paid.")
        at_once = Choice(ALL, _("Pay all at once"), ((None, whole),), locked)
        return (at_once, *(_of(offer, language) for offer in offered))
    if debt.whole is None:
        return ()
    part, everything = formats.money(debt.amount, language), formats.money(debt.whole, language)
    return (
        Choice(PART, _("Pay the part that is due: %(sum)s", sum=part)),
        Choice(ALL, _("Pay all that is still open: %(sum)s", sum=everything)),
    )


def chosen(booking: Booking, among: Sequence[Choice]) -> str:
    """The key of what was chosen before; the part that is due, once that is a choice."""
    if any(one.key == PART for one in among):
        return PART
    plan = live_plan(booking.id)
    return f"{PLAN}{plan.plan_id}" if plan else ALL


def _of(offer: Offer, language: str) -> Choice:
    first = formats.money(offer.parts[0][1], language)
    later = offer.parts[1:]
    if len(later) == 1:
        label = _("%(sum)s now, the rest by %(day)s", sum=first, day=formats.day(later[0][0], language))
    else:
        label = ngettext(
            "%(sum)s now, the rest in %(num)s part", "%(sum)s now, the rest in %(num)s parts", len(later), sum=first
        )
    if offer.locks_at_once:
        lock = _("The price is locked with the first payment.")
    else:
        lock = _(
            "The price is locked on %(day)s, once %(percent)s per cent of it are paid.",
            day=formats.day(offer.locked_on, language),
            percent=offer.lock_percent,
        )
    return Choice(
        f"{PLAN}{offer.plan_id}",
        label,
        ((None, offer.parts[0][1]), *later),
        lock,
        proposed=offer.mark == "proposed",
    )
