"""A visitor over real HTTP, quick enough to come in crowds: fills in the forms and keeps his cookies."""

from __future__ import annotations

import http.client
import re
import time
from dataclasses import dataclass
from html import unescape
from itertools import count
from urllib.parse import urlencode, urlsplit

CARD = {"number": "4242 4242 4242 4242", "expiry": "12/34", "cvc": "123", "name": "ANNA IVANOVA"}
TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]*)"')
PATIENCE_SECONDS = 60
AGAIN_SECONDS = 0.3  # as the waiting page does, only quicker
serial = count(1)


@dataclass(frozen=True)
class Answer:
    """What came back to one request; `url` is what was asked for."""

    url: str
    status: int
    text: str
    headers: http.client.HTTPMessage

    @property
    def location(self) -> str:
        return self.headers.get("Location", "")

    @property
    def words(self) -> str:
        return " ".join(unescape(re.sub(r"<[^>]*>", " ", self.text)).split())


class Unexpected(AssertionError):
    """An answer that does not lead on; `answer` tells why."""

    def __init__(self, step: str, answer: Answer) -> None:
        super().__init__(f"{step}: {answer.status} at {answer.url} -> {answer.location} {answer.words[-300:]}")
        self.answer = answer


class Customer:
    """One visitor, known by his cookies. `trail` holds every answer."""

    timeout_seconds = 60.0

    def __init__(self, portal: str, *, language: str = "en", email: str | None = None) -> None:
        self.portal = portal
        self.prefix = f"/{language}"
        self.number = next(serial)
        self.email = email or f"guest{self.number}@example.org"
        self.cookies: dict[str, str] = {}
        self.trail: list[Answer] = []
        self._connections: dict[str, http.client.HTTPConnection] = {}

    def get(self, url: str) -> Answer:
        return self._request("GET", url, None)

    def post(self, url: str, fields: dict[str, str]) -> Answer:
        return self._request("POST", url, urlencode(fields))

    def fill_in(self, url: str, fields: dict[str, str]) -> Answer:
        """Open the page and send its form; the token comes from the page, as with a browser."""
        page = self.get(url)
        token = TOKEN.search(page.text)
        if page.status != 200 or token is None:
            raise Unexpected("no form", page)
        if 'name="much"' in page.text:  # where it may be paid in parts, too
            fields = {"much": "all"} | fields
        return self.post(url, fields | {"csrf_token": token[1]})

    def book(self, sailing: str, cabin: str, passengers: int = 1) -> str:
        """From the cabin's page to the confirmed booking; its reference."""
        hold = self.hold(sailing, cabin, passengers)
        self.name(hold, passengers)
        reference = self.place(hold)
        self.pay(reference)
        return reference

    def hold(self, sailing: str, cabin: str, passengers: int = 1) -> str:
        """The reference of the hold."""
        answer = self.fill_in(f"{self.prefix}/cruises/{sailing}/cabins/{cabin}", {"party": str(passengers)})
        return self._led_to(answer, "hold", r"/holds/(\w+)/passengers")

    def name(self, hold: str, passengers: int = 1) -> None:
        fields: dict[str, str] = {}
        for place in range(passengers):
            passenger = {
                "surname": "IVANOVA",
                "given_names": "ANNA",
                "local_surname": "Иванова",
                "local_given_names": "Анна",
                "birth_date": "1985-05-17",
                "sex": "F",
                "citizenship": "RU",
                "document_kind": "passport",
                "document_number": f"75{self.number:05d}{place:02d}",
                "document_expires": "2031-01-01",
            }
            fields |= {f"passengers-{place}-{name}": value for name, value in passenger.items()}
        answer = self.fill_in(f"{self.prefix}/holds/{hold}/passengers", fields)
        self._led_to(answer, "passengers", r"/holds/(\w+)/review")

    def place(self, hold: str) -> str:
        """The reference of the booking."""
        contact = {
            "contact_name": "Anna Ivanova",
            "contact_email": self.email,
            "contact_phone": "+7 900 1234567",
            "terms": "y",
            "consent": "y",
        }
        answer = self.fill_in(f"{self.prefix}/holds/{hold}/review", contact)
        return self._led_to(answer, "review", r"/bookings/(\w+)/pay")

    def pay(self, reference: str) -> None:
        """By the test card, and on until the portal shows the booking as confirmed."""
        back = self.pay_at_provider(self.open_checkout(reference))
        self.await_confirmation(reference, back)

    def open_checkout(self, reference: str) -> str:
        """The address of the provider's page."""
        answer = self.fill_in(f"{self.prefix}/bookings/{reference}/pay", {"method": "stripe"})
        if answer.status != 303 or "/c/pay/" not in answer.location:
            raise Unexpected("pay", answer)
        return answer.location

    def pay_at_provider(self, page: str) -> str:
        """The address to which the provider sends the customer back."""
        answer = self.post(page, CARD | {"email": self.email})
        if answer.status != 303:
            raise Unexpected("card", answer)
        return answer.location

    def await_confirmation(self, reference: str, back: str) -> None:
        until = time.monotonic() + PATIENCE_SECONDS
        answer = self.get(back)
        while answer.status == 200 and time.monotonic() < until:
            time.sleep(AGAIN_SECONDS)
            answer = self.get(back)
        self._led_to(answer, "return", rf"/bookings/({reference})$")
        booking = self.get(answer.location)
        if booking.status != 200 or f"/bookings/{reference}/voucher.pdf" not in booking.text:
            raise Unexpected("not confirmed", booking)

    def close(self) -> None:
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()

    def _led_to(self, answer: Answer, step: str, pattern: str) -> str:
        found = re.search(pattern, urlsplit(answer.location).path)
        if answer.status not in (302, 303) or found is None:
            raise Unexpected(step, answer)
        return found[1]

    def _request(self, method: str, url: str, body: str | None, more: dict[str, str] | None = None) -> Answer:
        parts = urlsplit(url if "://" in url else self.portal + url)
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        ours = parts.netloc == urlsplit(self.portal).netloc
        headers = {"Accept": "text/html"} | (more or {})
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        if ours and self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        used_before = parts.netloc in self._connections
        try:
            answer = self._exchange(parts.netloc, method, target, body, headers)
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
            self._drop(parts.netloc)
            if not used_before:
                raise
            # The server closed a connection that lay idle, as it may; browsers try once more, too.
            answer = self._exchange(parts.netloc, method, target, body, headers)
        except (OSError, http.client.HTTPException):
            self._drop(parts.netloc)
            raise
        if ours:
            for cookie in answer.headers.get_all("Set-Cookie", []):
                name, _, rest = cookie.partition("=")
                self.cookies[name] = rest.partition(";")[0]
        self.trail.append(answer)
        return answer

    def _exchange(self, host: str, method: str, target: str, body: str | None, headers: dict[str, str]) -> Answer:
        connection = self._connections.get(host)
        if connection is None:
            connection = self._connections[host] = http.client.HTTPConnection(host, timeout=self.timeout_seconds)
        connection.request(method, target, body, headers)
        response = connection.getresponse()
        content = response.read()
        if response.will_close:
            self._drop(host)
        return Answer(target, response.status, content.decode(errors="replace"), response.headers)

    def _drop(self, host: str) -> None:
        connection = self._connections.pop(host, None)
        if connection is not None:
            connection.close()
