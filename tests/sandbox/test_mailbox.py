"""Letters written into a folder are read in the browser, and nothing else of the disk is."""

from email.message import EmailMessage
from email.policy import SMTP
from os import utime
from urllib.parse import quote

import httpx
import pytest

from tests.sandbox.server import words

pytestmark = pytest.mark.once

HTML = (
    '<!doctype html><html><head><title>x</title></head><body><a href="https://portal.example/">open</a></body></html>'
)


@pytest.fixture
def mail(sandbox):
    """mail(name, subject) puts a letter into the folder."""
    folder = sandbox.services.config.mail
    folder.mkdir()

    def write(name, subject="Ваша бронь PG-7K2M9", age=0, **parts):
        letter = EmailMessage(policy=SMTP)
        letter["From"], letter["To"], letter["Subject"] = "cruises@example.org", "Анна <anna@example.org>", subject
        letter.set_content("До встречи! https://portal.example/ru/\n")
        letter.add_alternative(parts.get("html", HTML), subtype="html")
        letter.add_attachment(b"%PDF-1.7", maintype="application", subtype="pdf", filename="Ваучер.pdf")
        (folder / name).write_bytes(letter.as_bytes())
        utime(folder / name, (1_700_000_000 - age, 1_700_000_000 - age))
        return f"{sandbox.url}/mail/{name}"

    return write


def test_letters_are_listed_newest_first(sandbox, mail):
    mail("000002.eml", "Older", age=60)
    mail("000001.eml", "Newer")
    mail("000003.draft", "Unfinished")

    text = words(httpx.get(f"{sandbox.url}/mail").text)

    assert text.index("Newer") < text.index("Older")
    assert "Unfinished" not in text


def test_no_folder_is_no_mail(sandbox):
    answer = httpx.get(f"{sandbox.url}/mail", headers={"Accept-Language": "en"})

    assert "There are no letters yet." in words(answer.text)


def test_a_letter_shows_its_headers_its_text_with_links_and_its_attachments(mail):
    address = mail("000001.eml")

    page = httpx.get(address)
    attachment = httpx.get(f"{address}/attachments/0")

    assert "Анна <anna@example.org>" in words(page.text)
    assert 'href="https://portal.example/ru/"' in page.text
    assert "Ваучер.pdf, 1" in words(page.text)
    assert attachment.content == b"%PDF-1.7"
    assert attachment.headers["Content-Type"] == "application/pdf"
    assert attachment.headers["Content-Disposition"] == f"attachment; filename*=UTF-8''{quote('Ваучер.pdf')}"


def test_the_html_of_a_letter_is_shut_in(mail):
    address = mail("000001.eml")

    frame, html = httpx.get(address), httpx.get(f"{address}/html")

    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in frame.text
    assert '<base target="_blank">' in html.text
    policy = html.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox allow-popups")
    assert "default-src 'none'" in policy
    assert "allow-scripts" not in policy


@pytest.mark.parametrize(
    "name",
    ["nobody.eml", "..%2Fsandbox.db", "%2Fetc%2Fpasswd", "..%2f..%2fx.eml", ".hidden.eml", "000001.draft", "a%00.eml"],
)
def test_only_letters_of_the_folder_are_read(sandbox, mail, name):
    mail("000001.eml")
    mail(".hidden.eml")
    mail("000001.draft")

    for suffix in ("", "/html", "/attachments/0"):
        assert httpx.get(f"{sandbox.url}/mail/{name}{suffix}").status_code == 404


def test_a_link_out_of_the_folder_is_not_followed(sandbox, mail, tmp_path):
    address = mail("000001.eml")
    (sandbox.services.config.mail / "link.eml").symlink_to(sandbox.services.store.path)

    assert httpx.get(address).status_code == 200
    assert httpx.get(f"{sandbox.url}/mail/link.eml").status_code == 404


def test_an_attachment_that_is_not_there_is_not_found(mail):
    assert httpx.get(f"{mail('000001.eml')}/attachments/7").status_code == 404
