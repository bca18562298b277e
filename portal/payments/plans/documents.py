"""What the voucher and the calendar of a booking say of the parts of its price."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from flask_babel import gettext as _

from portal.booking.models import BookingState
from portal.booking.queries import BookingPage
from portal.kernel import clock, formats
from portal.kernel.money import Money
from portal.kernel.parts import part_of
from portal.payments.plans.live import live_plan
from portal.payments.plans.queries import PartState, PlanView, plan_view


def _plan_of(page: BookingPage) -> PlanView | None:
    plan = live_plan(page.id) if page.state is BookingState.CONFIRMED else None
    if plan is None:
        return None
    return plan_view(plan, page.balance.paid, page.price.currency, page.day_at(clock.now()))


@part_of("voucher", "payment")
def voucher_payment(_booking_id: int) -> Callable[[BookingPage, str], dict[str, Any] | None]:
    """In the shape of the price: each part with its day; None for a booking that is paid at once."""
    return _for_voucher


def _for_voucher(page: BookingPage, language: str) -> dict[str, Any] | None:
    plan = _plan_of(page)
    if plan is None:
        return None
    return {
        "title": _("Paying in parts"),
        "columns": [_("Due by"), _("Sum")],
        "rows": [
            {
                "name": formats.day(part.due, language),
                "detail": _("paid") if part.state is PartState.PAID else _("open"),
                "amount": formats.money(part.amount, language),
            }
            for part in plan.parts
        ],
        "total_label": _("Still open"),
        "total": formats.money(plan.left, language),
    }


@part_of("calendar", "payments")
def calendar_payments(_booking_id: int) -> Callable[[BookingPage, str], list[tuple[str, date, str, str]]]:
    """Each part that is open: a name for its event, its day, a line and a sentence."""
    return _for_calendar


def _for_calendar(page: BookingPage, language: str) -> list[tuple[str, date, str, str]]:
    plan = _plan_of(page)
    if plan is None:
        return []
    return [
        (f"part-{number}", part.due, *_told(page, part.left, language))
        for number, part in enumerate(plan.parts, 1)
        if part.state is not PartState.PAID
    ]


def _told(page: BookingPage, left: Money, language: str) -> tuple[str, str]:
    amount = formats.money(left, language)
    return (
        _("Pay %(sum)s for booking %(reference)s", sum=amount, reference=page.reference),
        _("A part of the price of your cruise is due by the end of this day."),
    )
