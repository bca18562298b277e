"""Joining the line, the party's own view of its place, and answers to an offer."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.accounts.access import public, signed_in
from portal.accounts.visitors import grant, new_visitor
from portal.booking.views import bp
from portal.booking.waiting import queries, services
from portal.booking.waiting.access import check_place_link, linked_offer, visitor_entry
from portal.booking.waiting.errors import CabinIsFree
from portal.booking.waiting.forms import AnswerForm, DeclineForm, JoinLineForm
from portal.booking.waiting.labels import WAITING_STATES, WAITING_TONES
from portal.booking.waiting.models import OfferState
from portal.catalogue.queries import SailingView
from portal.extensions import limiter
from portal.inventory.views import asked_part
from portal.kernel import formats
from portal.kernel.clock import now
from portal.kernel.errors import Refused
from portal.web.locale import language
from portal.web.versions import CONSENT_VERSION


@bp.route("/cruises/<string:code>/waiting-list", methods=["GET", "POST"])
@public
@limiter.limit("5 per 10 minutes; 20 per day", methods=["POST"])
def waiting_list(code: str) -> ResponseReturnValue:
    page = queries.join_page(code, now(), asked_part())
    account = signed_in()
    known = {"name": account.name, "email": account.email} if account and not account.is_staff else {}
    form = JoinLineForm(data={"category": request.args.get("category", ""), **known})
    form.offer(
        page.most,
        [(grade, name.within(language())) for grade, name, _most in page.categories],
        [(other.code, _sailing_words(other)) for other in page.others],
    )
    if request.method == "GET" and form.party.data is None:
        form.party.data = min(2, page.most)
    free = False
    if form.validate_on_submit():
        wanted = queries.wishes_for(page.wish, (form.also.data or [])[: services.SAILINGS_AT_ONCE - 1])
        try:
            services.join_line(
                sailing_ids=[wish.sailing_id for wish in wanted],
                part_ids={wish.sailing_id: wish.part_id for wish in wanted if wish.part_id is not None},
                party=form.persons,
                infants=form.infants,
                category=form.code,
                name=form.name.data,
                email=form.email.data,
                language=language(),
                consent_version=CONSENT_VERSION,
                now=now(),
            )
        except Refused as refusal:
            free = isinstance(refusal, CabinIsFree)
            form.form_errors.append(refusal.message)
        else:
            return render_template("waiting/joined.html", page=page, email=form.email.data)
    answer = render_template("waiting/join.html", page=page, form=form, free=free)
    return answer, 422 if form.errors else 200


def _sailing_words(voyage: SailingView) -> str:
    title = voyage.title.within(language())
    period = formats.period(voyage.starts_at, voyage.embark.zone, voyage.ends_at, voyage.disembark.zone, language())
    return f"{title}, {period}"


@bp.get("/waiting-list/<string:reference>/open/<string:token>")
@public
@limiter.limit("20 per minute")
def open_place(reference: str, token: str) -> ResponseReturnValue:
    """The private link: it lets this browser in, and leaves no token in the address."""
    check_place_link(reference, token)
    grant(reference)
    return redirect(url_for(".waiting_place", reference=reference))


@bp.get("/waiting-list/<string:reference>")
@public
def waiting_place(reference: str) -> ResponseReturnValue:
    page = queries.place_page(visitor_entry(reference).id, now())
    return render_template(
        "waiting/place.html",
        page=page,
        form=AnswerForm(formdata=None),
        states=WAITING_STATES,
        tones=WAITING_TONES,
    )


@bp.post("/waiting-list/<string:reference>/leave")
@public
def leave_line(reference: str) -> ResponseReturnValue:
    services.leave_line(entry_id=visitor_entry(reference).id, now=now())
    flash(_("You are off the waiting list. Thank you for telling us: the next party moves up."), "good")
    return redirect(url_for(".waiting_place", reference=reference))


@bp.route("/offers/<string:reference>/<string:token>", methods=["GET", "POST"])
@public
@limiter.limit("20 per minute")
def offer(reference: str, token: str) -> ResponseReturnValue:
    """The page shows the offer and changes nothing; the button accepts it, and the usual way to a booking begins."""
    found = linked_offer(reference, token)
    form = AnswerForm()
    if form.validate_on_submit():
        try:
            hold = services.accept_offer(offer_id=found.id, holder=new_visitor(), now=now())
        except Refused as refusal:
            form.form_errors.append(refusal.message)
        else:
            return redirect(url_for(".passengers", reference=hold.reference))
    return _offer_page(found.id, token, form, DeclineForm(formdata=None))


@bp.route("/offers/<string:reference>/<string:token>/decline", methods=["GET", "POST"])
@public
@limiter.limit("20 per minute")
def decline_offer(reference: str, token: str) -> ResponseReturnValue:
    found = linked_offer(reference, token)
    form = DeclineForm()
    if form.validate_on_submit():
        leaving = form.stay.data == "leave"
        try:
            services.decline_offer(offer_id=found.id, leave=leaving, now=now())
        except Refused as refusal:
            form.form_errors.append(refusal.message)
        else:
            grant(found.entry.reference)
            if leaving:
                flash(_("You are off the waiting list. Thank you for telling us: the next party moves up."), "good")
            else:
                flash(_("Thank you for telling us. The cabin goes to the next party, and you keep your place."), "good")
            return redirect(url_for(".waiting_place", reference=found.entry.reference))
    return _offer_page(found.id, token, AnswerForm(formdata=None), form)


def _offer_page(offer_id: int, token: str, accepting: AnswerForm, declining: DeclineForm) -> ResponseReturnValue:
    page = queries.offer_page(offer_id)
    over = page.state is not OfferState.OPEN or page.expires_at <= now()
    refused = bool(accepting.errors or declining.errors)
    answer = render_template(
        "waiting/offer.html", page=page, token=token, accepting=accepting, declining=declining, over=over
    )
    return answer, 409 if over and refused else 422 if refused else 200
