"""Every kind of page, in every language: open to everyone, in light and dark, narrow and wide, in one language only."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from babel.messages.pofile import read_po
from werkzeug.exceptions import HTTPException

from tests.conftest import ROOT, sqlite_file
from tests.journeys.gallery import Guide, Shown, furnish, without_database
from tests.journeys.tourist import (
    ANNA,
    MERET,
    Hand,
    agree,
    find_cruise,
    hold_cabin,
    name_passengers,
    open_payment_page,
    pay_by_card,
    send,
)

pytestmark = pytest.mark.browser

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# What the colours and the width of a page decide; all else is the same by day and by night, wide and narrow.
COLOURS_AND_PLACES = ["color-contrast", "link-in-text-block", "scrollable-region-focusable", "target-size"]
RUN = """async (only) => {
  const found = await axe.run(document, { runOnly: only, resultTypes: ['violations'] });
  return found.violations.flatMap(({ id, help, nodes }) =>
    nodes.slice(0, 3).map(({ target, failureSummary }) => `${id}: ${help} at ${target} ${failureSummary ?? ''}`));
}"""
# Texts with the language they are marked as; what is a name, and what no reader is shown or told, is left out.
TEXTS = """() => {
  const found = [['title', document.title]];
  const here = document.documentElement.lang;
  const ours = (element) =>
    (element.closest('[lang]')?.lang ?? here) === here && !element.closest('[translate=no], script, style, template');
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (ours(node.parentElement)) found.push(['text', node.data]);
  }
  for (const element of document.querySelectorAll('[aria-label], [title], [alt], [placeholder], input[value]')) {
    if (!ours(element)) continue;
    for (const name of ['aria-label', 'title', 'alt', 'placeholder']) found.push([name, element.getAttribute(name)]);
  }
  return found.map(([kind, text]) => [kind, (text ?? '').replace(/\\s+/g, ' ').trim()]).filter(([, text]) => text);
}"""
CYRILLIC = re.compile("[А-Яа-яЁё]")
LATIN_WORDS = re.compile(r"[A-Za-zÄäÇçŽžŇňÖöŞşÜüÝý]{2,}(,? [A-Za-zÄäÇçŽžŇňÖöŞşÜüÝý]{2,}){2,}")
# Documents, data and ways to other pages.
NOT_PAGES = {
    "agencies.invoice",
    "agencies.receipt",
    "booking.price",  # leads back to the review; a page only while something in it is to be mended
    "booking.calendar_ics",
    "booking.open_booking",
    "booking.open_place",
    "booking.voucher_pdf",
    "inventory.deck_plan_live",
    "inventory.deck_plan_states",
    "passengers.open_link",
    "payments.cancelled",
    "payments.invoice_pdf",
    "payments.money_paper",
    "quotes.quote_pdf",
    "reservations.open_reservation",
    "reviews.evidence",
    "reviews.page_picture",
    "rules.export",
    "shares.cancelled",
    "shares.invoice_pdf",
    "shares.open_link",
    "shares.receipt",
    "shares.returned",
    "staff.exported",
    "staff.invoice_of_agency",
    "staff.money_paper",
    "staff.passenger_list",
    "staff.statement_template",
    "staff.visa_list_paper",
    "staff.visa_list_workbook",
    "visas.document",
    "visas.own_document",
    "web.theme",
}
VALUE = r"%\(\w+\)[sd]"
NARROW = 360


def test_no_page_shuts_anyone_out_by_day_on_a_desk_and_by_night_on_a_telephone(app, house, visit):
    # What axe looks at is the same in every language.
    guide = Guide(visit, house, furnish(app, "ru"), "ru", script=AXE)
    english = english_texts("ru")
    by_night = {shown.name for shown in one_of_each(app, guide.gallery.pages)}  # a kind of page has one set of colours

    def look(page: Any, name: str) -> Iterator[str]:
        size = page.viewport_size
        yield from page.evaluate(RUN, {"type": "tag", "values": TAGS})
        yield from foreign_texts(page.evaluate(TEXTS), "ru", english)
        if name not in by_night:
            return
        page.emulate_media(color_scheme="dark")
        page.set_viewport_size({"width": NARROW, "height": 800})
        found = page.evaluate(RUN, {"type": "rule", "values": COLOURS_AND_PLACES})
        yield from (f"dark and narrow: {fault}" for fault in found)
        yield from too_wide(page)
        page.set_viewport_size(size)
        page.emulate_media(color_scheme="light")

    faults = list(look_at_all(app, guide, look))

    assert not faults, "\n".join(faults)


def test_every_page_speaks_one_language_and_fits_a_telephone(app, house, visit):
    """In Turkmen, whose words are long; what is left in Russian here would be so in English. Of each kind one page."""
    guide = Guide(visit, house, furnish(app, "tk"), "tk", width=NARROW)
    english = english_texts("tk")

    def look(page: Any, name: str) -> Iterator[str]:
        return words_and_width(page, "tk", english)

    faults = list(look_at_all(app, guide, look, one_of_each(app, guide.gallery.pages)))

    assert not faults, "\n".join(faults)


def words_and_width(page: Any, language: str, english: list[re.Pattern[str]]) -> Iterator[str]:
    yield from foreign_texts(page.evaluate(TEXTS), language, english)
    lang = page.locator("html").get_attribute("lang")
    if lang != language:
        yield f"lang={lang}"
    yield from too_wide(page)


def one_of_each(app: Any, pages: Iterable[Shown]) -> Iterator[Shown]:
    """The first page of each kind, and the first that refuses something there."""
    addresses = app.url_map.bind("localhost")
    met = set()
    for shown in pages:
        try:
            kind = addresses.match(f"/tk/{urlsplit(shown.path).path}")[0]
        except HTTPException:
            kind = shown.path
        if (kind, shown.status) not in met:
            met.add((kind, shown.status))
            yield shown


def look_at_all(
    app: Any, guide: Guide, look: Callable[[Any, str], Iterator[str]], pages: Iterable[Shown] | None = None
) -> Iterator[str]:
    """What is wrong with each page of the gallery, or with these, by name."""
    for shown in pages or guide.gallery.pages:
        yield from (f"{shown.name}: {fault}" for fault in look(guide.open(shown), shown.name))
    yield from (f"throttled: {fault}" for fault in look(open_throttled(guide), "throttled"))
    with without_database(app, sqlite_file()):
        away = guide.open(Shown("database away", "cruises", status=503))
        yield from (f"database away: {fault}" for fault in look(away, "database away"))


def test_no_kind_of_page_is_forgotten(app, house):
    addresses = app.url_map.bind("localhost")
    shown = [page.path for page in furnish(app, "en").pages if page.status == 200]
    seen = {addresses.match(f"/en/{urlsplit(path).path}")[0] for path in shown}
    pages = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if "GET" in rule.methods and "language" in rule.arguments and rule.endpoint not in NOT_PAGES
    }

    assert pages - seen == set()


@pytest.mark.parametrize("language", ["ru", "tk"])
def test_the_page_of_the_test_cards_and_the_letters_are_open_to_everyone(app, house, visit, language):
    tourist = Hand(visit(language, bypass_csp=True, reduced_motion="reduce"))
    page = tourist.page
    page.context.add_init_script(path=AXE)
    axe = {"type": "tag", "values": [tag for tag in TAGS if tag != "best-practice"]}  # a letter has no landmarks

    find_cruise(tourist, language, country="TM", month="2024-05")
    hold_cabin(tourist, "PV24-02", "312")
    name_passengers(tourist, ANNA, MERET)
    reference = agree(tourist)
    open_payment_page(tourist)
    faults = page.evaluate(RUN, axe)
    send(tourist, page.locator("form"))
    page.locator("[aria-invalid=true]").first.wait_for()
    page.wait_for_load_state()  # what stands there already may still be without its style sheet
    faults += page.evaluate(RUN, axe)
    pay_by_card(tourist, reference)
    house.work()
    letters = house.letters()
    for letter in letters:
        page.set_content(letter.get_body(("html",)).get_content())
        page.add_script_tag(path=AXE)
        faults += [f"{letter['Subject']}: {fault}" for fault in page.evaluate(RUN, axe)]
        page.set_viewport_size({"width": NARROW, "height": 800})
        faults += [f"{letter['Subject']}: {fault}" for fault in too_wide(page)]

    assert len(letters) > 1
    assert not faults, "\n".join(faults)


def open_throttled(guide: Guide) -> Any:
    """Too many tries of a private link are answered by a page, too."""
    page = guide.windows["guest"]
    address = f"/{guide.language}/bookings/NOSUCH22/open/nonsense"
    for _ in range(20):
        page.request.get(address)
    assert page.goto(address).status == 429
    return page


def too_wide(page: Any) -> list[str]:
    """What sticks out to the right, if the page can be scrolled sideways."""
    return list(
        page.evaluate(
            """() => {
          const width = document.documentElement.clientWidth;
          if (document.documentElement.scrollWidth <= width) return [];
          return [...document.querySelectorAll('body *')]
            .filter((element) => element.getBoundingClientRect().right > width + 1)
            .slice(0, 3).map((element) => `wider than 360 px: ${element.outerHTML.slice(0, 120)}`);
        }"""
        )
    )


def english_texts(language: str) -> list[re.Pattern[str]]:
    """Each English text that reads otherwise in `language`, with anything in the place of its values."""
    if language == "en":
        return []
    with (ROOT / "translations" / language / "LC_MESSAGES" / "messages.po").open("rb") as file:
        catalog = read_po(file, locale=language)
    found = []
    for message in catalog:
        originals, forms = ([text] if isinstance(text, str) else list(text) for text in (message.id, message.string))
        for text in originals:
            plain = " ".join(re.sub(r"<[^>]*>", "", text).split())
            if re.search("[A-Za-z]{2}", re.sub(VALUE, "", plain)) and text not in forms:
                found.append(re.compile(".+?".join(map(re.escape, re.split(VALUE, plain)))))
    return found


def foreign_texts(texts: list[list[str]], language: str, english: list[re.Pattern[str]]) -> list[str]:
    """Texts that are still English, or in letters that the language does not have."""
    found = []
    for kind, text in texts:
        if any(pattern.fullmatch(text) for pattern in english):
            found.append(f"English {kind}: {text}")
        if language != "ru" and CYRILLIC.search(text):
            found.append(f"Russian {kind}: {text}")
        if language == "ru" and LATIN_WORDS.search(text) and not CYRILLIC.search(text):
            found.append(f"not Russian {kind}: {text}")
    return found
