"""Changing a booking: choose, look at the sums, agree by one press."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.accounts.access import public
from portal.booking import labels as words
from portal.booking.access import visitor_booking
from portal.booking.changes import Newcomer, Wish, changeable
from portal.booking.errors import ChangeMoved, NotChangeable, PartStays, PassengersClosed
from portal.booking.filing import filed_since, open_request
from portal.booking.models import Booking, BookingChangeState, BookingState, ChangeKind, ChangeRequest, Passenger
from portal.booking.names import CORRECTABLE_LETTERS
from portal.booking.passenger_pages import change_view
from portal.booking.passengers import correct_name
from portal.booking.queries import booking_page, views_of
from portal.catalogue.queries import sailing_view
from portal.extensions import limiter
from portal.kernel.clock import now, today
from portal.kernel.errors import NotFound, Refused
from portal.payments import change_pages
from portal.payments.changes import ChangePreview, agree_to_change, change_preview, give_up_change
from portal.payments.forms import AgreeForm, NameForm, NewcomerForm
from portal.web.locale import PREFIX, language

bp = Blueprint("changes", __name__, url_prefix=f"{PREFIX}/bookings/<string:reference>/change")

# A change that costs more holds a cabin until it is paid: so many from one address.
CHANGES_PER_NETWORK = "30 per 10 minutes"


def _open(reference: str) -> Booking:
    """Raises NotFound for whoever may not see it, NotChangeable where nothing can be changed any more."""
    booking = visitor_booking(reference)
    if booking.state is BookingState.DRAFT:
        raise NotFound(reference)
    if not changeable(booking, now()):
        raise NotChangeable
    return booking


@bp.errorhandler(NotChangeable)
def nothing_to_change(refusal: NotChangeable) -> ResponseReturnValue:
    flash(refusal.message, "info")
    return redirect(url_for("booking.booking", reference=(request.view_args or {})["reference"]))


@bp.get("")
@public
def choose(reference: str) -> ResponseReturnValue:
    booking = visitor_booking(reference)
    if booking.state not in (BookingState.PENDING, BookingState.CONFIRMED) or booking.voyage.departed_at(now()):
        raise NotChangeable
    return render_template("changes/choose.html", page=booking_page(booking.id))


@bp.route("/name/<int:number>", methods=["GET", "POST"])
@public
def name(reference: str, number: int) -> ResponseReturnValue:
    """A slip of the pen; it costs nothing, so there are no sums to look at first. Once filed, staff decide."""
    booking = visitor_booking(reference)
    passenger = _passenger(booking, number)
    form = NameForm(data={"surname": passenger.surname, "given_names": passenger.given_names})
    if form.validate_on_submit():
        try:
            change = correct_name(
                passenger_id=passenger.id, surname=form.surname.data, given_names=form.given_names.data, now=now()
            )
        except PassengersClosed as closed:
            raise NotChangeable from closed
        except Refused as refusal:
            form.form_errors.append(refusal.message)
        else:
            if isinstance(change, ChangeRequest):
                asked = _("Our staff decide about the corrected name and write to you. Until then it stands as filed.")
                flash(asked, "info")
            elif change is not None:
                flash(_("The name is corrected. We have sent you a mail about it."), "good")
            return redirect(url_for("booking.booking", reference=reference))
    status = 422 if form.errors else 200
    return render_template(
        "changes/name.html",
        page=booking_page(booking.id),
        number=number,
        name=passenger.full_name,
        form=form,
        letters=CORRECTABLE_LETTERS,
        filed_at=filed_since(passenger),
        waiting=change_view(waiting) if (waiting := open_request(passenger)) else None,
        words=words,
    ), status


@bp.route("/cabin/<string:cabin>", methods=["GET", "POST"])
@public
@limiter.limit(CHANGES_PER_NETWORK, methods=["POST"])
def cabin(reference: str, cabin: str) -> ResponseReturnValue:
    """Without ?to=…: what is free and what it costs more or less; with it: the sums of that cabin."""
    booking = _open(reference)
    booked = change_pages.booked_cabin(booking, cabin)
    wanted = request.args.get("to", "")
    if wanted:
        target = change_pages.cabin_by_number(booking.sailing.ship_id, wanted)
        wish = Wish(ChangeKind.CABIN, cabins={booked.id: target.id})
        return _agree(booking, wish, url_for(".cabin", reference=reference, cabin=cabin))
    return render_template(
        "changes/cabin.html",
        page=booking_page(booking.id),
        number=cabin,
        category=booked.cabin.category.name,
        choices=change_pages.cabin_choices(booking, booked, now()),
    )


@bp.route("/cabin/<string:cabin>/cancel", methods=["GET", "POST"])
@public
@limiter.limit(CHANGES_PER_NETWORK, methods=["POST"])
def cancel_cabin(reference: str, cabin: str) -> ResponseReturnValue:
    booking = _open(reference)
    booked = change_pages.booked_cabin(booking, cabin)
    if len(booking.cabins) == 1:
        return redirect(url_for("payments.cancel", reference=reference))
    leaving = frozenset(one.id for one in booking.passengers if one.cabin_id == booked.cabin_id)
    return _agree(booking, Wish(ChangeKind.CABIN_CANCELLED, leaving=leaving), url_for(".choose", reference=reference))


@bp.route("/passengers/<int:number>/cancel", methods=["GET", "POST"])
@public
@limiter.limit(CHANGES_PER_NETWORK, methods=["POST"])
def cancel_passenger(reference: str, number: int) -> ResponseReturnValue:
    booking = _open(reference)
    passenger = _passenger(booking, number)
    if len(booking.passengers) == 1:
        return redirect(url_for("payments.cancel", reference=reference))
    wish = Wish(ChangeKind.PASSENGER_CANCELLED, leaving=frozenset({passenger.id}))
    return _agree(booking, wish, url_for(".choose", reference=reference))


@bp.route("/passengers/add", methods=["GET", "POST"])
@public
@limiter.limit(CHANGES_PER_NETWORK, methods=["POST"])
def add_passenger(reference: str) -> ResponseReturnValue:
    """Who joins; then the sums; then the press that sends both along."""
    booking = _open(reference)
    form = NewcomerForm()
    form.prepare([view.number for view in views_of(booking).values()], language(), today())
    status = 200
    if form.validate_on_submit():
        born: date | Any = form.birth_date.data
        joining = Newcomer(
            booked_cabin_id=change_pages.booked_cabin(booking, form.cabin.data).id,
            surname=form.surname.data,
            given_names=form.given_names.data,
            birth_date=born,
            citizenship=form.citizenship.data,
        )
        typed = {
            "cabin": form.cabin.data,
            "surname": form.surname.data,
            "given_names": form.given_names.data,
            "birth_date": born.isoformat(),
            "citizenship": form.citizenship.data,
        }
        wish = Wish(ChangeKind.PASSENGER_ADDED, joining=joining)
        try:
            preview = change_preview(booking.id, wish, now())
        except Refused as refusal:
            form.form_errors.append(refusal.message)
        else:
            if form.agreed.data:
                return _agree(booking, wish, url_for(".add_passenger", reference=reference), typed)
            return _preview_page(booking, preview, url_for(".add_passenger", reference=reference), AgreeForm(), typed)
    if form.errors:
        status = 422
    return render_template("changes/add_passenger.html", page=booking_page(booking.id), form=form), status


@bp.route("/sailing", methods=["GET", "POST"])
@public
@limiter.limit(CHANGES_PER_NETWORK, methods=["POST"])
def sailing(reference: str) -> ResponseReturnValue:
    """Without ?to=…: where the party could go and what it costs; with it: the sums, and other cabins there."""
    booking = _open(reference)
    back = url_for(".sailing", reference=reference)
    wanted = request.args.get("to", "")
    if not wanted:
        return render_template(
            "changes/sailing.html",
            page=booking_page(booking.id),
            choices=change_pages.sailing_choices(booking, now()),
        )
    target = change_pages.sailing_by_code(wanted)
    try:
        chosen = change_pages.likeliest_cabins(booking, target, now())
    except PartStays as stays:
        flash(stays.message, "info")
        return redirect(back)
    if chosen is None:
        flash(_("No cabin is free on that sailing for your party. Please choose another one."), "info")
        return redirect(back)
    names = views_of(booking)
    for booked in booking.cabins:
        number = request.args.get(f"cabin-{names[booked.cabin_id].number}", "")
        if number:
            chosen[booked.id] = change_pages.cabin_by_number(target.ship_id, number)
    wish = Wish(
        ChangeKind.SAILING, sailing_id=target.id, cabins={booked: cabin.id for booked, cabin in chosen.items()}
    )
    return _agree(
        booking,
        wish,
        back,
        selects=change_pages.cabin_selects(booking, target, chosen, now()),
    )


@bp.post("/give-up")
@public
def give_up(reference: str) -> ResponseReturnValue:
    booking = visitor_booking(reference)
    give_up_change(booking_id=booking.id, now=now())
    flash(_("The change is given up. Your booking stays as it was."), "info")
    return redirect(url_for("booking.booking", reference=reference))


def _passenger(booking: Booking, number: int) -> Passenger:
    for one in booking.passengers:
        if one.position == number:
            return one
    raise NotFound(number)


def _agree(
    booking: Booking, wish: Wish, back: str, typed: dict[str, str] | None = None, selects: Any = ()
) -> ResponseReturnValue:
    """The sums, and the press; where anything moved in between, the sums anew and nothing done."""
    form = AgreeForm()
    moved = False
    try:
        if form.validate_on_submit():
            try:
                change = agree_to_change(booking_id=booking.id, wish=wish, agreed=form.agreed.data or "", now=now())
            except ChangeMoved:
                moved = True
            else:
                if change.state is BookingChangeState.AWAITING:
                    return redirect(url_for("payments.pay", reference=booking.reference), 303)
                flash(_("The booking is changed. We have sent you a mail about it."), "good")
                return redirect(url_for("booking.booking", reference=booking.reference), 303)
        preview = change_preview(booking.id, wish, now())
    except NotChangeable:
        raise
    except Refused as refusal:
        flash(refusal.message, "bad")
        return redirect(back, 303)
    return _preview_page(booking, preview, back, form, typed, selects, moved=moved)


def _preview_page(
    booking: Booking,
    preview: ChangePreview,
    back: str,
    form: AgreeForm,
    typed: dict[str, str] | None = None,
    selects: Any = (),
    *,
    moved: bool = False,
) -> ResponseReturnValue:
    form.agreed.process_data(preview.digest)
    page = booking_page(booking.id)
    answer = render_template(
        "changes/preview.html",
        page=page,
        preview=preview,
        plan=preview.plan,
        sailing=sailing_view(preview.plan.voyage),
        form=form,
        typed=typed or {},
        selects=selects,
        back=back,
        moved=moved,
    )
    return Response(answer, 409 if moved else 200)
