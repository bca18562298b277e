"""Every kind of page, each in the state in which it has most to show."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import Context
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import select

from portal.accounts.models import Account, Role
from portal.accounts.services import password_token
from portal.booking.companions import add_companion
from portal.booking.details import LaterDetails
from portal.booking.filing import file_list
from portal.booking.models import Booking, FiledKind, Sex
from portal.booking.passengers import tell_details
from portal.booking.quotes import save_quote
from portal.booking.services import expire_bookings, name_passengers, place_booking
from portal.booking.waiting.access import offer_token
from portal.booking.waiting.models import WaitingEntry, WaitingOffer
from portal.booking.waiting.services import decline_offer, join_line, serve_line
from portal.catalogue.models import Cabin, Sailing
from portal.catalogue.services import close_sales, offer_part
from portal.database import db, transaction
from portal.inventory.guarantees import category_page, hold_any
from portal.inventory.models import Occupancy, ReservationKind
from portal.inventory.reservations.services import reserve
from portal.inventory.services import close_cabin, hold_cabin, release
from portal.kernel.clock import now
from portal.kernel.money import Money
from portal.kernel.references import with_check
from portal.kernel.text import LocalizedText
from portal.payments.agencies.services import add_member, create_agency, take_on_credit
from portal.payments.cancellations.models import CancelReason
from portal.payments.disputes import note_dispute
from portal.payments.late import offer_other_cabins
from portal.payments.models import Method, Payment, PaymentState
from portal.payments.operations.models import OperationCase, OperationKind
from portal.payments.operations.queries import standings
from portal.payments.operations.services import carry_out, seal, stop
from portal.payments.plans.models import PaymentPlan, PriceOffer
from portal.payments.plans.services import choose_plan, end_plan, load_plans, offer_plan
from portal.payments.providers.base import DisputeState, DisputeStatus
from portal.payments.queries import open_transfer
from portal.payments.refunds import cancel, cancel_preview
from portal.payments.services import receive_money, receive_transfer, start_desk, start_transfer
from portal.payments.shares.services import Payer, ask_payer
from portal.payments.statements.models import BankLine
from portal.payments.statements.services import load_previewed, preview_statement, set_aside
from portal.payments.statements.services import send_back as send_money_back
from portal.pricing.party import Party
from portal.visas.cases.models import VisaCase
from portal.visas.cases.services import sync_cases
from portal.visas.models import ChecklistItem, ReturnReason, Submission
from portal.visas.proposals.queries import live
from portal.visas.proposals.services import Line, draft, propose
from portal.visas.services import accept, refresh_checklist, send_back, submit_document
from portal.visas.terms import Regime, SeaAccess, Supplier
from tests.factories import details, make_account
from tests.files.uploads import jpeg
from tests.payments.statements.samples import Sent, one_c, table

CODE = "PV24-02"
CHOICES = "sailing-change"
GUEST = "guest"
CUSTOMER = "customer"
PASSENGER = "passenger"


@dataclass(frozen=True)
class Shown:
    """A page: who looks at it, where, and what it answers. `act` names what is done there first."""

    name: str
    path: str
    who: str = GUEST
    status: int = 200
    act: str = ""


@dataclass(frozen=True)
class Gallery:
    pages: tuple[Shown, ...]
    cookies: dict[str, str]  # who → value of the session's cookie


def furnish(app: Flask, language: str) -> Gallery:
    """Guests, bookings, papers and payments in every state; then all pages that show them, in `language`."""
    moment = now()
    sailing = db.session.scalars(select(Sailing).filter_by(code=CODE)).one()
    customer = make_account(Role.CUSTOMER, email="guest@example.org", name="Meret Berdiyev", language=language)
    staff = db.session.scalars(select(Account).filter_by(role=Role.ADMINISTRATOR)).one()
    guest = Visitor(app, "guest-of-the-gallery", sailing, language)

    fresh = guest.hold("321", moment)
    guest.hold("322", moment)
    elsewhere = db.session.scalars(select(Sailing).filter_by(code="PV24-08")).one()
    again = Visitor(app, guest.key, elsewhere, language)  # what one holds on a sailing is one party
    draft = again.hold("322", moment)
    again.name(draft, moment)
    over = guest.hold("323", moment - timedelta(minutes=25))
    unpaid = guest.book("324", moment)
    waiting = guest.book("325", moment)
    start_desk(booking_id=waiting.id, now=moment)
    late = guest.book("326", moment - timedelta(minutes=40))
    long_ago = moment - timedelta(days=20)
    too_late = guest.book("338", long_ago)
    came_late = awaited(too_late, long_ago)
    expire_bookings(moment)
    hold_cabin(sailing_id=sailing.id, cabin_id=cabin_of("338").id, party=1, holder="quicker", now=moment)
    receive_money(payment_id=came_late.id, amount=too_late.price, payment_intent=None, now=moment)
    offer_other_cabins(moment)
    owner = Visitor(app, "owner-of-the-gallery", sailing, language, customer)
    transfer = owner.book("327", moment)
    expected = awaited(transfer, moment)
    booked = owner.book("328", moment)
    receive_transfer(payment_id=awaited(booked, moment).id, account=staff, now=moment)
    two_cabins = owner.book_two(("345", "346"), moment)
    receive_transfer(payment_id=awaited(two_cabins, moment).id, account=staff, now=moment)
    cancelled = owner.book("329", moment)
    receive_transfer(payment_id=awaited(cancelled, moment).id, account=staff, now=moment)
    cancel(booking_id=cancelled.id, agreed=cancel_preview(cancelled.id, moment).today.returned, now=moment)
    odd = owner.book("333", moment)
    receive_money(
        payment_id=awaited(odd, moment).id, amount=Money(1_00, "RUB"), payment_intent=None, now=moment
    )
    hold_cabin(
        sailing_id=sailing.id, cabin_id=cabin_of("330").id, party=2, holder="somebody else", now=moment
    )
    close_cabin(sailing_id=sailing.id, cabin_id=cabin_of("331").id, reason="repair", now=moment)
    load_plans(moment)
    later = Visitor(app, "payer-in-parts", elsewhere, language, customer)
    to_choose, in_parts, settled = (later.book(number, moment) for number in ("325", "326", "327"))
    plan = db.session.scalars(select(PaymentPlan).filter_by(code="monthly")).one()
    choose_plan(booking_id=in_parts.id, plan_id=plan.id, now=moment)
    for one in (in_parts, settled):
        receive_transfer(payment_id=awaited(one, moment).id, account=staff, now=moment)
    near = elsewhere.starts_at - timedelta(days=15)
    cancel(
        booking_id=settled.id,
        agreed=cancel_preview(settled.id, near).today.returned,
        reason=CancelReason.VISA_REFUSED,
        now=near,
    )
    unlocked = with_new_price(later, moment)
    disputed = with_dispute(later, moment)
    quote = save_quote(
        sailing_id=sailing.id, cabin_ids=[cabin_of("332").id], party=Party.of([30, 7]), currency="RUB", now=moment
    )
    part = offer_part(
        sailing_id=sailing.id, embark=1, disembark=4, percent=60, mark="proposed", on_sale=True, now=moment
    )
    partly = guest.hold("336", moment, part.id)
    guest.name(partly, moment)
    option = reserve(
        sailing_id=sailing.id,
        kind=ReservationKind.OPTION,
        numbers=["334", "335"],
        name="Hazar Travel",
        email="desk@agency.example",
        language=language,
        until=moment + timedelta(days=5),
        note=None,
        now=moment,
    )
    other = db.session.scalars(select(Sailing).filter_by(code="PV24-03")).one()
    short, money = statements_of(owner, guest, moment)
    close_sales(sailing_id=other.id, reason="charter", now=moment)
    full = db.session.scalars(select(Sailing).filter_by(code="PV24-04")).one()
    line = stand_in_line(full, language, moment)
    moved = stopped_sailing("PV24-05", OperationKind.POSTPONE, owner, staff, moment)
    gone = stopped_sailing("PV24-06", OperationKind.CANCEL, owner, staff, moment)
    refresh_checklist(booking_id=booked.id, now=moment)
    new, back, done = hand_in(booked, staff, moment)
    sync_cases(booking_id=booked.id, now=moment)
    case = db.session.scalars(select(VisaCase).order_by(VisaCase.id).limit(1)).one()
    rules = proposed_rule(moment)

    own = booked.passengers[1]
    file_list(sailing=booked.sailing, kind=FiledKind.PORTS, by=staff, now=moment)
    tell_details(passenger_id=booked.passengers[0].id, told=LaterDetails(birth_place="Astrakhan"), now=moment)
    friend = add_companion(account_id=customer.id, person=details(), now=moment)
    page = category_page(CODE, "STB", moment)
    chosen_later = hold_any(
        sailing_id=page.sailing_id, candidates=page.candidates, party=2, holder=guest.holder, now=moment
    )
    numberless = owner.place(owner.name(chosen_later, moment), moment)
    receive_transfer(payment_id=awaited(numberless, moment).id, account=staff, now=moment)

    divided = later.book("349", moment)
    asked = [
        ask_payer(booking_id=divided.id, payer=payer, amount=Money(5_000_00, "RUB"), now=moment - timedelta(days=2))
        for payer in (
            Payer("Maral Ataeva", "maral@example.org", language),
            Payer("Oguljan Ataeva", "oguljan@example.org", language, gift=True),
            Payer("Olga Orlova", "olga@example.org", language),
        )
    ]
    share, gift, paid = asked
    for one in (share, paid):
        start_transfer(booking_id=divided.id, share_id=one.id, now=moment)
    receive_transfer(payment_id=open_transfer(divided.id, paid.id).id, account=staff, now=moment)

    agency = create_agency(
        name=LocalizedText({"ru": "Хазар Тур", "tk": "Hazar Syýahat", "en": "Hazar Travel"}),
        email="desk@agency.example",
        language=language,
        limit=Money(1_000_000_00, "RUB"),
        commission_points=1000,
        net=True,
        now=moment,
    )
    add_member(agency_id=agency.id, email=customer.email, now=moment)
    take_on_credit(booking_id=later.book("350", moment).id, agency_id=agency.id, now=moment)

    b, t, p = booked.reference, transfer.reference, expected.reference
    pages = (
        Shown("home", ""),
        Shown("cruises", "cruises"),
        Shown("no cruise found", "cruises?month=2024-05&nights=9-&embark=KZAAU"),
        Shown("cruise", f"cruises/{CODE}"),
        Shown("cruise not on sale", "cruises/PV24-03"),
        Shown("deck plan", f"cruises/{CODE}/deck-plan"),
        Shown("deck plan of a part", f"cruises/{CODE}/deck-plan?part={part.key}"),
        Shown("deck plan not on sale", "cruises/PV24-03/deck-plan?category=STF&free=1"),
        Shown("cruises for a party", "cruises?party=30,30,7;30&country=TM"),
        Shown("cruise for a party", f"cruises/{CODE}?party=30,30,30,30,7"),
        Shown("deck plan for a party", f"cruises/{CODE}/deck-plan?party=30,30,7;30&fits=1&sort=price"),
        Shown("calendar", "cruises/calendar?party=30,30"),
        Shown("comparison", f"cruises/compare?s={CODE}&s=PV24-03&s=PV24-05&party=30,30,7"),
        Shown("nothing to compare", "cruises/compare"),
        Shown("my passports", "passports"),
        Shown("my passports, answered", "passports", act="ask for a family"),
        Shown("party that cannot be read", "cruises?party=nobody"),
        Shown("free cabin", f"cruises/{CODE}/cabins/332"),
        Shown("free cabin, no choice made", f"cruises/{CODE}/cabins/332", status=422, act="send nothing"),
        Shown("free cabin, priced for a party in dollars", f"cruises/{CODE}/cabins/332?party=30,7&currency=USD"),
        Shown("free cabin for a part", f"cruises/{CODE}/cabins/332?part={part.key}"),
        Shown("review of a part", f"holds/{partly.reference}/review"),
        Shown("save a price", f"cruises/{CODE}/cabins/332/quote"),
        Shown("save a price, no choice made", f"cruises/{CODE}/cabins/332/quote", status=422, act="send nothing"),
        Shown("saved price", f"quotes/{quote.code}"),
        Shown("held cabin", f"cruises/{CODE}/cabins/330"),
        Shown("booked cabin", f"cruises/{CODE}/cabins/328"),
        Shown("a category", f"cruises/{CODE}/categories/STF"),
        Shown("a category for a part", f"cruises/{CODE}/categories/STF?part={part.key}"),
        Shown("option", f"reservations/{option.reference}", PASSENGER),
        Shown("another cabin for late money", f"bookings/{too_late.reference}/late-money"),
        Shown("cruise sold out", "cruises/PV24-04"),
        Shown("waiting list", "cruises/PV24-04/waiting-list"),
        Shown("waiting list, all wrong", "cruises/PV24-04/waiting-list", status=422, act="send nothing"),
        Shown("waiting list of a sailing not on sale", "cruises/PV24-03/waiting-list"),
        Shown("waiting list of a part", f"cruises/PV24-04/waiting-list?part={line.for_part.wishes[0].part.key}"),
        Shown("place in line", f"waiting-list/{line.passed.reference}"),
        Shown("place in line for a part", f"waiting-list/{line.for_part.reference}"),
        Shown("place in line with an offer", f"waiting-list/{line.offered.reference}"),
        Shown("place left", f"waiting-list/{line.gone.reference}"),
        Shown("offer", f"offers/{line.offer.reference}/{offer_token(line.offer)}"),
        Shown("offer over", f"offers/{line.declined.reference}/{offer_token(line.declined)}/decline"),
        Shown("about", "about"),
        Shown("terms", "terms"),
        Shown("privacy", "privacy"),
        Shown("passengers", f"holds/{fresh.reference}/passengers"),
        Shown("passengers, all wrong", f"holds/{fresh.reference}/passengers", status=422, act="send nothing"),
        Shown("review", f"holds/{draft.reference}/review"),
        Shown("review, all wrong", f"holds/{draft.reference}/review", status=422, act="send nothing"),
        Shown("hold over", f"holds/{over.reference}/passengers", status=409),
        Shown("pay", f"bookings/{unpaid.reference}/pay"),
        Shown("waiting for the payment", f"bookings/{waiting.reference}/pay/return"),
        Shown("desk", f"bookings/{waiting.reference}/desk"),
        Shown("booking to pay", f"bookings/{unpaid.reference}"),
        Shown("booking too late", f"bookings/{late.reference}"),
        Shown("find booking", "find-booking"),
        Shown("sign in", "sign-in"),
        Shown("sign in, wrong", "sign-in", status=422, act="send nothing"),
        Shown("sign up", "sign-up"),
        Shown("sign up, wrong", "sign-up", status=422, act="send nothing"),
        Shown("forgotten password", "forgotten-password"),
        Shown("choose password", f"new-password/{password_token(customer)}"),
        Shown("link expired", "new-password/nonsense", status=409),
        Shown("not found", "cruises/NOPE", status=404),
        Shown("wrong method", f"bookings/{b}/claim", status=405),
        Shown("stale form", "find-booking", status=400, act="lose the session"),
        Shown("transfer", f"bookings/{t}/transfer", CUSTOMER),
        Shown("pay in another way", f"bookings/{t}/pay", CUSTOMER),
        Shown("booking awaiting a transfer", f"bookings/{t}", CUSTOMER),
        Shown("booking", f"bookings/{b}", CUSTOMER),
        Shown("booking cancelled", f"bookings/{cancelled.reference}", CUSTOMER),
        Shown("booking with money that does not fit", f"bookings/{odd.reference}", CUSTOMER),
        Shown("pay, with plans to choose from", f"bookings/{to_choose.reference}/pay", CUSTOMER),
        Shown("pay, nothing chosen", f"bookings/{to_choose.reference}/pay", CUSTOMER, 422, "send nothing"),
        Shown("pay the next part", f"bookings/{in_parts.reference}/pay", CUSTOMER),
        Shown("several payers", f"bookings/{divided.reference}/payers", CUSTOMER),
        Shown("several payers, all wrong", f"bookings/{divided.reference}/payers", CUSTOMER, 422, "send nothing"),
        Shown("one of several payers", f"bookings/{divided.reference}/payers/{share.reference}", CUSTOMER),
        Shown("booking with several payers", f"bookings/{divided.reference}", CUSTOMER),
        Shown("share to pay", f"shares/{share.reference}", PASSENGER),
        Shown("share as a gift", f"shares/{gift.reference}", PASSENGER),
        Shown("share paid", f"shares/{paid.reference}", PASSENGER),
        Shown("transfer of a share", f"shares/{share.reference}/transfer", PASSENGER),
        Shown("booking in parts", f"bookings/{in_parts.reference}", CUSTOMER),
        Shown("booking whose price is not locked", f"bookings/{unlocked.reference}", CUSTOMER),
        Shown("new price", f"bookings/{unlocked.reference}/new-price", CUSTOMER),
        Shown("booking with a dispute", f"bookings/{disputed.reference}", CUSTOMER),
        Shown("staff booking with a dispute", f"staff/bookings/{disputed.reference}", staff.role),
        Shown("booking cancelled, costs not settled", f"bookings/{settled.reference}", CUSTOMER),
        Shown("statement of account", f"bookings/{cancelled.reference}/statement", CUSTOMER),
        Shown("statement of account with money that does not fit", f"bookings/{odd.reference}/statement", CUSTOMER),
        Shown("cancel", f"bookings/{b}/cancel", CUSTOMER),
        Shown("cancel without a tick", f"bookings/{b}/cancel", CUSTOMER, 422, "send nothing"),
        Shown("what can be changed", f"bookings/{b}/change", CUSTOMER),
        Shown("another cabin", f"bookings/{b}/change/cabin/328", CUSTOMER),
        Shown("another cabin, the sums", f"bookings/{b}/change/cabin/328?to=332", CUSTOMER),
        Shown("another sailing", f"bookings/{b}/change/sailing", CUSTOMER),
        Shown("another sailing, the sums", f"bookings/{b}/change/sailing?to=PV24-07", CUSTOMER),
        Shown("cancel a cabin", f"bookings/{two_cabins.reference}/change/cabin/345/cancel", CUSTOMER),
        Shown("booking with a number that comes later", f"bookings/{numberless.reference}", CUSTOMER),
        Shown("cancel a passenger", f"bookings/{b}/change/passengers/2/cancel", CUSTOMER),
        Shown("add a passenger", f"bookings/{b}/change/passengers/add", CUSTOMER),
        Shown("add a passenger, all wrong", f"bookings/{b}/change/passengers/add", CUSTOMER, 422, "send nothing"),
        Shown("correct a name", f"bookings/{b}/change/name/1", CUSTOMER),
        Shown("details of a passenger", f"bookings/{b}/passengers/1", CUSTOMER),
        Shown("own details", f"passengers/{own.reference}", PASSENGER),
        Shown("own papers to print", f"passengers/{own.reference}/papers/print", PASSENGER),
        Shown("own paper", f"passengers/{own.reference}/papers/{own.reference}-passport", PASSENGER),
        Shown("new companion", "account/companions/new", CUSTOMER),
        Shown("companions", "account/companions", CUSTOMER),
        Shown("companion", f"account/companions/{friend.reference}", CUSTOMER),
        Shown("companion, all wrong", "account/companions/new", CUSTOMER, 422, "send nothing"),
        Shown("my bookings", "my-bookings", CUSTOMER),
        Shown("account", "account/profile", CUSTOMER),
        Shown("agency", "agency", CUSTOMER),
        Shown("papers", f"bookings/{b}/papers", CUSTOMER),
        Shown("papers to print", f"bookings/{b}/papers/print", CUSTOMER),
        Shown("paper in review", f"bookings/{b}/papers/{slug(new)}", CUSTOMER),
        Shown("paper sent back", f"bookings/{b}/papers/{slug(back)}", CUSTOMER),
        Shown("paper without a file", f"bookings/{b}/papers/{slug(back)}", CUSTOMER, 422, "send nothing"),
        Shown("paper accepted", f"bookings/{b}/papers/{slug(done)}", CUSTOMER),
        Shown("cruise cancelled", "cruises/PV24-06"),
        Shown("cruise postponed", "cruises/PV24-05"),
        Shown("booking postponed", f"bookings/{moved.booking.reference}", CUSTOMER),
        Shown("change postponed", f"bookings/{moved.booking.reference}/{CHOICES}", CUSTOMER),
        Shown("change, no choice", f"bookings/{moved.booking.reference}/{CHOICES}", CUSTOMER, 422, "send nothing"),
        Shown("change cancelled", f"bookings/{gone.booking.reference}/{CHOICES}", CUSTOMER),
        Shown("not allowed", "staff/", CUSTOMER, 403),
        Shown("staff", "staff/", staff.role),
        Shown("staff sailings", "staff/sailings", staff.role),
        Shown("staff sailing", f"staff/sailings/{CODE}", staff.role),
        Shown("staff stop sailing", f"staff/sailings/{CODE}/stop", staff.role),
        Shown("staff stop sailing, wrong", f"staff/sailings/{CODE}/stop", staff.role, 422, "send nothing"),
        Shown("staff stop preview", f"staff/sailings/{CODE}/stop", staff.role, act="see what would follow"),
        Shown("staff operation postponed", f"staff/operations/{moved.operation.reference}", staff.role),
        Shown("staff operation cancelled", f"staff/operations/{gone.operation.reference}", staff.role),
        Shown("staff calls", f"staff/sailings/{CODE}/calls", staff.role),
        Shown("staff parts", f"staff/sailings/{CODE}/parts?part={part.key}", staff.role),
        Shown("staff parts, wrong", f"staff/sailings/{CODE}/parts", staff.role, 422, "send nothing"),
        Shown("staff fares", f"staff/sailings/{CODE}/fares", staff.role),
        Shown("staff fares in dollars", f"staff/sailings/{CODE}/fares?currency=USD", staff.role),
        Shown("staff promotions", "staff/promotions", staff.role),
        Shown("staff promotions, all wrong", "staff/promotions", staff.role, 422, "send nothing"),
        Shown("staff agencies", "staff/agencies", staff.role),
        Shown("staff agencies, all wrong", "staff/agencies", staff.role, 422, "send nothing"),
        Shown("staff agency", f"staff/agencies/{agency.reference}", staff.role),
        Shown("staff plans", "staff/plans", staff.role),
        Shown("staff plans, all wrong", "staff/plans", staff.role, 422, "send nothing"),
        Shown("staff booking in parts", f"staff/bookings/{in_parts.reference}/parts", staff.role),
        Shown("staff more time, wrong", f"staff/bookings/{in_parts.reference}/parts", staff.role, 422, "send nothing"),
        Shown("staff costs", f"staff/cancellations/{settled.reference}", staff.role),
        Shown("staff costs, wrong", f"staff/cancellations/{settled.reference}", staff.role, 422, "send nothing"),
        Shown("staff reservations", f"staff/sailings/{CODE}/reservations", staff.role),
        Shown("staff guarantee cabins", f"staff/sailings/{CODE}/guarantee-cabins", staff.role),
        Shown("staff readiness", f"staff/sailings/{CODE}/readiness?skip=TMKRW", staff.role),
        Shown("staff visas", f"staff/sailings/{CODE}/visas", staff.role),
        Shown("staff visa case", f"staff/visa-cases/{case.reference}", staff.role),
        Shown("staff visa case, wrong", f"staff/visa-cases/{case.reference}", staff.role, 422, "send nothing"),
        Shown("staff review load", "staff/reviews/load", staff.role),
        Shown("staff waiver", f"staff/reviews/papers/{slug(new)}/waive", staff.role),
        Shown("staff waiver, wrong", f"staff/reviews/papers/{slug(new)}/waive", staff.role, 422, "send nothing"),
        Shown("staff cabins", f"staff/sailings/{CODE}/cabins?deck=middle", staff.role),
        Shown("staff waiting list", "staff/sailings/PV24-04/waiting-list", staff.role),
        Shown("staff bookings", "staff/bookings", staff.role),
        Shown("staff booking", f"staff/bookings/{b}", staff.role),
        Shown("staff payments", "staff/payments", staff.role),
        Shown("staff desk", f"staff/bookings/{waiting.reference}/desk", staff.role),
        Shown("staff desk, wrong", f"staff/bookings/{waiting.reference}/desk", staff.role, 422, "send nothing"),
        Shown("staff payment", f"staff/payments/{p}", staff.role),
        Shown("transfer of which a part has come", f"bookings/{short.reference}/transfer", CUSTOMER),
        Shown("your data", "account/data", CUSTOMER),
        Shown("your data of a booking", f"bookings/{waiting.reference}/data"),
        Shown("booking of which a part has come", f"bookings/{short.reference}", CUSTOMER),
        Shown("staff entry rules", "staff/rules?country=TM", staff.role),
        Shown("staff new entry rule", "staff/rules/new", staff.role),
        Shown("staff entry rule", f"staff/rules/{rules.rule}", staff.role),
        Shown("staff history of a rule", "staff/rules/history/TM/RU", staff.role),
        Shown("staff change of rules", f"staff/rules/proposals/{rules.proposal}", staff.role),
        Shown("staff file of rules", "staff/rules/file", staff.role),
        Shown("staff file of rules, no file", "staff/rules/file", staff.role, 422, "send nothing"),
        Shown("staff reconciliation", "staff/reconciliation", staff.role),
        Shown("staff statements", "staff/statements", staff.role),
        Shown("staff statements, no file", "staff/statements", staff.role, 422, "send nothing"),
        Shown("staff statement before it is taken over", f"staff/statements/{money.preview}", staff.role),
        Shown("staff statement", f"staff/statements/{money.taken}", staff.role),
        Shown("staff money to decide about", f"staff/statements/lines/{money.waiting}", staff.role),
        Shown("staff money, wrong", f"staff/statements/lines/{money.waiting}", staff.role, 422, "send nothing"),
        Shown("staff money to send back", f"staff/statements/lines/{money.returning}", staff.role),
        Shown("staff payment, wrong", f"staff/payments/{p}", staff.role, 422, "send nothing"),
        Shown("staff journal", "staff/ledger?account=guest", staff.role),
        Shown("staff balances", "staff/ledger/balances", staff.role),
        Shown("staff money papers", "staff/ledger/documents", staff.role),
        Shown("staff exchange rates", "staff/ledger/rates", staff.role),
        Shown("staff exchange rates, wrong", "staff/ledger/rates", staff.role, 422, "send nothing"),
        Shown("staff export", "staff/ledger/export", staff.role),
        Shown("staff check of the books", "staff/ledger/check", staff.role),
        Shown("filed lists", f"staff/sailings/{CODE}/lists", staff.role),
        Shown("changes asked for", "staff/changes", staff.role),
        Shown("queue", "staff/reviews?state=all", staff.role),
        Shown("bench", f"staff/reviews/{new.reference}", staff.role),
        Shown("bench, sending back", f"staff/reviews/{new.reference}", staff.role, 422, "send back without a reason"),
        Shown("bench, decided", f"staff/reviews/{back.reference}", staff.role),
        Shown("audit", "staff/audit", staff.role),
        Shown("colleagues", "staff/accounts", staff.role),
        Shown("colleagues, wrong", "staff/accounts", staff.role, 422, "send nothing"),
    )
    cookies = {
        GUEST: guest.cookie(
            grants=[entry.reference for entry in (line.passed, line.offered, line.gone, line.for_part)]
        ),
        CUSTOMER: owner.cookie(customer),
        PASSENGER: Visitor(app, "passenger-of-the-gallery", sailing, language).cookie(
            grants=[
                f"passenger.{own.reference}.{own.link_version}",
                f"reservation:{option.reference}",
                *(f"share.{one.reference}.{one.link_version}" for one in asked),
            ]
        ),
        staff.role: owner.cookie(staff),
    }
    return Gallery(tuple(pages), cookies)


class Guide:
    """Opens each page of the gallery as the one who may see it."""

    def __init__(
        self,
        visit: Any,
        house: Any,
        gallery: Gallery,
        language: str,
        *,
        width: int = 1440,
        script: Path | None = None,
    ) -> None:
        self.gallery, self.language = gallery, language
        self.windows = {}
        for who, cookie in gallery.cookies.items():
            page = visit(language, width=width, bypass_csp=script is not None, reduced_motion="reduce")
            if script is not None:  # to look with; the policy of every page forbids scripts from outside
                page.context.add_init_script(path=script)
            page.context.add_cookies([{"name": "session", "value": cookie, "url": house.address}])
            self.windows[who] = page

    def open(self, shown: Shown) -> Any:
        page = self.windows[shown.who]
        answer = page.goto(f"/{self.language}/{shown.path}")
        if shown.act:
            cookies = page.context.cookies()
            if shown.act == "lose the session":
                page.context.clear_cookies(name="session")
            form = "main form[method=post]:not(#price-form):has(:is(input:not([type=hidden]), select))"
            if shown.act == "see what would follow":
                page.locator("[name=days]").fill("1")
                for code, why in REASON.by_locale.items():
                    page.locator(f"[name=reason_{code}]").fill(why)
            if shown.act == "ask for a family":
                for place, country in enumerate(("RU", "DE", "AM"), 1):
                    page.locator(f"#citizenship-{place}").select_option(country)
            with page.expect_navigation() as sent:
                # What the form chose for the reader is no choice; "postpone" is one where it is asked for.
                page.locator(form).first.evaluate(
                    "(form, wanted) => { form.querySelectorAll('[type=radio]')"
                    ".forEach(radio => radio.checked = radio.value === wanted); form.submit() }",
                    "postpone" if shown.act == "see what would follow" else None,
                )
            answer = sent.value
            page.context.add_cookies(cookies)
        assert answer.status == shown.status, f"{shown.name}: {answer.status}"
        return page


@dataclass
class Visitor:
    """Somebody with a browser, acting through the services; `cookie` is what that browser then shows."""

    app: Flask
    key: str
    sailing: Sailing
    language: str
    account: Account | None = None

    @property
    def holder(self) -> str:
        return hashlib.sha256(self.key.encode()).hexdigest()

    def hold(self, number: str, moment: datetime, part_id: int | None = None) -> Occupancy:
        # Each cabin as a visitor of its own, for one may hold few; all of them are this one in the end.
        hold = hold_cabin(
            sailing_id=self.sailing.id,
            cabin_id=cabin_of(number).id,
            party=2,
            holder=number,
            now=moment,
            part_id=part_id,
        )
        with transaction():
            hold.holder = self.holder
        return hold

    def name(self, hold: Occupancy, moment: datetime) -> Booking:
        return name_passengers(
            parties={
                hold.id: (
                    details(local_surname=None, local_given_names=None),
                    details(
                        surname="BERDIYEV",
                        given_names="MERET",
                        local_surname="Berdiýew",
                        local_given_names="Meret",
                        birth_date=date(1983, 3, 3),
                        sex=Sex.MALE,
                        citizenship="TM",
                    ),
                ),
            },
            customer_id=self.account.id if self.account else None,
            language=self.language,
            now=moment,
        )

    def book(self, number: str, moment: datetime) -> Booking:
        return self.place(self.name(self.hold(number, moment), moment), moment)

    def book_two(self, numbers: Sequence[str], moment: datetime) -> Booking:
        """An adult in each of these cabins."""
        named = name_passengers(
            parties={self.hold(number, moment).id: [details()] for number in numbers},
            customer_id=self.account.id if self.account else None,
            language=self.language,
            now=moment,
        )
        return self.place(named, moment)

    def place(self, named: Booking, moment: datetime) -> Booking:
        return place_booking(
            booking_id=named.id,
            contact_name="Anna Ivanova",
            contact_email="anna@example.org",
            contact_phone="+7 900 1234567",
            terms_version="t1",
            consent_version="c1",
            now=moment,
        )

    def cookie(self, account: Account | None = None, grants: Sequence[str] = ()) -> str:
        client = self.app.test_client()

        def sign() -> str:
            with client.session_transaction() as session:
                session["visitor"], session["grants"] = self.key, list(grants)
                if account is not None:
                    session["_user_id"], session["_fresh"] = identity, True
            return str(client.get_cookie("session").value)

        identity = account.get_id() if account else ""
        return Context().run(sign)


REASON = LocalizedText({"ru": "Ремонт винта", "tk": "Winti abatlamak", "en": "Repair of the propeller"})


def stopped_sailing(
    code: str, kind: OperationKind, guest: Visitor, staff: Account, moment: datetime
) -> OperationCase:
    """A paid booking of a sailing that is then cancelled or postponed by a day; its guest has been told."""
    sailing = db.session.scalars(select(Sailing).filter_by(code=code)).one()
    booking = replace(guest, sailing=sailing).book("340", moment)
    receive_transfer(payment_id=awaited(booking, moment).id, account=staff, now=moment)
    operation = stop(
        sailing_id=sailing.id,
        kind=kind,
        typed_code=code,
        seen=seal(sailing, standings(sailing.id)),
        reason=REASON,
        days=1,
        decide_days=14,
        account=staff,
        now=moment,
    )
    carry_out(moment)
    return operation.cases[0]


@dataclass(frozen=True)
class InLine:
    """Parties in line for a sailing that is sold out, in every state."""

    passed: WaitingEntry  # too large for the cabins that became free
    offered: WaitingEntry
    gone: WaitingEntry
    for_part: WaitingEntry  # of the voyage
    offer: WaitingOffer  # open
    declined: WaitingOffer


def stand_in_line(sailing: Sailing, language: str, moment: datetime) -> InLine:
    """Closes every cabin of the sailing, puts parties in line and frees two small cabins."""
    cabins = db.session.scalars(select(Cabin).filter_by(ship_id=sailing.ship_id).order_by(Cabin.number)).all()
    closed = [close_cabin(sailing_id=sailing.id, cabin_id=one.id, reason="charter", now=moment) for one in cabins]
    part = offer_part(
        sailing_id=sailing.id, embark=1, disembark=2, percent=40, mark="proposed", on_sale=True, now=moment
    )
    parties = [
        join_line(
            sailing_ids=[sailing.id],
            part_ids={sailing.id: part.id} if number == 3 else {},
            party=party,
            infants=0,
            category=None,
            name="Anna Ivanova",
            email=f"line{number}@example.org",
            language=language,
            consent_version="c1",
            now=moment,
        )
        for number, party in enumerate((3, 2, 2, 1))
    ]
    small = [hold for hold in closed if hold.cabin.sleeps == 2]
    declined = _offer(small[0], moment)
    decline_offer(offer_id=declined.id, leave=True, now=moment)
    offer = _offer(small[1], moment)
    return InLine(parties[0], offer.entry, declined.entry, parties[3], offer, declined)


def _offer(closed: Occupancy, moment: datetime) -> WaitingOffer:
    """The offer that is made once this cabin is free."""
    release(occupancy_id=closed.id, now=moment)
    serve_line(sailing_id=closed.sailing_id, now=moment)
    return db.session.scalars(select(WaitingOffer).order_by(WaitingOffer.id.desc()).limit(1)).one()


def awaited(booking: Booking, moment: datetime) -> Payment:
    """The bank transfer that now pays for it."""
    reference = start_transfer(booking_id=booking.id, now=moment)
    return db.session.scalars(select(Payment).filter_by(reference=reference)).one()


def with_new_price(owner: Visitor, moment: datetime) -> Booking:
    """Ten per cent are paid, the price is locked at thirty, and the lists have changed."""
    plan = offer_plan(
        code="gallery",
        percent=10,
        per_person=None,
        steps=[{"days": 40, "weight": 1}, {"days": 30, "weight": 1}],
        lock_percent=30,
        mark="proposed",
        account=None,
        now=moment,
    )
    booking = owner.book("328", moment)
    choose_plan(booking_id=booking.id, plan_id=plan.id, now=moment)
    end_plan(plan_id=plan.id, now=moment)
    payment = awaited(booking, moment)
    receive_money(payment_id=payment.id, amount=payment.amount, payment_intent=None, now=moment)
    with transaction() as session:
        session.add(
            PriceOffer(
                booking_id=booking.id,
                before_minor=booking.price.minor,
                after_minor=booking.price.minor + 20_000_00,
                made_at=moment,
                answer_by=moment + timedelta(days=14),
            )
        )
    return booking


def with_dispute(owner: Visitor, moment: datetime) -> Booking:
    """Paid by card; the guest's bank has taken the money back until it has heard both."""
    booking = owner.book("329", moment)
    with transaction() as session:
        payment = Payment(
            booking_id=booking.id,
            method=Method.CARD,
            provider="stripe",
            state=PaymentState.OPEN,
            amount_minor=booking.price.minor,
            currency=booking.currency,
            made_at=moment,
            session_id="cs_gallery",
        )
        session.add(payment)
    receive_money(payment_id=payment.id, amount=booking.price, payment_intent="pi_gallery", now=moment)
    told = DisputeState(
        id="dp_gallery",
        payment_intent="pi_gallery",
        status=DisputeStatus.ANSWER_NEEDED,
        reason="fraudulent",
        amount=booking.price,
        withdrawn=True,
        answer_by=moment + timedelta(days=7),
    )
    note_dispute(name="stripe", state=told, now=moment)
    return booking


def cabin_of(number: str) -> Cabin:
    return db.session.scalars(select(Cabin).filter_by(number=number)).one()


def hand_in(booking: Booking, reviewer: Account, moment: datetime) -> tuple[Submission, Submission, Submission]:
    """A document that waits, one that was sent back, one that was accepted."""
    items = db.session.scalars(
        select(ChecklistItem)
        .where(ChecklistItem.passenger_id.in_([one.id for one in booking.passengers]))
        .order_by(ChecklistItem.key.desc(), ChecklistItem.id)
    ).all()
    handed: list[Submission] = []
    for item in items:
        if item.supplier is Supplier.GUEST and len(handed) < 3:
            handed.append(submit_document(item_id=item.id, content=jpeg((900, 640)), now=moment))
    new, back, done = handed
    send_back(submission_id=back.id, reviewer=reviewer, reason=ReturnReason.BLURRED, note=None, now=moment)
    accept(submission_id=done.id, reviewer=reviewer, now=moment)
    return new, back, done


@dataclass(frozen=True)
class Rules:
    rule: int
    proposal: str  # of another, so that whoever looks may decide


def proposed_rule(moment: datetime) -> Rules:
    """That Russians might enter Turkmenistan without a visa."""
    old = next(rule for rule in live() if (rule.destination, rule.nationality) == ("TM", "RU"))
    author = make_account(Role.REVIEWER, name="Ayna Atayeva")
    free = replace(old, id=None, regime=Regime.VISA_FREE, usable_by_sea=SeaAccess.YES)
    proposal = draft(author=author, lines=[Line(old.id, free)], why="The agreement of February", now=moment)
    propose(reference=proposal.reference, account=author, now=moment)
    return Rules(old.id or 0, proposal.reference)


def slug(submission: Submission) -> str:
    return f"{submission.item.passenger.reference}-{submission.item.key}"


@contextmanager
def without_database(app: Any, file: Any) -> Iterator[None]:
    """The database is away, as a disk that is not mounted: nothing in its place can be opened."""
    aside = file.with_name("aside.db")
    db.session.remove()
    db.engine.dispose()
    file.rename(aside)
    file.mkdir()
    try:
        yield
    finally:
        db.session.remove()
        db.engine.dispose()
        file.rmdir()
        aside.rename(file)


@dataclass(frozen=True)
class Statements:
    """References of statements and of money on them, each in a state of its own."""

    preview: str
    taken: str
    waiting: str
    returning: str


def statements_of(owner: Visitor, guest: Visitor, moment: datetime) -> tuple[Booking, Statements]:
    """A booking of which a part has come; statements with money in every state."""
    short, over = owner.book("347", moment), guest.book("348", moment)
    part, more = awaited(short, moment), awaited(over, moment)
    taken = preview_statement(
        content=one_c(
            [
                Sent(part.amount_minor - 500_00, f"Платёж {with_check(part.reference)}"),
                Sent(more.amount_minor + 700_00, f"Платёж {with_check(more.reference)}", document="18"),
                Sent(12_000_00, "Оплата круиза по договору, НДС не облагается", payer="ООО «ТУРИСТ»", document="19"),
                Sent(300_00, "Пополнение", payer="СИДОРОВ ПЁТР", document="20"),
                Sent(400_00, "Перевод", payer="ПЕТРОВ СИДОР", document="21"),
            ]
        ),
        by=None,
        now=moment,
    )
    load_previewed(reference=taken, now=moment)
    waiting, aside, back = db.session.scalars(
        select(BankLine).where(BankLine.document.in_(["19", "20", "21"])).order_by(BankLine.id)
    )
    set_aside(line_id=aside.id, now=moment)
    send_money_back(line_id=back.id, now=moment)
    preview = preview_statement(
        content=table([Sent(500_00, with_check(part.reference)), Sent(900_00, "за каюту", document="22")]),
        by=None,
        now=moment,
    )
    return short, Statements(preview, taken, waiting.reference, back.reference)
