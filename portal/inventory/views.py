"""Finding a sailing, its deck plan, and the hold of a cabin."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from flask import Blueprint, Response, jsonify, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.access import public
from portal.accounts.visitors import new_visitor
from portal.catalogue.versions import versions_of_sailings
from portal.extensions import limiter
from portal.inventory import finding, queries, services
from portal.inventory.finding import MONTH, CruiseFilters
from portal.inventory.forms import HoldForm
from portal.inventory.live import boards
from portal.inventory.queries import BALCONIES, SORTS, CabinFilters, SailingCard
from portal.inventory.season_index import FREE_STEPS, NIGHTS
from portal.kernel.clock import now
from portal.kernel.errors import Refused
from portal.kernel.parts import parts
from portal.web.locale import PREFIX
from portal.web.ready import kept_ready
from portal.web.streams import Hub, stream

# A visitor who throws his cookies away is another one each time. Only cabins really held count, and enough for an
# agency or for many guests of one provider behind one address: 60 of 155 cabins at once at the most.
HOLDS_PER_NETWORK = "30 per 10 minutes"
# The page of one sailing is kept by the versions of that sailing; what it says of others is made anew after this.
OTHER_DATES_AGE = timedelta(minutes=1)

catalogue = Blueprint("catalogue", __name__, url_prefix=PREFIX)
bp = Blueprint("inventory", __name__, url_prefix=f"{PREFIX}/cruises/<string:code>")
live_plans = Hub(whole=boards.whole, news=boards.news)


@catalogue.get("/")
@public
def home() -> ResponseReturnValue:
    page = finding.home_page(now())
    return kept_ready(page.key, lambda: (render_template("web/home.html", page=page), None))


def _filters() -> CruiseFilters:
    """What of the address means something; the rest is let go."""
    asked = request.args
    month, nights = asked.get("month", ""), asked.get("nights", "")
    free, budget = asked.get("free", type=int), asked.get("budget", type=int)
    return CruiseFilters(
        month=month if MONTH.fullmatch(month) else None,
        nights=nights if nights in NIGHTS else None,
        route=asked.get("route", "")[:8] or None,
        embark=asked.get("embark", "")[:12] or None,
        country=asked.get("country", "")[:2] or None,
        free=free if free in FREE_STEPS else None,
        budget=budget if budget is not None and 0 < budget < 10**8 else None,
        over=asked.get("over") == "1",
    )


@catalogue.get("/cruises")
@public
def cruises() -> ResponseReturnValue:
    page = finding.cruises_page(_filters(), now(), request.args.get("page", 1, type=int))
    return kept_ready(page.key, lambda: (render_template("catalogue/cruises.html", page=page), None))


@catalogue.get("/cruises/<string:code>")
@public
def cruise(code: str) -> ResponseReturnValue:
    def render() -> tuple[str, datetime | None]:
        page = queries.cruise_page(code, now())
        others: tuple[SailingCard, ...] = ()
        fresh_until = page.fresh_until
        if page.card.state != "on_sale":
            others = finding.other_dates(code, now())
            fresh_until = min(now() + OTHER_DATES_AGE, fresh_until or datetime.max.replace(tzinfo=UTC))
        shown = parts("cruise", page.sailing)
        return render_template("catalogue/cruise.html", page=page, others=others, **shown), fresh_until

    return kept_ready(versions_of_sailings([code])[code], render)


def _cabin_filters() -> CabinFilters:
    asked = request.args
    balcony, sort = asked.get("balcony", ""), asked.get("sort", "")
    return CabinFilters(
        category=asked.get("category", "")[:4] or None,
        deck=asked.get("deck", "")[:12] or None,
        balcony=balcony if balcony in BALCONIES else None,
        free=asked.get("free") == "1",
        accessible=asked.get("accessible") == "1",
        connecting=asked.get("connecting") == "1",
        sort=sort if sort in SORTS else "deck",
    )


@bp.get("/deck-plan")
@public
def deck_plan(code: str) -> ResponseReturnValue:
    filters = _cabin_filters()

    def render() -> tuple[str, datetime | None]:
        page = queries.deck_plan_page(code, now(), filters)
        return render_template("inventory/deck_plan.html", page=page), page.fresh_until

    return kept_ready(versions_of_sailings([code])[code], render)


@bp.get("/deck-plan/states.json")
@public
def deck_plan_states(code: str) -> ResponseReturnValue:
    states = boards.states(code)
    answer = make_response(jsonify(free=states.free, taken=states.taken))
    answer.add_etag()
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer.make_conditional(request)


@bp.get("/deck-plan/live")
@public
def deck_plan_live(code: str) -> ResponseReturnValue:
    """Each change of a cabin's state as it happens; 204 where this server keeps no answer open: then ask again."""
    boards.states(code)  # raises NotFound
    return stream(live_plans, code) or ("", 204)


def _held(response: Response) -> bool:
    return response.status_code == 302


@bp.route("/cabins/<string:number>", methods=["GET", "POST"])
@public
@limiter.limit(HOLDS_PER_NETWORK, methods=["POST"], deduct_when=_held)
def cabin(code: str, number: str) -> ResponseReturnValue:
    page = queries.cabin_page(code, number, now())
    form = HoldForm()
    form.offer(len(page.prices))
    if request.method == "GET" and form.party.data is None:
        form.party.data = min(2, len(page.prices))
    if form.validate_on_submit():
        try:
            hold = services.hold_cabin(
                sailing_id=page.sailing_id,
                cabin_id=page.cabin_id,
                party=form.persons,
                holder=new_visitor(),
                now=now(),
            )
        except Refused as refusal:
            form.form_errors.append(refusal.message)
            page = queries.cabin_page(code, number, now())
        else:
            return redirect(url_for("booking.passengers", reference=hold.reference))
    return render_template("inventory/cabin.html", page=page, form=form), 422 if form.errors else 200


