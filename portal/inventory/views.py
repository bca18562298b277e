"""Finding a sailing, its deck plan, and the hold of a cabin."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from flask import Blueprint, Response, jsonify, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal.accounts.access import public
from portal.accounts.visitors import new_visitor
from portal.catalogue.versions import versions_of_sailings
from portal.extensions import limiter
from portal.inventory import finding, queries, services
from portal.inventory.finding import MONTH, MOST_COMPARED, CruiseFilters
from portal.inventory.forms import TYPED, AskedParty, HoldForm, asked_party, typed_party
from portal.inventory.live import boards, topic_of
from portal.inventory.queries import BALCONIES, SORTS, CabinFilters, SailingCard
from portal.inventory.season_index import FREE_STEPS, NIGHTS
from portal.kernel.clock import now, today
from portal.kernel.errors import Refused
from portal.kernel.parts import parts
from portal.pricing.labels import CURRENCIES, left_out, trace_rows, traveller_names
from portal.pricing.queries import CURRENCY
from portal.web.locale import PREFIX
from portal.web.ready import Key, kept_ready
from portal.web.streams import Hub, stream

# A visitor who throws his cookies away is another one each time. Only cabins really held count, and enough for an
# agency or for many guests of one provider behind one address: 60 of 155 cabins at once at the most.
HOLDS_PER_NETWORK = "30 per 10 minutes"
# The page of one sailing is kept by the versions of that sailing; what it says of others is made anew after this.
OTHER_DATES_AGE = timedelta(minutes=1)

LEFT_OUT = (*TYPED, "party", "group", "chosen", "page")  # of an address, when another party is named

catalogue = Blueprint("catalogue", __name__, url_prefix=PREFIX)
bp = Blueprint("inventory", __name__, url_prefix=f"{PREFIX}/cruises/<string:code>")
live_plans = Hub(whole=boards.whole, news=boards.news)


def _party() -> AskedParty:
    return asked_party(request.args)


def _with_party() -> ResponseReturnValue | None:
    """Where the chooser of the party was sent: to the same page under the address that says it shortly."""
    if not any(name in request.args for name in TYPED):
        return None
    kept = [(name, value) for name, value in request.args.items(multi=True) if value and name not in LEFT_OUT]
    party = typed_party(request.args)
    query = urlencode([*kept, *([("party", party)] if party else [])], safe=",;")
    return redirect(f"{request.path}?{query}" if query else request.path)


def _ready(asked: AskedParty, key: Key, render: Callable[[], tuple[str, datetime | None]]) -> ResponseReturnValue:
    """Kept only where nobody named a party: there are too many of them."""
    return kept_ready(key, render) if replace(asked, part=None) == AskedParty() else render()[0]


@catalogue.get("/")
@public
def home() -> ResponseReturnValue:
    asked = _party()
    page = finding.home_page(now(), asked.party, today())
    return _ready(asked, page.key, lambda: (render_template("web/home.html", page=page, asked=asked), None))


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
        visa_free=asked.get("visa_free", "")[:2] or None,
        free=free if free in FREE_STEPS else None,
        budget=budget if budget is not None and 0 < budget < 10**8 else None,
        over=asked.get("over") == "1",
    )


@catalogue.get("/cruises")
@public
def cruises() -> ResponseReturnValue:
    if elsewhere := _with_party():
        return elsewhere
    asked = _party()
    page = finding.cruises_page(_filters(), now(), request.args.get("page", 1, type=int), asked.party, today())
    return _ready(asked, page.key, lambda: (render_template("catalogue/cruises.html", page=page, asked=asked), None))


@catalogue.get("/cruises/calendar")
@public
def calendar() -> ResponseReturnValue:
    if elsewhere := _with_party():
        return elsewhere
    asked = _party()
    page = finding.calendar_page(request.args.get("year", type=int), now(), asked.party, today())
    return _ready(asked, page.key, lambda: (render_template("catalogue/calendar.html", page=page, asked=asked), None))


@catalogue.get("/cruises/compare")
@public
def compare() -> ResponseReturnValue:
    if elsewhere := _with_party():
        return elsewhere
    asked = _party()
    codes = request.args.getlist("s")
    page = finding.compare_page(codes, now(), asked.party, today())
    papers = {one.card.code: parts("cruise", one.sailing).get("papers", ()) for one in page.sailings}
    too_many = len(set(codes)) > MOST_COMPARED
    return render_template("catalogue/compare.html", page=page, asked=asked, papers=papers, too_many=too_many)


@catalogue.get("/cruises/<string:code>")
@public
def cruise(code: str) -> ResponseReturnValue:
    if elsewhere := _with_party():
        return elsewhere
    asked = _party()

    def render() -> tuple[str, datetime | None]:
        page = queries.cruise_page(code, now(), asked.party)
        others: tuple[SailingCard, ...] = ()
        fresh_until = page.fresh_until
        if page.card.state != "on_sale":
            others = finding.other_dates(code, now())
            fresh_until = min(now() + OTHER_DATES_AGE, fresh_until or datetime.max.replace(tzinfo=UTC))
        shown = parts("cruise", page.sailing)
        text = render_template("catalogue/cruise.html", page=page, others=others, asked=asked, **shown)
        return text, fresh_until

    return _ready(asked, versions_of_sailings([code])[code], render)


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
        fits=asked.get("fits") == "1" and bool(asked.get("party")),
        sort=sort if sort in SORTS else "deck",
    )


def asked_part() -> str | None:
    """The part of the voyage that the address is about. One that there is not is a 404, never the whole voyage."""
    return request.args.get("part", "")[:8] or None


def _party_of_part() -> AskedParty:
    return replace(_party(), part=asked_part())


@bp.get("/deck-plan")
@public
def deck_plan(code: str) -> ResponseReturnValue:
    if elsewhere := _with_party():
        return elsewhere
    asked, filters = _party_of_part(), _cabin_filters()

    def render() -> tuple[str, datetime | None]:
        page = queries.deck_plan_page(code, now(), filters, asked.party, asked.alone, part=asked.part)
        return render_template("inventory/deck_plan.html", page=page, asked=asked), page.fresh_until

    return _ready(asked, versions_of_sailings([code])[code], render)


@bp.get("/deck-plan/states.json")
@public
def deck_plan_states(code: str) -> ResponseReturnValue:
    states = boards.states(topic_of(code, asked_part()))
    answer = make_response(jsonify(free=states.free, taken=states.taken))
    answer.add_etag()
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer.make_conditional(request)


@bp.get("/deck-plan/live")
@public
def deck_plan_live(code: str) -> ResponseReturnValue:
    """Each change of a cabin's state as it happens; 204 where this server keeps no answer open: then ask again."""
    topic = topic_of(code, asked_part())
    boards.states(topic)  # raises NotFound
    return stream(live_plans, topic) or ("", 204)


def _held(response: Response) -> bool:
    return response.status_code == 302


@bp.route("/cabins/<string:number>", methods=["GET", "POST"])
@public
@limiter.limit(HOLDS_PER_NETWORK, methods=["POST"], deduct_when=_held)
def cabin(code: str, number: str) -> ResponseReturnValue:
    asked = _party_of_part()
    page = _cabin_page(code, number, asked)
    form = HoldForm()
    form.offer(len(page.prices))
    if request.method == "GET" and form.party.data is None:
        berths = sum(one.needs_berth for one in asked.sleepers)
        form.party.data = min(berths or 2, len(page.prices))
        form.infant.data = berths < len(asked.sleepers)
    if form.validate_on_submit():
        try:
            hold = services.hold_cabin(
                sailing_id=page.sailing_id,
                cabin_id=page.cabin_id,
                party=form.persons,
                holder=new_visitor(),
                now=now(),
                part_id=page.card.part.id if page.card.part else None,
            )
        except Refused as refusal:
            form.form_errors.append(refusal.message)
            if page.cabin.state == "free":  # it was when the page was read
                page = _cabin_page(code, number, asked)
        else:
            return redirect(url_for("booking.passengers", reference=hold.reference))

    def render() -> tuple[str, datetime | None]:
        text = render_template(
            "inventory/cabin.html",
            page=page,
            form=form,
            asked=asked,
            trace=trace_rows,
            names=traveller_names,
            left_out=left_out,
            currencies=CURRENCIES,
        )
        return text, page.fresh_until

    # Where there is nothing to fill in, the page says the same to all who came too late.
    gone = page.cabin.state != "free" and not any(field.errors for field in form)
    told = (page.versions, request.method, *map(str, form.form_errors))
    answer = make_response(_ready(asked, told, render) if gone else render()[0])
    answer.status_code = 422 if form.errors else 200
    return answer


def _cabin_page(code: str, number: str, asked: AskedParty) -> queries.CabinPage:
    currency = request.args.get("currency", CURRENCY)
    return queries.cabin_page(code, number, now(), asked.alone, currency=currency, part=asked.part)
