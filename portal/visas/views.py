"""A guest's papers: what is needed, and handing it in."""

from __future__ import annotations

from datetime import date

from flask import (
    Blueprint,
    current_app,
    flash,
    get_template_attribute,
    jsonify,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from markupsafe import Markup
from werkzeug.exceptions import RequestEntityTooLarge

from portal.accounts.access import public
from portal.booking.access import own_passenger, visitor_booking
from portal.booking.forms import FIRST
from portal.booking.models import Booking
from portal.extensions import csrf, limiter
from portal.files.errors import FileTooLarge
from portal.files.views import address_holds, end_addresses, whole_file
from portal.kernel.clock import now, today
from portal.kernel.codes import qr_svg
from portal.kernel.countries import countries_by_name
from portal.kernel.errors import NotFound, Refused
from portal.kernel.money import Money
from portal.visas import labels, queries, services
from portal.visas.cases.queries import refused
from portal.visas.documents import CATALOGUE
from portal.visas.errors import PapersClosed
from portal.visas.feasibility import Chance
from portal.visas.forms import MOST_PASSPORTS, PaperForm, PassportRow, typed_passports
from portal.visas.models import BY_PASSENGER
from portal.visas.possible import Order, chances, possible_page
from portal.visas.queries import sources_of
from portal.web.filters import money
from portal.web.locale import PREFIX, language

bp = Blueprint("visas", __name__, url_prefix=PREFIX)
end_addresses(bp, "document", "own_document")

# A browser that is still sending shows no answer: so much of an upload that is too large is read and thrown away.
DRAINED_BYTES = 80 * 1024 * 1024
CHUNK = 1024 * 1024


@bp.app_template_filter("iso_date")
def iso_date(text: str) -> date:
    """A date out of the parameters of a reason."""
    return date.fromisoformat(text)


@bp.app_template_filter("as_money")
def as_money(minor: int, currency: str) -> str:
    """A sum out of the parameters of a reason."""
    return money(Money(minor, currency))


@bp.get("/bookings/<string:reference>/papers")
@public
def papers(reference: str) -> ResponseReturnValue:
    booking_id = visitor_booking(reference).id
    page = queries.papers_page(booking_id, today())
    return render_template(
        "visas/papers.html", page=page, refused=refused(booking_id), today=today(), words=labels, documents=CATALOGUE
    )


@bp.get("/bookings/<string:reference>/papers/print")
@public
def printed(reference: str) -> ResponseReturnValue:
    """The checklists on paper, and on the screen of a telephone that is held before a scanner."""
    return _printed(visitor_booking(reference))


@bp.get("/passengers/<string:reference>/papers/print")
@public
def own_printed(reference: str) -> ResponseReturnValue:
    return _printed(own_passenger(reference).booking, own=reference)


def _printed(booking: Booking, own: str | None = None) -> str:
    """own: the reference of the one passenger who is shown."""
    page = queries.papers_page(booking.id, today())
    shown = [passenger for passenger in page.passengers if own in (None, passenger.reference)]
    staff_page = url_for("staff.booking", reference=booking.reference, language="ru")
    codes = {
        passenger.reference: Markup(qr_svg(f"{current_app.config['PUBLIC_URL']}{staff_page}#{passenger.reference}"))
        for passenger in shown
    }
    return render_template(
        "visas/printed.html", page=page, passengers=shown, codes=codes, today=today(), words=labels, own=own
    )


@bp.route("/bookings/<string:reference>/papers/<string:item>", methods=["GET", "POST"])
@public
@limiter.limit("20 per minute; 200 per day", methods=["POST"])
def paper(reference: str, item: str) -> ResponseReturnValue:
    booking = visitor_booking(reference)
    form = PaperForm()
    if form.validate_on_submit() and _handed_in(booking, item, form):
        return redirect(url_for(".paper", reference=reference, item=item))
    return _paper_page(booking, item, form, 422 if form.errors else 200)


def _handed_in(booking: Booking, item: str, form: PaperForm, by: str | None = None) -> bool:
    """Whether the document was taken; if not, the form says why. Raises NotFound."""
    queries.paper_of(queries.papers_page(booking.id, today()), item)
    try:
        services.submit_document(item_id=_stored_item(booking, item), content=_content(form), now=now(), by=by)
    except Refused as refusal:
        form.document.errors = [refusal.message]
        return False
    flash(_("Thank you. Your document is encrypted and waits for a reviewer."), "good")
    return True


@bp.route("/passengers/<string:reference>/papers/<string:item>", methods=["GET", "POST"])
@public
@limiter.limit("20 per minute; 200 per day", methods=["POST"])
def own_paper(reference: str, item: str) -> ResponseReturnValue:
    """The same for a passenger who came by his own link: his papers alone."""
    booking = _own_booking(reference, item)
    form = PaperForm()
    if form.validate_on_submit() and _handed_in(booking, item, form, f"{BY_PASSENGER}{reference}"):
        return redirect(url_for(".own_paper", reference=reference, item=item))
    return _paper_page(booking, item, form, 422 if form.errors else 200, own=reference)


@bp.get("/passengers/<string:reference>/papers/<string:item>/<int:number>")
@public
@limiter.limit("60 per minute")
def own_document(reference: str, item: str, number: int) -> ResponseReturnValue:
    file = queries.submitted_file(_own_booking(reference, item).id, item, number, to_passenger=True)
    if not address_holds():
        return redirect(url_for(".own_paper", reference=reference, item=item))
    return whole_file(file, f"{file.kind}-{number}")


def _own_booking(reference: str, item: str) -> Booking:
    """Raises NotFound for another's paper, as for one that is not there."""
    passenger = own_passenger(reference)
    if not item.startswith(f"{reference}-"):
        raise NotFound(item)
    return passenger.booking


@bp.get("/bookings/<string:reference>/papers/<string:item>/<int:number>")
@public
@limiter.limit("60 per minute")
def document(reference: str, item: str, number: int) -> ResponseReturnValue:
    """What was handed in, for its owner; each look is written down."""
    file = queries.submitted_file(visitor_booking(reference).id, item, number)
    if not address_holds():
        return redirect(url_for(".paper", reference=reference, item=item))
    return whole_file(file, f"{file.kind}-{number}")


@bp.errorhandler(RequestEntityTooLarge)
def too_large(error: RequestEntityTooLarge) -> ResponseReturnValue:
    """The file did not even fit into a request: say so beside the field, as for any other reason."""
    values = request.view_args or {}
    own = request.endpoint == f"{bp.name}.own_paper"
    if request.endpoint != f"{bp.name}.paper" and not own:
        return render_template("errors/413.html"), 413
    form = PaperForm(formdata=None)
    form.document.errors = [FileTooLarge.message]
    try:  # a handler is alone with what it raises; and for a stranger nothing is read to its end
        reference, item = values["reference"], values["item"]
        booking = _own_booking(reference, item) if own else visitor_booking(reference)
        answer = _paper_page(booking, item, form, 413, own=reference if own else None)
    except NotFound:
        return render_template("errors/404.html"), 404
    _drain()
    return answer


def _drain() -> None:
    # No further than the request says it goes: behind some servers a read beyond its end waits for ever.
    left = min(request.content_length or DRAINED_BYTES, DRAINED_BYTES)
    while left > 0 and (chunk := request.environ["wsgi.input"].read(min(CHUNK, left))):
        left -= len(chunk)


def _stored_item(booking: Booking, slug: str) -> int:
    """The checklist of a booking made a moment ago may still be to write; then it is written now."""
    booking_id = booking.id
    item_id = queries.item_id_of(booking_id, slug)
    if item_id is None:
        services.refresh_checklist(booking_id=booking_id, now=now())
        item_id = queries.item_id_of(booking_id, slug)
    if item_id is None:  # given up before anything was agreed, so nothing is asked for
        raise PapersClosed
    return item_id


def _content(form: PaperForm) -> bytes:
    content: bytes = form.document.data.read()
    return content


def _paper_page(
    booking: Booking, slug: str, form: PaperForm, status: int, own: str | None = None
) -> tuple[str, int]:
    """own: the reference of the passenger whose own page this is."""
    page = queries.papers_page(booking.id, today())
    paper = queries.paper_of(page, slug)
    shown = render_template(
        "visas/paper.html",
        page=page,
        paper=paper,
        photo=queries.last_photo(paper),
        form=form,
        today=today(),
        words=labels,
        own=own,
    )
    return shown, status


ROWS = 4  # on a page without anything typed; more come with each answer
MOST_ASKED = 48  # sailings in one question of a script


@bp.route("/passports", methods=["GET", "POST"])
@public
@limiter.limit("60 per minute", methods=["POST"])
def passports() -> ResponseReturnValue:
    """What can still be done for the passports of a party, over all sailings on sale.

    Dates of passports travel in the body of a request alone: an address stands in logs and histories. The answer is a
    page, and of the question nothing is kept, in the session neither.
    """
    typed = typed_passports(request.form)
    order = Order(request.form["order"]) if request.form.get("order") in set(Order) else Order.DEPARTURE
    only = request.form.get("only") == "1"
    page = possible_page(typed.party, order=order, only=only, now=now(), today=today()) if typed.party else None
    blank = max(ROWS - len(typed.rows), 1)
    text = render_template(
        "visas/passports.html",
        page=page,
        typed=typed,
        rows=(*typed.rows, *([PassportRow()] * blank))[:MOST_PASSPORTS],
        order=order,
        only=only,
        countries=_countries(),
        words=labels,
        sources=sources_of,
    )
    return text, 422 if typed.wrong else 200


def _countries() -> list[tuple[str, str]]:
    names = dict(countries_by_name(language()))
    return [*((code, names[code]) for code in FIRST), *((c, name) for c, name in names.items() if c not in FIRST)]


@bp.post("/passports/answers")
@public
@csrf.exempt  # type: ignore[untyped-decorator]
@limiter.limit("60 per minute")
def passports_answers() -> ResponseReturnValue:
    """For the scripts of lists and cruises, which keep passports in the browser: by code what to show of a sailing.

    `s`: codes of sailings; `whole`: those that are shown with all their reasons. Kept nowhere, as above, and asked
    without a cookie: it changes nothing and says the same to everybody, so that there is nothing to forge.
    """
    typed = typed_passports(request.form)
    if not typed.party:
        return jsonify(wrong=typed.wrong), 422
    codes = list(dict.fromkeys([*request.form.getlist("s"), *request.form.getlist("whole")]))[:MOST_ASKED]
    found = chances(codes, typed.party, now(), today())
    brief = get_template_attribute("visas/chance.html", "brief")
    whole = get_template_attribute("visas/chance.html", "whole")
    asked_whole = set(request.form.getlist("whole"))
    return jsonify(
        whose=get_template_attribute("visas/chance.html", "whose")(typed.party),
        sailings={
            code: {
                "possible": chance.chance is not Chance.CANNOT,
                "html": whole(chance, labels, sources_of) if code in asked_whole else brief(chance, labels),
            }
            for code, chance in found.items()
        },
    )
