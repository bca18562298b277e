"""Papers of a booking in the traveller's language: the voucher as PDF and the voyage for a calendar."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from flask import current_app
from flask_babel import force_locale, ngettext
from flask_babel import gettext as _
from icalendar import Calendar, Event, vGeo

from portal.booking.labels import BOOKING_STATES, CHARGES
from portal.booking.models import BookingState
from portal.booking.queries import BookingPage, PassengerView
from portal.catalogue.labels import CALL_STATES
from portal.catalogue.models import CallState
from portal.catalogue.queries import CallView, PartView, PortView
from portal.kernel import formats
from portal.kernel.ages import OF_AGE, age_on
from portal.kernel.countries import country_name
from portal.kernel.parts import parts
from portal.kernel.text import LocalizedText
from portal.kernel.typeset import typeset
from portal.outbox.services import Attachment
from portal.pricing.policy import CancelStep

# Proposed: the operator has not said when the gangway is open.
BOARDING_OPENS = timedelta(hours=3)
BOARDING_CLOSES = timedelta(hours=1)
# How sure a call is, in the words of iCalendar.
STATUSES: dict[CallState, str] = {
    CallState.PLANNED: "CONFIRMED",
    CallState.CONFIRMED: "CONFIRMED",
    CallState.CONDITIONAL: "TENTATIVE",
    CallState.CANCELLED: "CANCELLED",
}


def voucher(page: BookingPage, language: str) -> bytes:
    """The PDF that a passenger shows at the gangway."""
    with force_locale(language):
        return typeset("voucher", _voucher_values(page, language), page.confirmed_at or page.made_at)


def letterhead(page: BookingPage, language: str) -> dict[str, Any]:
    """What templates/documents/paper.typ puts on each page. Call it inside force_locale(language)."""
    return paper_head(page.ship_name, language)


def paper_head(ship_name: LocalizedText, language: str) -> dict[str, Any]:
    """As letterhead, where there is no booking yet."""
    return {
        "language": language,
        "brand": _("Caspian Cruises"),
        "ship": ship_name.within(language),
        # The numbers are known to the typesetter only.
        "page_of": _("Page %(page)s of %(pages)s", page="{page}", pages="{pages}"),
    }


def _voucher_values(page: BookingPage, language: str) -> dict[str, Any]:
    return letterhead(page, language) | {
        "title": _("Voucher %(reference)s", reference=page.reference),
        "kind": _("Voucher"),
        "number_label": _("Booking number"),
        "number": page.reference,
        "state": _state(page, language),
        "cruise": page.sailing.title.within(language),
        "summary": _summary(page, language),
        "status": page.sailing.status_text.within(language),
        "status_detail": _(
            "Ports, times and boarding are proposed and await confirmation by the operator. "
            "The page of your booking always shows how they stand."
        ),
        "facts": _facts(page, language),
        "passengers": _passengers(page, language),
        "calls": _calls(page, language),
        "price": price_lines(page, language),
        "payment": parts("voucher", page.id)["payment"](page, language),
        "cancellation": {
            "title": _("If you cancel"),
            "lead": _(
                "You may cancel at any time. We keep only the costs actually incurred for your booking, at most what "
                "stands here, and return the rest. Days are counted in the time zone of the port of embarkation."
            ),
            "columns": [_("Day of cancelling"), _("Actually incurred costs, at most")],
            "rows": _cancel_rows(page.cancel_steps, language),
        },
        "bring": {"title": _("What to bring"), "items": _what_to_bring(page, language)},
        "contacts": _contacts(page),
    }


def _state(page: BookingPage, language: str) -> str:
    if page.state is BookingState.CONFIRMED and page.confirmed_at is not None:
        day = formats.day(page.confirmed_at, language, page.sailing.embark.zone)
        return str(_("Confirmed on %(day)s", day=day))
    return str(BOOKING_STATES[page.state])


def _summary(page: BookingPage, language: str) -> str:
    sailing = page.sailing
    part = sailing.part
    return " · ".join(
        [
            *([part_words(part, language)] if part else []),
            formats.period(sailing.starts_at, sailing.embark.zone, sailing.ends_at, sailing.disembark.zone, language),
            ngettext("%(num)s day", "%(num)s days", sailing.days),
            ngettext("%(num)s night", "%(num)s nights", sailing.nights),
            sailing.code,
        ]
    )


def part_words(part: PartView, language: str) -> str:
    embark, disembark = part.embark.within(language), part.disembark.within(language)
    return str(_("Part of the voyage: %(embark)s – %(disembark)s", embark=embark, disembark=disembark))


def _facts(page: BookingPage, language: str) -> list[dict[str, Any]]:
    sailing = page.sailing
    starts, zone = sailing.starts_at, sailing.embark.zone
    opens, closes = (formats.clock_time(starts - before, zone) for before in (BOARDING_OPENS, BOARDING_CLOSES))
    facts = [
        {
            "label": _("Embarkation"),
            "value": sailing.embark.name.within(language),
            "lines": [
                formats.day(starts, language, zone),
                _("Departs at %(time)s", time=formats.clock_and_offset(starts, zone)),
            ],
        },
        {
            "label": _("Boarding (proposed)"),
            "value": f"{opens}–{closes}",
            "lines": [_("Local time, %(offset)s", offset=formats.utc_offset(starts, zone))],
        },
        {
            "label": _("Disembarkation"),
            "value": sailing.disembark.name.within(language),
            "lines": [
                formats.day(sailing.ends_at, language, sailing.disembark.zone),
                formats.clock_and_offset(sailing.ends_at, sailing.disembark.zone),
            ],
        },
    ]
    facts += [
        {
            "label": _("Cabin"),
            "value": cabin.number,
            "lines": [
                cabin.category.within(language),
                cabin.deck.within(language) if cabin.deck else _("the number comes later"),
            ],
        }
        for cabin in page.cabins
    ]
    return facts


def _passengers(page: BookingPage, language: str) -> dict[str, Any]:
    return {
        "title": _("Passengers"),
        "columns": [_("Name as in the passport"), _("Born"), _("Citizenship"), _("Document"), _("Cabin")],
        "rows": [
            {
                "name": passenger.full_name,
                "local": passenger.local_name or "",
                "cells": [
                    formats.day(passenger.birth_date, language),
                    country_name(passenger.citizenship, language),
                    _document(passenger),
                    passenger.cabin,
                ],
            }
            for passenger in page.passengers
        ],
    }


def _document(passenger: PassengerView) -> str:
    if passenger.document_ending is None:
        return str(_("not given yet"))
    return str(_("ends in %(ending)s", ending=passenger.document_ending))


def _calls(page: BookingPage, language: str) -> dict[str, Any]:
    return {
        "title": _("Ports of call"),
        "lead": _("Times are local times of each port."),
        "columns": [_("Day"), _("Port"), _("Arrival"), _("Departure"), _("Time zone")],
        "rows": [_call_row(call, language) for call in page.sailing.calls],
    }


def _call_row(call: CallView, language: str) -> dict[str, Any]:
    zone = call.port.zone
    first = call.arrives_at or call.departs_at
    assert first is not None
    departs = ""
    if call.departs_at is not None:
        departs = formats.clock_time(call.departs_at, zone)
        if call.day_arrives is not None and call.day_departs != call.day_arrives:
            departs = f"{formats.short_day(call.departs_at, language, zone)}, {departs}"
    state = CallState(call.state)
    return {
        "day": str(call.day_arrives or call.day_departs),
        "date": formats.weekday_day(first, language, zone),
        "port": call.port.name.within(language),
        "country": country_name(call.port.country, language),
        "arrives": formats.clock_time(call.arrives_at, zone) if call.arrives_at else "",
        "departs": departs,
        "offset": formats.utc_offset(first, zone),
        "state": state.value,
        "mark": str(CALL_STATES[state]) if state in (CallState.CONDITIONAL, CallState.CANCELLED) else "",
        "note": call.notes.within(language) if call.notes else "",
    }


def price_lines(page: BookingPage, language: str) -> dict[str, Any]:
    """What the paper says of the price, line by line. Call it inside force_locale(language)."""
    return {
        "title": _("Price"),
        "columns": [_("Service"), _("Amount")],
        "rows": [
            {
                "name": str(CHARGES[charge.kind]),
                "detail": charge.passenger or "",
                "amount": formats.money(charge.amount, language),
            }
            for charge in page.charges
        ],
        "total_label": _("Total"),
        "total": formats.money(page.price, language),
    }


def _cancel_rows(steps: tuple[CancelStep, ...], language: str) -> list[list[str]]:
    rows = []
    for place, step in enumerate(steps):
        last = formats.day(step.until, language)
        if place:
            first = formats.short_day(steps[place - 1].until + timedelta(days=1), language)
            when = _("from %(first)s until %(last)s", first=first, last=last)
        else:
            when = _("until %(day)s", day=last)
        rows.append([when, formats.money(step.keeps, language) if step.keeps.minor else _("nothing")])
    return rows


def _what_to_bring(page: BookingPage, language: str) -> list[str]:
    countries = ", ".join(country_name(code, language) for code in page.sailing.countries)
    items = [
        _("This voucher, on paper or on a screen."),
        _("The document of each passenger that is named above, the original."),
        _(
            "Visas and papers for the countries called at: %(countries)s. Your checklist is in the portal.",
            countries=countries,
        ),
    ]
    if any(_is_minor(passenger, page.start_day) for passenger in page.passengers):
        items.append(
            _("For those under 18: the birth certificate, and the parents’ consent where the checklist asks for it.")
        )
    items.append(_("Medicines that you need, sun protection, and something warm for evenings on deck."))
    return items


def _is_minor(passenger: PassengerView, start_day: date) -> bool:
    return age_on(start_day, passenger.birth_date) < OF_AGE


def _contacts(page: BookingPage) -> dict[str, Any]:
    booker = [page.contact_name, page.contact_email, page.contact_phone]
    return {
        "booker": {"title": _("Booked by"), "lines": [line for line in booker if line]},
        "portal": {
            "title": _("Questions and changes"),
            "lines": [current_app.config["MAIL_SENDER"], urlsplit(current_app.config["PUBLIC_URL"]).netloc],
        },
    }


def calendar(page: BookingPage, language: str) -> bytes:
    """The voyage as iCalendar (RFC 5545), times in UTC. Loaded again after a change, it replaces what it was."""
    with force_locale(language):
        voyage = Calendar()
        voyage.add("prodid", "-//Caspian Cruises//Booking portal//EN")
        voyage.add("version", "2.0")
        voyage.add("calscale", "GREGORIAN")
        voyage.add("method", "PUBLISH")
        voyage.add("x-wr-calname", f"{page.sailing.title.within(language)}, {page.ship_name.within(language)}")
        voyage.add_component(_whole_cruise(page, language))
        voyage.add_component(_boarding(page, language))
        visits: dict[str, int] = {}
        for call in page.sailing.calls:
            # Named by port and visit, not by place in the order: a call put in between leaves the others what they are.
            visits[call.port.code] = visits.get(call.port.code, 0) + 1
            if call.arrives_at is not None:
                voyage.add_component(_call_event(page, call, f"{call.port.code}-{visits[call.port.code]}", language))
        for name, due, summary, text in parts("calendar", page.id)["payments"](page, language):
            voyage.add_component(_day_event(page, name, due, summary, text, language))
        return bytes(voyage.to_ical())


def voucher_of(page: BookingPage, language: str) -> Attachment:
    """For a letter."""
    return Attachment(f"voucher-{page.reference}.pdf", "application/pdf", voucher(page, language))


def calendar_of(page: BookingPage, language: str) -> Attachment:
    """For a letter."""
    return Attachment(f"cruise-{page.sailing.code}.ics", "text/calendar", calendar(page, language))


def _day_event(page: BookingPage, name: str, due: date, summary: str, text: str, language: str) -> Event:
    event = _event(page, name, language)
    event.add("summary", summary)
    event.add("description", text)
    event.add("dtstart", due)
    event.add("dtend", due + timedelta(days=1))  # exclusive
    event.add("transp", "TRANSPARENT")
    event.add("status", "CONFIRMED")
    return event


def _event(page: BookingPage, name: str, language: str) -> Event:
    event = Event()
    host = urlsplit(current_app.config["PUBLIC_URL"]).hostname
    event.add("uid", f"{page.reference}-{name}@{host}".lower())
    event.add("dtstamp", page.confirmed_at or page.made_at)
    event.add("sequence", page.sailing.version)
    event.add("url", f"{current_app.config['PUBLIC_URL']}/{language}/bookings/{page.reference}")
    return event


def _place(event: Event, port: PortView, language: str) -> None:
    event.add("location", f"{port.name.within(language)}, {country_name(port.country, language)}")
    event.add("geo", vGeo((port.latitude, port.longitude)))


def _whole_cruise(page: BookingPage, language: str) -> Event:
    sailing = page.sailing
    event = _event(page, "cruise", language)
    event.add("summary", f"{sailing.title.within(language)}, {page.ship_name.within(language)}")
    event.add("dtstart", page.start_day)
    last = sailing.ends_at.astimezone(ZoneInfo(sailing.disembark.zone)).date()
    event.add("dtend", last + timedelta(days=1))  # exclusive
    event.add("transp", "TRANSPARENT")
    event.add("status", "CONFIRMED")
    ports = " – ".join(call.port.name.within(language) for call in sailing.calls)
    cabins = ", ".join(cabin.number for cabin in page.cabins)
    event.add(
        "description",
        "\n".join(
            [
                *([part_words(sailing.part, language)] if sailing.part else []),
                ports,
                _("Booking number: %(reference)s", reference=page.reference),
                _("Cabin: %(numbers)s", numbers=cabins),
                sailing.status_text.within(language),
            ]
        ),
    )
    return event


def _boarding(page: BookingPage, language: str) -> Event:
    sailing = page.sailing
    starts, zone = sailing.starts_at, sailing.embark.zone
    event = _event(page, "boarding", language)
    port, ship = sailing.embark.name.within(language), page.ship_name.within(language)
    event.add("summary", _("Boarding: %(ship)s, %(port)s", ship=ship, port=port))
    event.add("dtstart", starts - BOARDING_OPENS)
    event.add("dtend", starts - BOARDING_CLOSES)
    event.add("status", "CONFIRMED")
    _place(event, sailing.embark, language)
    event.add(
        "description",
        "\n".join(
            [
                _(
                    "Boarding is proposed from %(opens)s to %(closes)s local time.",
                    opens=formats.clock_and_offset(starts - BOARDING_OPENS, zone),
                    closes=formats.clock_and_offset(starts - BOARDING_CLOSES, zone),
                ),
                _("The ship departs at %(time)s local time.", time=formats.clock_and_offset(starts, zone)),
                sailing.status_text.within(language),
            ]
        ),
    )
    return event


def _call_event(page: BookingPage, call: CallView, name: str, language: str) -> Event:
    state = CallState(call.state)
    zone = call.port.zone
    event = _event(page, name, language)
    port = call.port.name.within(language)
    if call is page.sailing.calls[-1]:
        event.add("summary", _("Disembarkation: %(port)s", port=port))
    else:
        event.add("summary", _("Port of call: %(port)s", port=port))
    assert call.arrives_at is not None
    event.add("dtstart", call.arrives_at)
    if call.departs_at is not None:
        event.add("dtend", call.departs_at)
    event.add("status", STATUSES[state])
    _place(event, call.port, language)
    lines = [_("Arrival: %(time)s", time=formats.moment(call.arrives_at, language, zone))]
    if call.departs_at is not None:
        lines.append(_("Departure: %(time)s", time=formats.moment(call.departs_at, language, zone)))
    if state in (CallState.CONDITIONAL, CallState.CANCELLED):
        lines.append(str(CALL_STATES[state]))
    if call.notes:
        lines.append(call.notes.within(language))
    event.add("description", "\n".join([*lines, page.sailing.status_text.within(language)]))
    return event
