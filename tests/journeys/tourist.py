"""How a tourist buys a passage, whatever he has at hand: a pointer, a keyboard alone, a browser without scripts."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import expect

CARD = "4242 4242 4242 4242"
ANNA = {
    "surname": "Ivanova",
    "given_names": "Anna",
    "local_surname": "Иванова",
    "local_given_names": "Анна",
    "birth_date": "1985-05-05",
    "sex": "F",
    "citizenship": "RU",
    "document_kind": "passport",
    "document_number": "75 1234567",
    "document_expires": "2031-01-01",
}
MERET = {
    "surname": "Berdiyev",
    "given_names": "Meret",
    "local_surname": "Berdiýew",
    "local_given_names": "Meret",
    "birth_date": "1983-03-03",
    "sex": "M",
    "citizenship": "TM",
    "document_kind": "passport",
    "document_number": "A1234567",
    "document_expires": "2031-01-01",
}
CONTACT = {
    "contact_name": "Anna Ivanova",
    "contact_email": "anna@example.org",
    "contact_phone": "+7 900 1234567",
}
# What shows that something has the focus may lie around it. In a date field the last stop is the browser's own button
# for its calendar, which rings itself and not the field.
FOCUS = """() => {
  const active = document.activeElement;
  if (!active || active === document.body) return 'nothing';
  const name = active.outerHTML.slice(0, 140);
  let around = active, seen = active.matches("input[type^='date']:not(:focus-visible)");
  for (let level = 0; around && level < 6; level += 1, around = around.parentElement) {
    const style = getComputedStyle(around);
    if (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2) { seen = true; break; }
  }
  if (!seen) return `without an outline: ${name}`;
  const box = active.getBoundingClientRect();
  const points = [[.5, .5], [.08, .5], [.92, .5], [.5, .15], [.5, .85]].map(
    ([x, y]) => [box.left + box.width * x, box.top + box.height * y]);
  const uncovered = points.some(([x, y]) => {
    const top = document.elementFromPoint(x, y);
    return top && (active.contains(top) || top.contains(active) || top.closest('label')?.control === active);
  });
  return uncovered ? '' : `covered or out of sight: ${name}`;
}"""

# The arrow that leads from the focus to an element: first to its row, then along it.
TOWARDS = """wanted => {
  if (wanted === document.activeElement) return '';
  const [to, from] = [wanted, document.activeElement].map((element) => element.getBoundingClientRect());
  const [right, down] = [to.left - from.left, to.top - from.top];
  if (Math.abs(down) > to.height / 2) return down > 0 ? 'ArrowDown' : 'ArrowUp';
  return right > 0 ? 'ArrowRight' : 'ArrowLeft';
}"""


@dataclass
class Hand:
    """A pointer and a keyboard to write with."""

    page: Any

    def press(self, target: Any) -> None:
        target.click()

    def write(self, target: Any, text: str) -> None:
        target.fill(text)

    def choose(self, target: Any, value: str) -> None:
        target.select_option(value)

    def tick(self, target: Any) -> None:
        target.check()

    def press_cabin(self, number: str) -> None:
        self.press(cabin_on_plan(self.page, number))


@dataclass
class Keyboard(Hand):
    """The keyboard alone. Each stop must be seen: what it met that was not stands in `unseen`."""

    unseen: list[str] = field(default_factory=list)

    def key(self, name: str) -> None:
        self.page.keyboard.press(name)
        fault = self.page.evaluate(FOCUS)
        if fault and fault != "nothing":
            self.unseen.append(f"{self.page.url}: {fault}")

    def reach(self, target: Any) -> None:
        """Tab by tab to `target`, the first of it that takes the focus."""
        for _ in range(400):
            if target.evaluate("element => element === document.activeElement"):
                return
            self.key("Tab")
        raise AssertionError(f"{self.page.url}: no way by Tab to {target}")

    def press(self, target: Any) -> None:
        self.reach(target)
        self.page.keyboard.press("Enter")

    def write(self, target: Any, text: str) -> None:
        self.reach(target)
        if target.get_attribute("type") == "date":
            year, month, day = text.split("-")
            text = f"{day}{month}{year}"
        self.page.keyboard.type(text)

    def choose(self, target: Any, value: str) -> None:
        self.reach(target)
        self.page.keyboard.press("Home")
        for _ in range(300):
            if target.input_value() == value:
                return
            self.page.keyboard.press("ArrowDown")
        raise AssertionError(f"{self.page.url}: {target} does not offer {value}")

    def tick(self, target: Any) -> None:
        if target.is_checked():
            return
        if target.get_attribute("type") == "checkbox":
            self.reach(target)
            self.page.keyboard.press("Space")
        else:  # the group is one stop; the arrows move inside it
            group = self.page.locator(f"input[name='{target.get_attribute('name')}']")
            stop = group.and_(self.page.locator(":checked"))
            self.reach(stop if stop.count() else group.first)
            for _ in range(group.count()):
                if target.is_checked():
                    break
                self.key("ArrowDown")
        expect(target).to_be_checked()

    def press_cabin(self, number: str) -> None:
        """Into the plan by Tab, along it by the arrows."""
        wanted = cabin_on_plan(self.page, number)
        self.reach(self.page.locator(".cabins a[href]").first)
        for _ in range(80):
            arrow = wanted.evaluate(TOWARDS)
            if arrow == "":
                self.page.keyboard.press("Enter")
                return
            self.key(arrow)
        raise AssertionError(f"no way by arrows to cabin {number}")


def cabin_on_plan(page: Any, number: str) -> Any:
    return page.locator(f".cabins a[href='cabins/{number}']")


def send(hand: Hand, form: Any) -> None:
    """Press the first button that sends this form."""
    hand.press(form.locator("button[type=submit]:not([tabindex='-1'], [formnovalidate])").first)


def find_cruise(hand: Hand, language: str, *, country: str, month: str) -> str:
    """From the start page to the first cruise that calls at `country` in `month`; its code."""
    page = hand.page
    page.goto("/")
    page.wait_for_url(f"**/{language}/")
    search = page.locator("form.search")
    hand.choose(search.locator("[name=month]"), month)
    hand.choose(search.locator("[name=country]"), country)
    send(hand, search)
    page.wait_for_url(f"**/{language}/cruises?*")
    expect(page.locator("[name=month]")).to_have_value(month)
    first = page.locator(".ticket a.covers").first
    code = str(first.get_attribute("href")).rpartition("/")[2]
    hand.press(first)
    page.wait_for_url(f"**/{language}/cruises/{code}")
    return code


def hold_cabin(hand: Hand, code: str, number: str, *, party: int = 2) -> str:
    """From the cruise page over the deck plan to the passengers; the reference of the hold."""
    page = hand.page
    hand.press(page.locator("aside a[href$='/deck-plan']"))
    page.wait_for_url("**/deck-plan")
    hand.press_cabin(number)
    page.wait_for_url(f"**/cruises/{code}/cabins/{number}")
    return _hold(hand, party)


def press_free_cabin(hand: Hand, number: str, *, part: str, party: int = 2) -> str:
    """On the plan of a part of a voyage; the reference of the hold."""
    hand.press(hand.page.locator(f".cabins a[href='cabins/{number}?part={part}']"))
    hand.page.wait_for_url(f"**/cabins/{number}?part={part}")
    return _hold(hand, party)


def _hold(hand: Hand, party: int) -> str:
    page = hand.page
    hand.tick(page.locator(f"main input[name=party][value='{party}']"))
    send(hand, page.locator("main form"))
    page.wait_for_url("**/holds/*/passengers")
    expect(page.locator("[role=timer]")).to_be_visible()
    return str(page.url).split("/")[-2]


def name_passengers(hand: Hand, *people: dict[str, str]) -> None:
    page = hand.page
    for place, person in enumerate(people):
        hand.press(page.locator(".traveller__later > summary").nth(place))
        for name, value in person.items():
            target = page.locator(f"[name='passengers-{place}-{name}']")
            if target.evaluate("element => element.tagName") == "SELECT":
                hand.choose(target, value)
            else:
                hand.write(target, value)
    send(hand, page.locator("#passengers-form"))
    page.wait_for_url("**/review")


def agree(hand: Hand, **contact: str) -> str:
    """Check the price, give a contact, accept; the reference of the booking."""
    page = hand.page
    form = page.locator("#review-form")
    for name, value in (CONTACT | contact).items():
        hand.write(form.locator(f"[name={name}]"), value)
    hand.tick(form.locator("[name=terms]"))
    hand.tick(form.locator("[name=consent]"))
    send(hand, form)
    page.wait_for_url(re.compile(r"/bookings/\w+/pay(#price)?$"))  # browsers keep a fragment over redirects
    return str(page.url).split("/")[-2]


def open_payment_page(hand: Hand, way: str = "stripe") -> None:
    page = hand.page
    form = page.locator("main form:has([name=method])")
    hand.tick(form.locator(f"[name=method][value={way}]"))
    send(hand, form)
    page.wait_for_url(lambda address: "/bookings/" not in address)


def pay_by_card(hand: Hand, reference: str, number: str = CARD) -> None:
    """On the provider's page, and back to the booking."""
    page = hand.page
    for name, value in {"number": number, "expiry": "12/34", "cvc": "123", "name": "ANNA IVANOVA"}.items():
        hand.write(page.locator(f"[name={name}]"), value)
    send(hand, page.locator("form").first)
    page.wait_for_url(re.compile(rf"/bookings/{reference}(#price)?$"))


def book(hand: Hand, language: str, *, number: str = "312", email: str = "anna@example.org") -> tuple[str, str]:
    """The whole purchase for two; the code of the cruise and the reference of the booking."""
    code = find_cruise(hand, language, country="TM", month="2024-05")
    hold_cabin(hand, code, number)
    name_passengers(hand, ANNA, MERET)
    reference = agree(hand, contact_email=email)
    open_payment_page(hand)
    pay_by_card(hand, reference)
    return code, reference
