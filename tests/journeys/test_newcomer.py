"""The whole story in each language: book a cabin for two, pay, hand in a passport that is accepted."""

from __future__ import annotations

import re
from email.message import EmailMessage
from typing import Any

import pypdfium2
import pytest
from playwright.sync_api import expect

from portal.accounts.models import Role
from tests.files.uploads import jpeg
from tests.journeys import staff
from tests.journeys.tourist import Hand, book

pytestmark = pytest.mark.browser

CYRILLIC = re.compile("[А-Яа-яЁё]+")
LATIN = re.compile(r"[A-Za-zÄäÇçŽžŇňÖöŞşÜüÝý]{3,}")
# What a guest typed, and names that are the same in every language.
NAMES = {"Anna", "Ivanova", "IVANOVA", "ANNA", "BERDIYEV", "MERET", "Meret", "Berdiýew", "Berdiyev"}
CYRILLIC_NAMES = {"Иванова", "Анна"}
CODES = {"PDF", "UTC", "RUB", "TRI", "CAS", "example", "org", "http", "https", "anna"}


@pytest.mark.parametrize("language", ["ru", "tk", "en"])
def test_a_newcomer_books_and_everyone_does_his_part(house, visit, language):
    tourist = visit(language)

    code, reference = book(Hand(tourist), language, email="anna@example.org")
    house.work()

    check_confirmation(tourist, language, reference)
    check_letter(house.letters(), language, reference)

    hand_in_passport(tourist)
    reviewer = visit(language)
    staff.sign_in(reviewer, language, house.staff[Role.REVIEWER])
    bench = staff.accept_the_only_document(reviewer, language)
    assert "IVANOVA" in bench
    tourist.reload()
    expect(tourist.locator(".page-head .status--good")).to_be_visible()

    operator = visit(language)
    staff.sign_in(operator, language, house.staff[Role.OPERATOR])
    listed = staff.passenger_list(operator, language, code)
    assert {"IVANOVA", "BERDIYEV", "ANNA", "MERET", "312", "751234567", "A1234567", reference} <= set(listed)

    new_time = staff.change_departure(operator, language, code, call=2, minutes=35)
    house.work()
    tourist.goto(f"/{language}/bookings/{reference}")
    expect(tourist.locator(".programme li").nth(1)).to_contain_text(new_time)
    tourist.goto(f"/{language}/cruises/{code}")
    expect(tourist.locator(".days__call").nth(1)).to_contain_text(new_time)
    stranger = visit(language)
    stranger.goto(f"/{language}/cruises/{code}")
    expect(stranger.locator(".days__call").nth(1)).to_contain_text(new_time)


def check_confirmation(page: Any, language: str, reference: str) -> None:
    """The page of a booking that is paid, in one language."""
    page.reload()
    expect(page.locator("html")).to_have_attribute("lang", language)
    expect(page.locator(".page-head .status--good")).to_be_visible()
    expect(page.locator("main")).to_contain_text("IVANOVA ANNA")
    expect(page.locator("main")).to_contain_text("BERDIYEV MERET")
    for name in ("voucher.pdf", "calendar.ics"):
        with page.expect_download() as started:
            page.locator(f".downloads a[href$='{name}']").click()
        assert started.value.path().stat().st_size > 500


def check_letter(letters: list[EmailMessage], language: str, reference: str) -> None:
    """One confirmation, its two texts and its two attachments in the one language."""
    confirmations = [letter for letter in letters if any(letter.iter_attachments())]
    assert len(confirmations) == 1
    letter = confirmations[0]
    assert letter["To"] == "anna@example.org"
    assert {each["Content-Language"] for each in letters} == {language}

    text = letter.get_body(("plain",)).get_content()
    html = letter.get_body(("html",)).get_content()
    attached = {part.get_filename(): part for part in letter.iter_attachments()}
    voucher = attached.pop(f"voucher-{reference}.pdf").get_content()
    (calendar,) = attached.values()
    assert calendar.get_content_type() == "text/calendar"
    pages = pypdfium2.PdfDocument(voucher)
    voucher_text = "\n".join(page.get_textpage().get_text_bounded() for page in pages)
    pages.close()

    assert reference in text
    assert reference in html
    assert reference in voucher_text
    assert f'lang="{language}"' in html
    written = {
        "subject": str(letter["Subject"]),
        "text": text,
        "html": re.sub(r"<style.*?</style>|<[^>]+>", " ", html, flags=re.DOTALL),
        "voucher": voucher_text,
        "calendar": calendar.get_content().replace("\r\n ", ""),
    }
    for name, words in written.items():
        assert foreign_words(words, language) == set(), name


def foreign_words(words: str, language: str) -> set[str]:
    """Words in letters that the language does not have; names and codes may be in any."""
    if language != "ru":
        return set(CYRILLIC.findall(words)) - CYRILLIC_NAMES
    plain = re.sub(r"\S*[@/:_=;]\S*|\b[A-Z0-9-]{2,}\b", " ", words)  # addresses, codes, the keywords of a calendar
    return set(LATIN.findall(plain)) - NAMES - CODES


def hand_in_passport(page: Any) -> None:
    """From the booking over the list of papers to the first passport, and upload a scan of it."""
    page.locator("main a[href$='/papers']").first.click()
    page.wait_for_url("**/papers")
    page.locator("main a[href$='-passport']").first.click()
    page.wait_for_url("**/papers/*")
    scan = {"name": "passport.jpg", "mimeType": "image/jpeg", "buffer": jpeg((1200, 850))}
    page.locator("input[type=file]").set_input_files(scan)
    page.locator("form[data-upload] button[type=submit]").click()
    expect(page.locator(".page-head .status--wait")).to_be_visible()
