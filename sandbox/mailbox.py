"""Shows the letters that the portal wrote into a folder instead of sending them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import cast
from urllib.parse import quote

from flask import Blueprint, Response, abort, make_response, render_template, request, url_for

from sandbox.pages import choose_language
from sandbox.services import current_services

bp = Blueprint("mailbox", __name__, url_prefix="/mail")
bp.before_request(choose_language)

LATEST = 200
SHOWN_HEADERS = (
    ("from", "From"),
    ("to", "To"),
    ("reply_to", "Reply-To"),
    ("date", "Date"),
    ("content_language", "Content-Language"),
)
_NAME = re.compile(r"[A-Za-z0-9_@=+-][A-Za-z0-9_.@=+-]{0,199}\.eml")
_SAFE_TYPE = re.compile(r"[a-z0-9.+-]+/[a-z0-9.+-]+")


@dataclass(frozen=True)
class Summary:
    name: str
    subject: str
    sender: str
    recipient: str
    date: str


@dataclass(frozen=True)
class Attachment:
    number: int
    name: str
    kilobytes: int


@dataclass(frozen=True)
class Letter:
    summary: Summary
    headers: tuple[tuple[str, str], ...]
    text: str | None
    has_html: bool
    attachments: tuple[Attachment, ...]


@bp.get("")
def list_letters() -> str:
    folder = current_services().config.mail
    newest = sorted(_letters(folder), key=lambda path: (path.stat().st_mtime_ns, path.name), reverse=True)
    shown = [_summary(path.name, _parse(path, headers_only=True)) for path in newest[:LATEST]]
    return render_template("mailbox.html", letters=shown, total=len(newest))


@bp.get("/<name>")
def show_letter(name: str) -> str:
    return render_template("letter.html", letter=_letter(name, _read(name)))


@bp.get("/<name>/html")
def show_html(name: str) -> Response:
    """The HTML part alone, in a document that can run nothing and load nothing but the letter's own pictures."""
    message = _read(name)
    body = message.get_body(("html",))
    if body is None:
        abort(404)
    html = cast(EmailMessage, body).get_content()
    for number, part in enumerate(_parts(message)):
        if content_id := part.get("Content-ID"):
            picture = url_for(".download", name=name, number=number, _external=True)
            html = html.replace(f"cid:{content_id.strip('<> ')}", picture)
    # Links open outside the frame: inside, the portal's own policy would refuse to be shown.
    html = re.sub(r"(<head[^>]*>)", r'\1<base target="_blank">', html, count=1, flags=re.IGNORECASE)
    response = make_response(html)
    response.headers["Content-Security-Policy"] = (
        "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; "
        f"img-src {request.host_url} data:; frame-ancestors 'self'"
    )
    return response


@bp.get("/<name>/attachments/<int:number>")
def download(name: str, number: int) -> Response:
    parts = list(_parts(_read(name)))
    if number >= len(parts):
        abort(404)
    part = parts[number]
    content = cast(bytes, part.get_payload(decode=True))
    kind = part.get_content_type()
    picture = part.get_content_disposition() == "inline" and kind in ("image/png", "image/jpeg", "image/gif")
    response = make_response(content)
    response.headers["Content-Type"] = kind if _SAFE_TYPE.fullmatch(kind) else "application/octet-stream"
    how = "inline" if picture else "attachment"
    response.headers["Content-Disposition"] = f"{how}; filename*=UTF-8''{quote(_filename(part, number), safe='')}"
    return response


def _letters(folder: Path) -> Iterator[Path]:
    if not folder.is_dir():
        return
    for path in folder.iterdir():
        if _NAME.fullmatch(path.name) and path.is_file() and not path.is_symlink():
            yield path


def _read(name: str) -> EmailMessage:
    """The letter in the file `name` of the folder; 404 for anything else."""
    if not _NAME.fullmatch(name):
        abort(404)
    path = current_services().config.mail / name
    if path.is_symlink() or not path.is_file():
        abort(404)
    return _parse(path)


def _parse(path: Path, headers_only: bool = False) -> EmailMessage:
    with path.open("rb") as file:
        return BytesParser(policy=policy.default).parse(file, headersonly=headers_only)


def _parts(message: EmailMessage) -> Iterator[EmailMessage]:
    """Attachments and inline pictures: all that is neither the text nor a container."""
    bodies = [message.get_body((kind,)) for kind in ("plain", "html")]
    for part in message.walk():
        if not part.is_multipart() and not any(part is body for body in bodies):
            yield part


def _letter(name: str, message: EmailMessage) -> Letter:
    text = message.get_body(("plain",))
    return Letter(
        summary=_summary(name, message),
        headers=tuple((word, str(message[header])) for word, header in SHOWN_HEADERS if message[header]),
        text=cast(EmailMessage, text).get_content() if text else None,
        has_html=message.get_body(("html",)) is not None,
        attachments=tuple(
            Attachment(number, _filename(part, number), -(-len(cast(bytes, part.get_payload(decode=True))) // 1024))
            for number, part in enumerate(_parts(message))
        ),
    )


def _summary(name: str, message: EmailMessage) -> Summary:
    return Summary(
        name=name,
        subject=str(message["Subject"] or ""),
        sender=str(message["From"] or ""),
        recipient=str(message["To"] or ""),
        date=str(message["Date"] or ""),
    )


def _filename(part: EmailMessage, number: int) -> str:
    return part.get_filename() or f"{number + 1}.bin"
