"""A guest's own data: of his account, or of a booking made without one."""

from __future__ import annotations

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.accounts.access import Permission, access, current_account, public
from portal.accounts.errors import WrongPassword
from portal.accounts.labels import ROLE_NAMES
from portal.accounts.passwords import matches
from portal.booking.access import visitor_booking
from portal.booking.models import Booking
from portal.extensions import limiter
from portal.kernel.clock import OFFICE_ZONE, now
from portal.kernel.errors import Refused
from portal.privacy import labels, queries, services
from portal.privacy.content import archive
from portal.privacy.forms import EraseAccountForm, EraseForm, PasswordForm
from portal.privacy.owners import Owner, owner_of_account, owner_of_booking
from portal.web.locale import PREFIX, language
from portal.web.versions import CONSENT_VERSION

bp = Blueprint("privacy", __name__, url_prefix=PREFIX)

TRIES = "5 per minute; 30 per hour"


@bp.route("/account/data", methods=["GET", "POST"])
@access(Permission.ACCOUNT)
@limiter.limit(TRIES, methods=["POST"])
def account() -> ResponseReturnValue:
    """One of two forms is sent: for the copy, or to be forgotten."""
    mine = current_account()
    owner = owner_of_account(mine)
    sent = request.form.get("part")
    copy = PasswordForm() if sent == "copy" else PasswordForm(formdata=None)
    erase = EraseAccountForm(prefix="erase-") if sent == "erase" else EraseAccountForm(formdata=None, prefix="erase-")
    chosen = {"copy": copy, "erase": erase}.get(sent or "")
    if chosen is not None and chosen.validate():
        if not matches(chosen.password.data or "", mine.password_hash):
            chosen.password.errors = [WrongPassword.message]
        elif sent == "copy":
            return _zip(archive(owner, language(), CONSENT_VERSION, now(), whole_numbers=True))
        elif _asked(owner, erase):
            return redirect(url_for(".account"))
    return _page(owner, copy, erase, None)


@bp.post("/account/data/keep")
@access(Permission.ACCOUNT)
def keep_account() -> ResponseReturnValue:
    return _kept(owner_of_account(current_account()), url_for(".account"))


@bp.post("/account/data/companions")
@access(Permission.ACCOUNT)
def forget_companions() -> ResponseReturnValue:
    services.forget_companions(account=current_account(), version=CONSENT_VERSION, now=now())
    flash(_("Forgotten. Your bookings stay as they are."), "good")
    return redirect(url_for(".account"))


@bp.route("/bookings/<string:reference>/data", methods=["GET", "POST"])
@public
@limiter.limit(TRIES, methods=["POST"])
def booking(reference: str) -> ResponseReturnValue:
    found = visitor_booking(reference)
    owner = owner_of_booking(found)
    if request.form.get("part") == "copy":
        return _zip(archive(owner, language(), CONSENT_VERSION, now(), whole_numbers=False))
    erase = EraseForm(prefix="erase-")
    if erase.validate_on_submit() and _asked(owner, erase):
        return redirect(url_for(".booking", reference=reference))
    return _page(owner, None, erase, found)


@bp.post("/bookings/<string:reference>/data/keep")
@public
def keep_booking(reference: str) -> ResponseReturnValue:
    return _kept(owner_of_booking(visitor_booking(reference)), url_for(".booking", reference=reference))


def _asked(owner: Owner, form: EraseForm) -> bool:
    try:
        services.ask_to_be_forgotten(owner=owner, now=now())
    except Refused as refusal:
        form.form_errors.append(refusal.message)
        return False
    flash(_("We have noted it. Below you read when it will be done; until then you may take it back."), "good")
    return True


def _kept(owner: Owner, back: str) -> ResponseReturnValue:
    try:
        services.take_back(owner=owner, now=now())
    except Refused as refusal:
        flash(refusal.message, "bad")
    else:
        flash(_("Taken back. Everything stays."), "good")
    return redirect(back)


def _zip(content: bytes) -> Response:
    answer = Response(content, mimetype="application/zip")
    answer.headers["Content-Disposition"] = 'attachment; filename="my-data.zip"'
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _page(
    owner: Owner, copy: PasswordForm | None, erase: EraseForm, booking: Booking | None
) -> tuple[str, int]:
    page = queries.data_page(owner, CONSENT_VERSION, now())
    shown = render_template(
        "privacy/data.html",
        page=page,
        copy=copy,
        erase=erase,
        booking=booking,
        words=labels,
        roles=ROLE_NAMES,
        zone=OFFICE_ZONE,
        views_shown=queries.VIEWS_SHOWN,
    )
    return shown, 422 if erase.errors or (copy is not None and copy.errors) else 200
