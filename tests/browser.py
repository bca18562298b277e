"""A client that behaves like a person without JavaScript and checks every page it is shown."""

from __future__ import annotations

from collections.abc import Iterator
from contextvars import Context
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin, urlsplit
from xml.etree.ElementTree import Element

import html5lib

from portal.database import db

LANGUAGES = ("ru", "tk", "en")
# Elements at whose edges a line does not break.
INLINE = {
    "a",
    "abbr",
    "b",
    "bdi",
    "code",
    "em",
    "i",
    "kbd",
    "mark",
    "q",
    "s",
    "small",
    "span",
    "strong",
    "sub",
    "sup",
    "time",
}
NOT_SENT = {"submit", "button", "reset", "image", "file"}


@dataclass
class Form:
    """A form as the page shows it: where it goes and what it would send if nobody typed anything."""

    action: str
    method: str
    id: str
    in_main: bool
    values: dict[str, list[str]]


@dataclass
class Page:
    """What came back. `text` is the document; `content` the bytes of anything that is not text."""

    browser: Browser
    url: str
    status: int
    text: str
    content: bytes
    location: str
    headers: Any
    mimetype: str
    tree: Element | None = None
    forms: list[Form] = field(default_factory=list)

    @property
    def words(self) -> str:
        """The visible words, with runs of white space as one space."""
        assert self.tree is not None, f"{self.url}: not a page"
        body = self.tree.find("body")
        assert body is not None
        return " ".join("".join(_words(body)).split())

    @property
    def links(self) -> list[str]:
        """Where the links of the page lead, in order."""
        assert self.tree is not None, f"{self.url}: not a page"
        return [urljoin(self.url, link.get("href", "")) for link in self.tree.iter("a") if link.get("href")]

    def find(self, tag: str, **attributes: str) -> list[Element]:
        """Elements with these attributes; `class_` is one class of several, `data_x` means data-x."""
        assert self.tree is not None, f"{self.url}: not a page"
        wanted = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}
        return [
            element
            for element in self.tree.iter(tag)
            if all(
                value in element.get(name, "").split() if name == "class" else element.get(name) == value
                for name, value in wanted.items()
            )
        ]

    def form(self, which: str | None = None) -> Form:
        """The form with this id or this in its address; by default the only POST form of the main part."""
        if which is None:
            found = [form for form in self.forms if form.in_main and form.method == "post"]
        else:
            found = [form for form in self.forms if which == form.id or which in form.action]
        assert len(found) == 1, f"{self.url}: {len(found)} for {which!r} in {[form.action for form in self.forms]}"
        return found[0]

    def submit(self, form: str | None = None, **fields: Any) -> Page:
        """Send the form as shown, with `fields` typed in; None leaves a field out, (stream, name) is a file."""
        chosen = self.form(form)
        data: dict[str, Any] = chosen.values | {
            name: value if isinstance(value, list | tuple) else str(value) for name, value in fields.items()
        }
        data = {name: value for name, value in data.items() if fields.get(name, "") is not None}
        url = urljoin(self.url, chosen.action)
        if chosen.method == "get":
            return self.browser.request(url.partition("?")[0], query_string=data)
        return self.browser.request(url, method="POST", data=data)

    def follow(self) -> Page:
        """Go where this answer redirects to."""
        assert self.location, f"{self.url}: {self.status} is no redirect"
        return self.browser.open(urljoin(self.url, self.location))


class Browser:
    """One visitor with his cookies; every page that he opens is checked."""

    def __init__(self, client: Any) -> None:
        self.client = client

    def sign_in(self, account: Any) -> None:
        def remember(user_id: str) -> None:
            with self.client.session_transaction() as session:
                session["_user_id"], session["_fresh"] = user_id, True

        Context().run(remember, account.get_id())

    def sign_out(self) -> None:
        def forget() -> None:
            with self.client.session_transaction() as session:
                session.pop("_user_id", None)

        Context().run(forget)

    def open(self, url: str, **how: Any) -> Page:
        return self.request(url, **how)

    def request(self, url: str, **how: Any) -> Page:
        """In an empty context: its own app context, `g` and database session, as in production."""
        address = urlsplit(url)
        path = address.path + (f"?{address.query}" if address.query else "")
        return self.read(path, self._ask(path, **how))

    def status(self, url: str, **how: Any) -> int:
        """What is answered, of a page that nobody looks at."""
        response = self._ask(url, **how)
        response.close()
        return int(response.status_code)

    def _ask(self, path: str, **how: Any) -> Any:
        response = Context().run(lambda: self.client.open(path, **how))
        response.request.environ["wsgi.input"].close()  # a large upload lies in a file of its own
        db.session.rollback()  # the test's own session shall see what the request has committed
        return response

    def read(self, url: str, response: Any) -> Page:
        textual = response.mimetype.startswith("text/") or response.mimetype.endswith(("json", "xml"))
        page = Page(
            browser=self,
            url=url,
            status=response.status_code,
            text=response.text if textual else "",
            content=response.data,
            location=response.location or "",
            headers=response.headers,
            mimetype=response.mimetype,
        )
        response.close()
        if page.mimetype == "text/html" and not page.location:
            page.tree = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(page.text)
            page.forms = list(_forms(page.tree))
            assert mistakes_in(page.tree, url) == [], url
        return page


def mistakes_in(tree: Element, url: str) -> list[str]:
    """What no page of ours may do, whatever it shows."""
    elements = [element for element in tree.iter() if isinstance(element.tag, str)]
    ids = [element.get("id", "") for element in elements if element.get("id") is not None]
    mistakes = [f"id {name!r} twice" for name in sorted({name for name in ids if ids.count(name) > 1})]
    headings = [element for element in elements if element.tag == "h1"]
    if len(headings) != 1:
        mistakes.append(f"{len(headings)} h1")
    if not (tree.findtext("head/title") or "").strip():
        mistakes.append("no title")
    language = urlsplit(url).path.strip("/").partition("/")[0]
    if language in LANGUAGES and tree.get("lang") != language:
        mistakes.append(f"lang={tree.get('lang')!r} at an address in {language!r}")
    for element in elements:
        mistakes += _mistakes_of(element, set(ids))
    return mistakes


def _mistakes_of(element: Element, ids: set[str]) -> list[str]:
    tag = element.tag
    # The content security policy forbids what stands in the document itself; the browser would drop it silently.
    mistakes = [f"<{tag} {name}>: no inline handlers" for name in element.keys() if name.startswith("on")]  # noqa: SIM118
    if element.get("style") is not None or tag == "style":
        mistakes.append(f"<{tag}>: no inline style")
    if tag == "script" and not element.get("src") and element.get("type") != "application/json":
        mistakes.append("<script>: no inline script")
    if tag == "img" and element.get("alt") is None:
        mistakes.append(f"<img src={element.get('src')!r}> without alt")
    if tag == "form" and element.get("method", "get").lower() == "post":
        names = [item.get("name") for item in element.iter("input")]
        if "csrf_token" not in names:
            mistakes.append(f"form to {element.get('action')!r} without CSRF token")
    for name in ("aria-describedby", "aria-labelledby", "aria-controls", "for", "list", "form"):
        missing = set(element.get(name, "").split()) - ids
        if missing:
            mistakes.append(f"<{tag} {name}> names {sorted(missing)}, which is not there")
    return mistakes


def _forms(tree: Element) -> list[Form]:
    forms = {id(form): _form(form) for form in tree.iter("form")}
    by_id = {form.id: form for form in forms.values() if form.id}
    owners: dict[int, Form] = {}
    for element in tree.iter("form"):
        owners |= {id(item): forms[id(element)] for item in element.iter()}
    for main in tree.iter("main"):
        for element in main.iter("form"):
            forms[id(element)].in_main = True
    for item in tree.iter():
        owner = by_id.get(item.get("form", "")) if item.get("form") else owners.get(id(item))
        name = item.get("name")
        if owner is not None and name and item.get("disabled") is None:
            for value in _sent(item):
                owner.values.setdefault(name, []).append(value)
    return list(forms.values())


def _form(element: Element) -> Form:
    return Form(
        action=element.get("action", ""),
        method=element.get("method", "get").lower(),
        id=element.get("id", ""),
        in_main=False,
        values={},
    )


def _sent(item: Element) -> list[str]:
    """What this control adds to its form if nobody touches it."""
    if item.tag == "textarea":
        return [item.text or ""]
    if item.tag == "select":
        options = list(item.iter("option"))
        chosen = [option for option in options if option.get("selected") is not None]
        if not chosen and item.get("multiple") is None:
            chosen = options[:1]
        return [option.get("value", option.text or "") for option in chosen]
    if item.tag != "input" or item.get("type") in NOT_SENT:
        return []
    if item.get("type") in ("checkbox", "radio"):
        return [item.get("value", "on")] if item.get("checked") is not None else []
    return [item.get("value", "")]


def _words(element: Element) -> Iterator[str]:
    """The text in an element, in the order of the document; what a reader is not shown is left out."""
    if isinstance(element.tag, str) and element.tag not in ("script", "style", "template"):
        edge = "" if element.tag in INLINE else " "
        yield edge + (element.text or "")
        for child in element:
            yield from _words(child)
            yield child.tail or ""
        yield edge
