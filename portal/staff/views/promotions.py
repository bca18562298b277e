"""Promotion codes: made, looked after and ended."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.accounts.access import Permission, access
from portal.kernel.clock import now, today
from portal.pricing.errors import CodeExists
from portal.pricing.promotions import create_promotion, end_promotion
from portal.staff import price_pages
from portal.staff.forms import PromotionForm
from portal.staff.views.blueprint import bp


@bp.route("/promotions", methods=["GET", "POST"])
@access(Permission.SAILING_EDIT)
def promotions() -> ResponseReturnValue:
    form = PromotionForm()
    if form.validate_on_submit():
        try:
            create_promotion(
                code=form.code.data,
                percent=form.percent.data,
                amount_minor=form.amount.data,
                currency=form.currency.data or None,
                starts_on=form.starts_on.data,
                ends_on=form.ends_on.data,
                categories=(),
                combinable=form.combinable.data,
                uses_limit=form.uses.data,
                cabins_limit=form.cabins.data,
                budget_minor=form.budget.data,
                now=now(),
            )
        except CodeExists as refusal:
            form.code.errors = [refusal.message]
        else:
            flash(_("The code is made. Guests may use it from its first day."), "good")
            return redirect(url_for(".promotions"))
    page = price_pages.promotions_page(request.args.get("page", 1, int))
    answer = render_template("staff/promotions.html", page=page, form=form, today=today())
    return answer, 422 if form.errors else 200


@bp.post("/promotions/<int:promotion_id>/end")
@access(Permission.SAILING_EDIT)
def end_code(promotion_id: int) -> ResponseReturnValue:
    end_promotion(promotion_id=promotion_id, now=now())
    flash(_("The code has ended. What was booked with it stands."), "good")
    return redirect(url_for(".promotions"))
