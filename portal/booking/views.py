"""From the held cabin to the booking, and the booking's own pages."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.accounts import drafts
from portal.accounts.access import Permission, access, current_account, public, signed_in
from portal.booking import queries, services
from portal.booking.access import let_in, open_by_link, visitor_booking, visitor_hold
from portal.booking.companions import companions_of, remember_passengers, use_companion
from portal.booking.documents import calendar, voucher
from portal.booking.forms import FindBookingForm, PassengersForm, PriceForm, ReviewForm
from portal.booking.labels import (
    BOOKING_CHANGE_STATES,
    BOOKING_CHANGE_TONES,
    BOOKING_CHANGES,
    BOOKING_STATES,
    BOOKING_TONES,
    TRAVEL_STATES,
    TRAVEL_TONES,
)
from portal.booking.models import BookingState, DocumentKind, Sex
from portal.booking.prices import change_price, draft_price
from portal.booking.services import PassengerDetails
from portal.extensions import limiter
from portal.inventory.errors import AlreadyLengthened, HoldOver
from portal.inventory.models import OccupancyState
from portal.inventory.services import lengthen_hold
from portal.kernel.clock import now, today
from portal.kernel.errors import NotFound, Refused
from portal.kernel.forms import FlaskForm
from portal.kernel.parts import parts
from portal.pricing.errors import CurrencyNotSold, PromotionRefused
from portal.pricing.policy import DEFAULT_POLICY, cancel_steps
from portal.web.locale import PREFIX, language
from portal.web.versions import CONSENT_VERSION, TERMS_VERSION

CODES_TRIED = "20 per hour; 60 per day"  # codes are not to be guessed

bp = Blueprint("booking", __name__, url_prefix=PREFIX)


def _open_hold(reference: str) -> queries.HoldPage:
    """Raises NotFound, or HoldOver once its time is over."""
    hold = visitor_hold(reference)
    if hold.state is not OccupancyState.HELD or hold.overdue_at(now()):
        raise HoldOver
    return queries.hold_page(hold, now())


@bp.errorhandler(HoldOver)
def hold_over(refusal: HoldOver) -> ResponseReturnValue:
    """Say what happened and lead back to the plan of the same sailing."""
    reference = (request.view_args or {}).get("reference", "")
    page = queries.hold_page(visitor_hold(reference), now())
    if page.booking_state is BookingState.CONFIRMED:  # the way back from a booking that is done
        return redirect(url_for(".booking", reference=page.booking_reference))
    typed = drafts.kept("passengers", page.sailing.code) is not None
    return render_template("booking/hold_over.html", page=page, message=refusal.message, typed=typed), 409


@bp.route("/holds/<string:reference>/passengers", methods=["GET", "POST"])
@public
def passengers(reference: str) -> ResponseReturnValue:
    page = _open_hold(reference)
    if page.booking_state not in (None, BookingState.DRAFT):
        return redirect(url_for(".booking", reference=page.booking_reference))
    draft = drafts.resume("passengers", page.sailing.code)  # for all cabins, and for the next if these run out
    if draft is not None and draft.sent and page.booking_id is not None:
        draft = None
    if draft is not None:
        form = PassengersForm(formdata=draft.typed)
        form.make_room([(held.reference, held.party) for held in page.held])
    else:
        form = PassengersForm(data=None if request.method == "POST" else _typed_before(page))
    if _changes_party(form):
        form.prepare(_cabins(page), language(), today())
        return _passengers_page(page, form)
    form.prepare(_cabins(page), language(), today())
    if _asks_for_time():
        page = _with_more_time(page, form)
    elif form.validate_on_submit():
        account = signed_in()
        try:
            services.name_passengers(
                parties={
                    held.hold_id: [
                        _details(entry.form.data)
                        for entry in form.passengers
                        if entry.form.cabin.data == held.reference
                    ]
                    for held in page.held
                },
                customer_id=account.id if account and not account.is_staff else None,
                language=language(),
                now=now(),
                minors_waiver=form.minors_waiver.data,
            )
        except HoldOver:
            raise
        except Refused as refusal:
            form.form_errors.append(refusal.message)
        else:
            drafts.mark_sent("passengers", page.sailing.code)
            return redirect(url_for(".review", reference=reference))
    return _passengers_page(page, form, draft)


def _passengers_page(
    page: queries.HoldPage, form: PassengersForm, draft: drafts.Draft | None = None
) -> ResponseReturnValue:
    account = signed_in()
    shown = render_template(
        "booking/passengers.html",
        page=page,
        form=form,
        draft=draft,
        left=page.seconds_left(now()),
        companions=companions_of(account.id) if account else (),
    )
    return shown, 422 if form.errors else 200


def _cabins(page: queries.HoldPage) -> list[tuple[str, str]]:
    return [(held.reference, held.number) for held in page.held]


def _changes_party(form: PassengersForm) -> bool:
    """One passenger more or fewer, or one filled in: asked by a button that sends what is typed so far along."""
    if request.method != "POST":
        return False
    if "add" in request.form:
        form.add(request.form["add"])
    elif "remove" in request.form:
        form.remove(request.form.get("remove", -1, int))
    elif "fill" in request.form:
        _fill(form, request.form.get("fill", -1, int))
    else:
        return False
    return True


def _fill(form: PassengersForm, place: int) -> None:
    """Somebody from the customer's own list takes this place of the form; nobody, while nobody was chosen."""
    account = signed_in()
    chosen = request.form.get(f"companion-{place}")
    if account is not None and chosen and 0 <= place < len(form.passengers):
        form.passengers[place].form.fill(use_companion(account_id=account.id, reference=chosen, now=now()))


def _asks_for_time() -> bool:
    """The button that asks for more time sends what is typed so far along, so that none of it is lost."""
    return request.method == "POST" and "longer" in request.form


def _with_more_time(page: queries.HoldPage, form: FlaskForm) -> queries.HoldPage:
    lengthened = 0
    for held in page.held:
        with suppress(AlreadyLengthened):
            lengthen_hold(occupancy_id=held.hold_id, now=now())
            lengthened += 1
    if not lengthened:
        form.form_errors.append(AlreadyLengthened.message)
    return _open_hold(page.reference)


def _typed_before(page: queries.HoldPage) -> dict[str, Any]:
    """Who was named, and an empty part for each other person that a cabin is held for."""
    fields = PassengerDetails.__dataclass_fields__
    named = queries.named_passengers(page.booking_id) if page.booking_id is not None else ()
    by_cabin: dict[int, list[dict[str, Any]]] = {held.cabin_id: [] for held in page.held}
    for one in named:
        if one.cabin_id in by_cabin:
            by_cabin[one.cabin_id].append({name: getattr(one, name) for name in fields})
    entries = []
    for held in page.held:
        typed = by_cabin[held.cabin_id]
        entries += [{**one, "cabin": held.reference} for one in typed]
        entries += [{"cabin": held.reference}] * (held.party - len(typed))
    return {"passengers": entries}


def _details(data: dict[str, Any]) -> PassengerDetails:
    return PassengerDetails(
        surname=data["surname"],
        given_names=data["given_names"],
        local_surname=data["local_surname"] or None,
        local_given_names=data["local_given_names"] or None,
        patronymic=data["patronymic"] or None,
        birth_date=data["birth_date"],
        sex=Sex(data["sex"]) if data["sex"] else None,
        citizenship=data["citizenship"],
        document_kind=DocumentKind(data["document_kind"]) if data["document_number"] else None,
        document_number=data["document_number"] or None,
        document_expires=data["document_expires"],
        birth_place=data["birth_place"] or None,
    )


@bp.route("/holds/<string:reference>/review", methods=["GET", "POST"])
@public
def review(reference: str) -> ResponseReturnValue:
    hold = _open_hold(reference)
    if hold.booking_id is not None and hold.booking_state is not BookingState.DRAFT:
        return redirect(url_for(".booking", reference=hold.booking_reference))
    if hold.booking_id is None or not hold.named:
        return redirect(url_for(".passengers", reference=reference))
    page = queries.booking_page(hold.booking_id)
    account = signed_in()
    draft = drafts.resume("review", page.sailing.code)
    form = ReviewForm(formdata=draft.typed) if draft else ReviewForm(data=_known_contact())
    if _asks_for_time():
        hold = _with_more_time(hold, form)
    elif form.validate_on_submit():
        try:
            placed = services.place_booking(
                booking_id=page.id,
                contact_name=form.contact_name.data,
                contact_email=form.contact_email.data,
                contact_phone=form.contact_phone.data,
                terms_version=TERMS_VERSION,
                consent_version=CONSENT_VERSION,
                now=now(),
            )
        except HoldOver:
            raise
        except Refused as refusal:
            form.form_errors.append(refusal.message)
        else:
            let_in(placed)
            for done in ("passengers", "review"):
                drafts.discard(done, page.sailing.code)
            if account is not None and not account.is_staff and form.remember.data:
                remember_passengers(account_id=account.id, passengers=placed.passengers, now=now())
            return redirect(url_for("payments.pay", reference=page.reference))
    return _review_page(hold, page, form, PriceForm.of(draft_price(page.id), formdata=None), draft)


def _known_contact() -> dict[str, str]:
    account = signed_in()
    return {"contact_name": account.name, "contact_email": account.email} if account else {}


def _review_page(
    hold: queries.HoldPage,
    page: queries.BookingPage,
    form: ReviewForm,
    price_form: PriceForm,
    draft: drafts.Draft | None,
) -> ResponseReturnValue:
    account = signed_in()
    return (
        render_template(
            "booking/review.html",
            page=page,
            hold=hold,
            form=form,
            price_form=price_form,
            draft=draft,
            left=hold.seconds_left(now()),
            cancel_steps=cancel_steps(DEFAULT_POLICY, page.price, page.start_day),  # pinned when it is placed
            day=page.day_at(now()),
            may_remember=account is not None and not account.is_staff,
            terms_version=TERMS_VERSION,
            consent_version=CONSENT_VERSION,
        ),
        422 if form.errors or price_form.errors else 200,
    )


@bp.route("/holds/<string:reference>/price", methods=["GET", "POST"])
@public
@limiter.limit(CODES_TRIED, methods=["POST"])
def price(reference: str) -> ResponseReturnValue:
    """The currency to pay in and a promotion code; a page of its own only while something in it is to be mended."""
    hold = _open_hold(reference)
    back = redirect(url_for(".review", reference=reference, _anchor="price"))
    if request.method == "GET" or hold.booking_id is None or hold.booking_state is not BookingState.DRAFT:
        return back
    present = draft_price(hold.booking_id)
    price_form = PriceForm.of(present)
    if price_form.validate_on_submit():
        try:
            change_price(
                booking_id=hold.booking_id, currency=price_form.currency.data, code=price_form.code.data, now=now()
            )
        except CurrencyNotSold as refusal:
            price_form.form_errors.append(refusal.message)
        except PromotionRefused as refusal:
            price_form.code.errors = [refusal.message]
        else:
            return back
    page = queries.booking_page(hold.booking_id)
    draft = drafts.kept("review", page.sailing.code)
    form = ReviewForm(formdata=draft.typed if draft else None, data=_known_contact())
    return _review_page(hold, page, form, price_form, draft)


@bp.post("/holds/<string:reference>/release")
@public
def release_hold(reference: str) -> ResponseReturnValue:
    hold = visitor_hold(reference)
    page = queries.hold_page(hold, now())
    services.let_go(hold_id=hold.id, now=now())
    flash(_("The cabin is free again."), "info")
    others = [held.reference for held in page.held if held.hold_id != hold.id]
    if others and page.booking_state in (None, BookingState.DRAFT):
        return redirect(url_for(".passengers", reference=others[0]))
    return redirect(url_for("inventory.deck_plan", code=page.sailing.code, part=page.sailing.part_key))


@bp.get("/bookings/<string:reference>")
@public
def booking(reference: str) -> ResponseReturnValue:
    page = queries.booking_page(visitor_booking(reference).id)
    if page.state is BookingState.DRAFT:
        return redirect(url_for(".review", reference=page.cabins[0].occupancy_reference))
    return render_template(
        "booking/booking.html",
        page=page,
        states=BOOKING_STATES,
        tones=BOOKING_TONES,
        moment=now(),
        day=today(),
        travel_states=TRAVEL_STATES,
        travel_tones=TRAVEL_TONES,
        change_kinds=BOOKING_CHANGES,
        change_states=BOOKING_CHANGE_STATES,
        change_tones=BOOKING_CHANGE_TONES,
        **parts("booking", page.id),
        claimable=signed_in() is not None and page.customer_id is None,
    )


@bp.get("/bookings/<string:reference>/open/<string:token>")
@public
@limiter.limit("20 per minute")
def open_booking(reference: str, token: str) -> ResponseReturnValue:
    """The private link: it lets this browser in, and leaves no token in the address."""
    open_by_link(reference, token)
    return redirect(url_for(".booking", reference=reference))


@bp.post("/bookings/<string:reference>/claim")
@access(Permission.ACCOUNT)
def claim(reference: str) -> ResponseReturnValue:
    found = visitor_booking(reference)
    services.claim_booking(booking_id=found.id, account_id=current_account().id, now=now())
    flash(_("The booking is in your account now."), "good")
    return redirect(url_for(".booking", reference=reference))


@bp.route("/find-booking", methods=["GET", "POST"])
@public
@limiter.limit("5 per minute; 30 per hour", methods=["POST"])
def find_booking() -> ResponseReturnValue:
    form = FindBookingForm()
    if form.validate_on_submit():
        services.ask_for_link(reference=form.reference.data, email=form.email.data)
        return render_template("booking/link_sent.html", email=form.email.data)
    return render_template("booking/find_booking.html", form=form), 422 if form.errors else 200


@bp.get("/my-bookings")
@access(Permission.ACCOUNT)
def my_bookings() -> ResponseReturnValue:
    rows = queries.bookings_of(current_account().id)
    return render_template("booking/my_bookings.html", rows=rows, states=BOOKING_STATES, tones=BOOKING_TONES)


def _confirmed(reference: str) -> queries.BookingPage:
    page = queries.booking_page(visitor_booking(reference).id)
    if page.state is not BookingState.CONFIRMED:
        raise NotFound(reference)
    return page


@bp.get("/bookings/<string:reference>/voucher.pdf")
@public
def voucher_pdf(reference: str) -> ResponseReturnValue:
    page = _confirmed(reference)
    return _attachment(voucher(page, language()), "application/pdf", f"voucher-{reference}.pdf")


@bp.get("/bookings/<string:reference>/calendar.ics")
@public
def calendar_ics(reference: str) -> ResponseReturnValue:
    page = _confirmed(reference)
    return _attachment(calendar(page, language()), "text/calendar", f"cruise-{page.sailing.code}.ics")


def _attachment(content: bytes, mimetype: str, name: str) -> Response:
    answer = Response(content, mimetype=mimetype)
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
