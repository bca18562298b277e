"""How the staff work: sign in, review a document, take the passenger list, change a port call."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

from openpyxl import load_workbook

from tests.journeys.conftest import Staff


def sign_in(page: Any, language: str, who: Staff) -> None:
    page.goto(f"/{language}/sign-in")
    form = page.locator("main form:has([name=password])")
    form.locator("[name=email]").fill(who.email)
    form.locator("[name=password]").fill(who.password)
    form.locator("button[type=submit]").click()
    page.wait_for_url(f"**/{language}/staff/")


def accept_the_only_document(page: Any, language: str) -> str:
    """From the queue to the bench, and accept; what the bench showed."""
    page.goto(f"/{language}/staff/reviews")
    page.locator("main a[href*='/staff/reviews/']").click()
    page.wait_for_url("**/staff/reviews/*")
    picture = page.locator(".bench__page img").first
    picture.wait_for()
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
    shown = str(page.locator("main").inner_text())
    page.locator("form[action$='/accept'] button").click()
    page.wait_for_url(f"**/{language}/staff/reviews")
    return shown


def passenger_list(page: Any, language: str, code: str) -> list[str]:
    """Every text of the workbook."""
    page.goto(f"/{language}/staff/sailings/{code}")
    with page.expect_download() as started:
        page.locator("a[href$='/passengers.xlsx']").click()
    sheet = load_workbook(BytesIO(Path(started.value.path()).read_bytes())).active
    return [str(cell.value) for row in sheet.iter_rows() for cell in row if cell.value is not None]


def change_departure(page: Any, language: str, code: str, *, call: int, minutes: int) -> str:
    """Let the ship leave this call so much later; the new time of day."""
    page.goto(f"/{language}/staff/sailings/{code}")
    page.locator(f"nav a[href$='/{code}/calls']").click()
    field = page.locator(f"[name='calls-{call - 1}-departs']")
    day, _, time = field.input_value().partition("T")
    hour, minute = map(int, time.split(":")[:2])
    total = hour * 60 + minute + minutes
    new = f"{total // 60:02d}:{total % 60:02d}"
    field.fill(f"{day}T{new}")
    page.locator("main form:has([name=version]) button[type=submit]").click()
    page.wait_for_url(f"**/staff/sailings/{code}")
    return new
