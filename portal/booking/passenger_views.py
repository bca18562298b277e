"""The page of one passenger: his own by a private link, the same form for the one who booked, and the links."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.accounts import drafts
from portal.accounts.access import Permission, access, current_account, public, signed_in
from portal.booking import companions as book
from portal.booking import labels
from portal.booking import passengers as services
from portal.booking.access import (
    booked_passenger,
    let_in,
    open_by_passenger_link,
    own_passenger,
    passenger_token,
    visitor_booking,
)
from portal.booking.detail_forms import CompanionForm, DetailsForm, SendLinkForm
from portal.booking.details import ending
from portal.booking.errors import AlreadyDecided
from portal.booking.filing import open_request, withdraw_change
from portal.booking.models import Companion, Passenger
from portal.booking.passenger_pages import PassengerPage, own_address, passenger_page
from portal.extensions import limiter
from portal.kernel.clock import now, today
from portal.kernel.errors import Refused
from portal.kernel.parts import parts
from portal.web.locale import PREFIX, language

bp = Blueprint("passengers", __name__, url_prefix=PREFIX)

SAVES = "30 per minute; 300 per day"
LETTERS = "10 per hour; 40 per day"


@bp.get("/passengers/<string:reference>/open/<string:token>")
@public
@limiter.limit("20 per minute")
def open_link(reference: str, token: str) -> ResponseReturnValue:
    """The private link: it lets this browser in, and leaves no token in the address."""
    open_by_passenger_link(reference, token)
    return redirect(url_for(".own", reference=reference))


@bp.route("/passengers/<string:reference>", methods=["GET", "POST"])
@public
@limiter.limit(SAVES, methods=["POST"])
def own(reference: str) -> ResponseReturnValue:
    """Everything that the portal asks of this passenger, and nothing of anybody else."""
    passenger = own_passenger(reference)
    page = passenger_page(passenger, now())
    form, draft = _details_form(page)
    if form.validate_on_submit() and _told(form, page):
        return redirect(url_for(".own", reference=reference))
    shown = render_template(
        "booking/own_details.html",
        page=page,
        form=form,
        draft=draft,
        words=labels,
        today=today(),
        **parts("passenger", page.id),
    )
    return shown, 422 if form.errors else 200


@bp.route("/bookings/<string:reference>/passengers/<int:number>", methods=["GET", "POST"])
@public
@limiter.limit(SAVES, methods=["POST"])
def of_booking(reference: str, number: int) -> ResponseReturnValue:
    """The same for the one who booked, with the ways to let the passenger do it himself."""
    passenger = booked_passenger(reference, number)
    page = passenger_page(passenger, now())
    form, draft = _details_form(page)
    if form.validate_on_submit() and _told(form, page):
        account = signed_in()
        if account is not None:
            book.learn(account_id=account.id, passenger=passenger, told=form.told, now=now())
        return redirect(url_for(".of_booking", reference=reference, number=number))
    shown = _page_of_booking(reference, passenger, page, form, _link_form(page), draft)
    return shown, 422 if form.errors else 200


@bp.post("/passengers/<string:reference>/change/take-back")
@public
@limiter.limit(SAVES)
def take_back_own(reference: str) -> ResponseReturnValue:
    _take_back(own_passenger(reference))
    return redirect(url_for(".own", reference=reference))


@bp.post("/bookings/<string:reference>/passengers/<int:number>/change/take-back")
@public
@limiter.limit(SAVES)
def take_back(reference: str, number: int) -> ResponseReturnValue:
    _take_back(booked_passenger(reference, number))
    return redirect(url_for(".of_booking", reference=reference, number=number))


def _take_back(passenger: Passenger) -> None:
    """The request that waits; AlreadyDecided becomes a page that says so."""
    waiting = open_request(passenger)
    if waiting is None:
        raise AlreadyDecided
    withdraw_change(request_id=waiting.id, now=now())
    flash(_("Your request is taken back."), "info")


@bp.post("/bookings/<string:reference>/passengers/<int:number>/link")
@public
@limiter.limit(LETTERS)
def send_link(reference: str, number: int) -> ResponseReturnValue:
    passenger = booked_passenger(reference, number)
    page = passenger_page(passenger, now())
    form = SendLinkForm()
    if form.validate_on_submit():
        try:
            services.send_passenger_link(
                passenger_id=page.id, email=form.email.data or "", language=form.language.data, now=now()
            )
        except Refused as refusal:
            form.form_errors.append(refusal.message)
        else:
            flash(_("The link is on its way to %(email)s.", email=form.email.data), "good")
            return redirect(url_for(".of_booking", reference=reference, number=number))
    return _page_of_booking(reference, passenger, page, DetailsForm(formdata=None, data=page.told), form), 422


@bp.post("/bookings/<string:reference>/passengers/<int:number>/link/renew")
@public
@limiter.limit(SAVES)
def renew_link(reference: str, number: int) -> ResponseReturnValue:
    passenger = booked_passenger(reference, number)
    services.renew_passenger_link(passenger_id=passenger.id, now=now())
    flash(_("The link given out before no longer works. The new one stands below."), "good")
    return redirect(url_for(".of_booking", reference=reference, number=number))


@bp.post("/bookings/<string:reference>/link/renew")
@public
@limiter.limit(LETTERS)
def renew_booking_link(reference: str) -> ResponseReturnValue:
    booking = services.renew_booking_link(booking_id=visitor_booking(reference).id, now=now())
    let_in(booking)  # whoever asked for it may have come by the old one
    flash(_("The old private link no longer works. We have sent a new one by mail."), "good")
    return redirect(url_for("booking.booking", reference=reference))


@bp.get("/account/companions")
@access(Permission.ACCOUNT)
def companions() -> ResponseReturnValue:
    return render_template("booking/companions.html", rows=book.companions_of(current_account().id))


@bp.route("/account/companions/new", methods=["GET", "POST"])
@access(Permission.ACCOUNT)
@limiter.limit(SAVES, methods=["POST"])
def add_companion() -> ResponseReturnValue:
    form, draft = _companion_form("new", {})
    if form.validate_on_submit():
        try:
            book.add_companion(account_id=current_account().id, person=form.person, now=now())
        except Refused as refusal:
            form.form_errors.append(refusal.message)
        else:
            return _saved("new")
    return _companion_page(form, None, draft)


@bp.route("/account/companions/<string:reference>", methods=["GET", "POST"])
@access(Permission.ACCOUNT)
@limiter.limit(SAVES, methods=["POST"])
def companion(reference: str) -> ResponseReturnValue:
    mine = book.companion_of(current_account().id, reference)
    known = book.as_typed(mine) | {"document_number": None, "agreed": True}
    form, draft = _companion_form(reference, known)
    if form.validate_on_submit():
        try:
            book.change_companion(companion=mine, person=form.person, now=now())
        except Refused as refusal:
            form.form_errors.append(refusal.message)
        else:
            return _saved(reference)
    return _companion_page(form, mine, draft)


@bp.post("/account/companions/<string:reference>/forget")
@access(Permission.ACCOUNT)
def forget_companion(reference: str) -> ResponseReturnValue:
    book.forget_companion(companion=book.companion_of(current_account().id, reference))
    flash(_("Taken out of your list and deleted."), "good")
    return redirect(url_for(".companions"))


def _companion_form(subject: str, known: dict[str, Any]) -> tuple[CompanionForm, drafts.Draft | None]:
    draft = drafts.resume("companion", subject)
    if draft is not None:
        form = CompanionForm(language=language(), formdata=draft.typed)
    else:
        form = CompanionForm(language=language(), data=known)
    form.today = today()
    return form, draft


def _saved(subject: str) -> ResponseReturnValue:
    drafts.discard("companion", subject)
    flash(_("Saved."), "good")
    return redirect(url_for(".companions"))


def _companion_page(
    form: CompanionForm, mine: Companion | None, draft: drafts.Draft | None
) -> ResponseReturnValue:
    known = {"reference": mine.reference, "document_ending": ending(mine.document_number)} if mine else {}
    page = {"full_name": mine.full_name if mine else None, "document_ending": None, "reference": None} | known
    shown = render_template("booking/companion.html", form=form, page=page, draft=draft, today=today())
    return shown, 422 if form.errors else 200


def _details_form(page: PassengerPage) -> tuple[DetailsForm, drafts.Draft | None]:
    """With what was typed before and not sent, if anything was."""
    draft = drafts.resume("details", page.reference)
    form = DetailsForm(formdata=draft.typed) if draft else DetailsForm(data=page.told)
    form.today = today()
    return form, draft


def _link_form(page: PassengerPage) -> SendLinkForm:
    return SendLinkForm(formdata=None, data={"email": page.email, "language": page.language})


def _told(form: DetailsForm, page: PassengerPage) -> bool:
    """Whether it could be saved; if not, the form says why."""
    try:
        told = services.tell_details(passenger_id=page.id, told=form.told, now=now())
    except Refused as refusal:
        form.form_errors.append(refusal.message)
        return False
    drafts.discard("details", page.reference)
    if told.changed:
        flash(_("Saved. Thank you."), "good")
    if told.asked:
        flash(_("Your change is put before our staff: the list was filed already. We write to you."), "info")
    if not told:
        flash(_("Nothing was changed."), "info")
    return True


def _page_of_booking(
    reference: str,
    passenger: Passenger,
    page: PassengerPage,
    form: DetailsForm,
    link: SendLinkForm,
    draft: drafts.Draft | None = None,
) -> str:
    path = url_for(
        ".open_link", language=page.language, reference=page.reference, token=passenger_token(passenger)
    )
    return render_template(
        "booking/passenger.html",
        page=page,
        booking=reference,
        form=form,
        link_form=link,
        draft=draft,
        address=own_address(path),
        words=labels,
        today=today(),
    )
