"""The page of a category: buy it, and let the operator choose the cabin."""

from __future__ import annotations

from flask import redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.access import public
from portal.accounts.visitors import new_visitor
from portal.extensions import limiter
from portal.inventory.forms import HoldForm
from portal.inventory.guarantees import category_page, hold_any
from portal.inventory.views import HOLDS_PER_NETWORK, asked_part, bp
from portal.kernel.clock import now
from portal.kernel.errors import Refused


@bp.route("/categories/<string:category>", methods=["GET", "POST"])
@public
@limiter.limit(HOLDS_PER_NETWORK, methods=["POST"], deduct_when=lambda response: response.status_code == 302)
def guarantee(code: str, category: str) -> ResponseReturnValue:
    page = category_page(code, category, now(), part=asked_part())
    form = HoldForm()
    form.offer(len(page.prices))
    if form.party.data is None:
        form.party.data = min(2, len(page.prices))
    if form.validate_on_submit():
        try:
            hold = hold_any(
                sailing_id=page.sailing_id,
                candidates=page.candidates,
                party=form.persons,
                holder=new_visitor(),
                part_id=page.part_id,
                now=now(),
            )
        except Refused as refusal:
            form.form_errors.append(refusal.message)
        else:
            return redirect(url_for("booking.passengers", reference=hold.reference))
    return render_template("inventory/category.html", page=page, form=form), 422 if form.errors else 200
