"""What a guest may choose when his sailing was cancelled or postponed."""

from __future__ import annotations

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.accounts.access import public
from portal.booking.access import visitor_booking
from portal.booking.changes import changeable
from portal.booking.queries import booking_page
from portal.kernel import formats
from portal.kernel.clock import now
from portal.kernel.errors import Refused
from portal.payments.operations import queries, services
from portal.payments.operations.forms import ChoiceForm
from portal.payments.views import bp
from portal.web.locale import language

MOVE = "move:"


@bp.route("/sailing-change", methods=["GET", "POST"])
@public
def sailing_change(reference: str) -> ResponseReturnValue:
    """What happened, and the choices as long as they are open; each choice says its money before it is made."""
    booking = visitor_booking(reference)
    page = booking_page(booking.id)
    change = queries.change_page(booking.id, now())
    form = ChoiceForm(data={"returned": str(change.paid.minor)})
    form.choice.choices = _choices(page.sailing.embark.zone, change)
    if form.validate_on_submit():
        choice = form.choice.data or ""
        if choice.startswith(MOVE) and changeable(booking, now()):
            # The sums first, with every free cabin there to choose from; nothing changes before he agrees to them.
            return redirect(url_for("changes.sailing", reference=reference, to=choice.removeprefix(MOVE)))
        try:
            _choose(form, change)
        except Refused as refusal:
            form.form_errors.append(refusal.message)
            change = queries.change_page(booking.id, now())
        else:
            return redirect(url_for(".sailing_change", reference=reference))
    answer = render_template(
        "operations/change.html", page=page, change=change, case=change.case, form=form, open=change.case.open_at(now())
    )
    return answer, 422 if form.errors else 200


def _choices(zone: str, change: queries.ChangePage) -> list[tuple[str, str]]:
    choices = []
    if change.case.new_starts_at is not None:
        day = formats.day(change.case.new_starts_at, language(), zone)
        choices.append(("accept", _("I travel on the new dates, from %(day)s", day=day)))
    for one in change.alternatives:
        title = one.sailing.title.within(language())
        day = formats.day(one.sailing.starts_at, language(), one.sailing.embark.zone)
        words = _("I would rather travel on %(title)s, %(day)s", title=title, day=day)
        choices.append((f"{MOVE}{one.sailing.code}", words))
    if change.paid.minor:
        back = formats.money(change.paid, language())
        choices.append(("refund", _("I do not travel; return all my money, %(sum)s", sum=back)))
    else:
        choices.append(("refund", _("I do not travel; cancel the booking")))
    return choices


def _choose(form: ChoiceForm, change: queries.ChangePage) -> None:
    choice = form.choice.data or ""
    if choice == "accept":
        services.accept_dates(case_id=change.case.id, now=now())
        flash(_("Thank you. Your booking stands, on the new dates."), "good")
    elif choice == "refund":
        seen = int(form.returned.data) if (form.returned.data or "").isdecimal() else -1
        services.take_refund(case_id=change.case.id, agreed=type(change.paid)(seen, change.paid.currency), now=now())
        flash(_("Your booking is cancelled, and all that you paid goes back."), "good")
    else:
        services.ask_to_move(case_id=change.case.id, code=choice.removeprefix(MOVE), now=now())
        flash(_("Thank you. We move your booking and write to you; until then nothing changes."), "good")
