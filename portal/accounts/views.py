"""Signing in and out, opening an account, and what belongs to it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_limiter import RequestLimit

from portal.accounts import drafts, services
from portal.accounts.access import Permission, access, current_account, public, signed_in
from portal.accounts.errors import LinkExpired, WrongPassword
from portal.accounts.forms import (
    ChangePasswordForm,
    ChoosePasswordForm,
    ForgottenPasswordForm,
    ProfileForm,
    SignInForm,
    SignUpForm,
)
from portal.accounts.models import Account
from portal.accounts.sessions import begin_session, end_session
from portal.extensions import limiter
from portal.kernel.clock import now, real_now
from portal.kernel.errors import NotFound, Refused
from portal.kernel.forms import FlaskForm
from portal.kernel.parts import parts
from portal.web.addresses import local_path
from portal.web.locale import PREFIX, language

bp = Blueprint("accounts", __name__, url_prefix=PREFIX)

TRIES = "5 per minute; 30 per hour"
TOO_OFTEN = _l("Too many attempts. Please wait a minute and try again.")


def _address_typed() -> str:
    """The e-mail address that this request is about, as something that tells a log or a cache nothing."""
    return hashlib.sha256(services.normal_email(request.form.get("email", "")).encode()).hexdigest()


def _slowly(page: Callable[[FlaskForm, int], ResponseReturnValue], form: type[FlaskForm]) -> Callable[[Any], Any]:
    """So many tries from one address on the net, and as many for one e-mail address; then `page` asks for patience."""

    def wait(breached: RequestLimit) -> Response:
        typed = form()
        typed.form_errors.append(TOO_OFTEN)
        return make_response(page(typed, 429))

    def decorate(view: Any) -> Any:
        by_network = limiter.limit(TRIES, methods=["POST"], on_breach=wait)
        by_email = limiter.limit(TRIES, key_func=_address_typed, methods=["POST"], on_breach=wait)
        return by_network(by_email(view))

    return decorate


def _sign_in_page(form: FlaskForm, status: int) -> ResponseReturnValue:
    wanted = local_path(request.args.get("next"))
    return render_template("accounts/sign_in.html", form=form, wanted=wanted), status


def _sign_up_page(form: FlaskForm, status: int) -> ResponseReturnValue:
    return render_template("accounts/sign_up.html", form=form), status


def _forgotten_page(form: FlaskForm, status: int) -> ResponseReturnValue:
    return render_template("accounts/forgotten_password.html", form=form), status


def _status(form: FlaskForm) -> int:
    return 422 if form.errors else 200


def _start_page(account: Account) -> str:
    return url_for("staff.home") if account.is_staff else url_for("booking.my_bookings")


@bp.route("/sign-in", methods=["GET", "POST"])
@public
@_slowly(_sign_in_page, SignInForm)
def sign_in() -> ResponseReturnValue:
    wanted = local_path(request.args.get("next"))
    account = signed_in()
    if account is not None:
        return redirect(wanted or _start_page(account))
    form = SignInForm()
    if form.validate_on_submit():
        try:
            account = services.authenticate(email=form.email.data or "", password=form.password.data or "")
        except Refused as refusal:
            form.form_errors.append(refusal.message)
        else:
            begin_session(account)
            return redirect(wanted or _start_page(account))
    return _sign_in_page(form, _status(form))


@bp.post("/sign-out")
@public
def sign_out() -> ResponseReturnValue:
    end_session()
    flash(_("You have signed out."), "good")
    return redirect(url_for("catalogue.home"))


@bp.route("/sign-up", methods=["GET", "POST"])
@public
@_slowly(_sign_up_page, SignUpForm)
def sign_up() -> ResponseReturnValue:
    """One answer for every address: whether it has an account already, only its owner learns, by mail."""
    account = signed_in()
    if account is not None:
        return redirect(_start_page(account))
    form = SignUpForm()
    if form.validate_on_submit():
        try:
            services.sign_up(
                email=form.email.data or "",
                password=form.password.data or "",
                name=form.name.data or "",
                language=language(),
                now=now(),
            )
        except Refused as refusal:
            form.password.errors = [*form.password.errors, refusal.message]
        else:
            flash(_("Thank you. We have sent you a letter; your account is ready, please sign in."), "good")
            return redirect(url_for(".sign_in"))
    return _sign_up_page(form, _status(form))


@bp.route("/forgotten-password", methods=["GET", "POST"])
@public
@_slowly(_forgotten_page, ForgottenPasswordForm)
def forgotten_password() -> ResponseReturnValue:
    form = ForgottenPasswordForm()
    if form.validate_on_submit():
        services.ask_for_password_link(email=form.email.data or "", moment=real_now())
        flash(_("If there is an account with this e-mail address, a letter with a link is on its way to it."), "good")
        return redirect(url_for(".sign_in"))
    return _forgotten_page(form, _status(form))


@bp.route("/new-password/<string:token>", methods=["GET", "POST"])
@public
@limiter.limit(TRIES, methods=["POST"])
def choose_password(token: str) -> ResponseReturnValue:
    account = services.account_of_token(token)  # LinkExpired becomes a page that says so
    form = ChoosePasswordForm()
    if form.validate_on_submit():
        try:
            account = services.choose_password(token=token, password=form.password.data or "", now=now())
        except LinkExpired:
            raise
        except Refused as refusal:
            form.password.errors = [*form.password.errors, refusal.message]
        else:
            begin_session(account)
            flash(_("Your new password holds from now on."), "good")
            return redirect(_start_page(account))
    return render_template("accounts/choose_password.html", form=form, account=account), _status(form)


@bp.post("/drafts/<string:form>/<string:subject>")
@public
@limiter.limit("60 per minute; 1000 per hour")
def keep_draft(form: str, subject: str) -> ResponseReturnValue:
    """What is typed, as the form would send it; only this very visitor is ever shown it again."""
    if form not in drafts.FORMS or len(subject) > drafts.SUBJECT_LETTERS:
        raise NotFound(form)
    kept = drafts.keep(form, subject, request.form)
    return Response(status=204 if kept else 413, mimetype="text/plain")


@bp.post("/drafts/<string:form>/<string:subject>/discard")
@public
@limiter.limit("60 per minute")
def discard_draft(form: str, subject: str) -> ResponseReturnValue:
    drafts.discard(form, subject)
    return redirect(local_path(request.form.get("back")) or url_for("catalogue.home"))


@bp.route("/account/profile", methods=["GET", "POST"])
@access(Permission.ACCOUNT)
@limiter.limit(TRIES, methods=["POST"])
def account() -> ResponseReturnValue:
    """The customer's name, language and password: two forms, of which one is sent."""
    mine = current_account()
    sent = request.form.get("part")
    profile = ProfileForm(obj=mine) if sent == "profile" else ProfileForm(formdata=None, obj=mine)
    password = ChangePasswordForm() if sent == "password" else ChangePasswordForm(formdata=None)
    if sent == "profile" and profile.validate():
        services.change_profile(account=mine, name=profile.name.data or "", language=profile.language.data)
        flash(_("Saved."), "good")
        return redirect(url_for(".account"))
    if sent == "password" and password.validate() and _password_changed(mine, password):
        begin_session(mine)
        flash(_("Your new password holds from now on; on other devices you have been signed out."), "good")
        return redirect(url_for(".account"))
    page = render_template(
        "accounts/account.html", profile=profile, password=password, account=mine, **parts("account", mine)
    )
    return page, 422 if profile.errors or password.errors else 200


def _password_changed(mine: Account, form: ChangePasswordForm) -> bool:
    try:
        services.change_password(
            account=mine, present=form.present.data or "", password=form.password.data or "", now=now()
        )
    except WrongPassword as refusal:
        form.present.errors = [*form.present.errors, refusal.message]
    except Refused as refusal:
        form.password.errors = [*form.password.errors, refusal.message]
    else:
        return True
    return False
