"""Colleagues' accounts, for administrators."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.accounts import services
from portal.accounts.access import Permission, access, current_account
from portal.accounts.errors import AddressTaken
from portal.accounts.forms import StaffAccountForm
from portal.accounts.labels import ROLE_NAMES
from portal.accounts.models import Role
from portal.accounts.queries import staff_account
from portal.kernel.clock import now
from portal.kernel.text import LANGUAGE_NAMES
from portal.staff import account_pages
from portal.staff.views.blueprint import bp
from portal.web.told import told


@bp.route("/accounts", methods=["GET", "POST"])
@access(Permission.ACCOUNT_MANAGE)
def accounts() -> ResponseReturnValue:
    form = StaffAccountForm()
    if form.validate_on_submit():
        try:
            services.create_staff(
                email=form.email.data or "",
                role=Role(form.role.data),
                name=form.name.data or "",
                language=form.language.data,
                now=now(),
            )
        except AddressTaken as refusal:
            form.email.errors = [*form.email.errors, refusal.message]
        else:
            flash(_("The account is open. A letter with a link to choose a password is on its way."), "good")
            return redirect(url_for(".accounts"))
    page = account_pages.accounts_page(request.args.get("page", 1, int))
    answer = render_template(
        "staff/accounts.html",
        page=page,
        form=form,
        roles=ROLE_NAMES,
        languages=LANGUAGE_NAMES,
        mine=current_account().id,
    )
    return answer, 422 if form.errors else 200


@bp.post("/accounts/<int:account_id>/active")
@access(Permission.ACCOUNT_MANAGE)
def set_account_active(account_id: int) -> ResponseReturnValue:
    account = staff_account(account_id)
    active = request.form.get("active") == "yes"
    if active:
        done = _("%(name)s may sign in again.", name=account.name)
    else:
        done = _("%(name)s is shut out and signed out everywhere.", name=account.name)
    with told(done):
        services.set_active(account=account, active=active, by=current_account(), now=now())
    return redirect(url_for(".accounts"))
