"""How a stored file is answered: only ever from a view that has checked who asks, at an address that soon ends."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, current_app, request
from itsdangerous import BadSignature, TimestampSigner

from portal.files.intake import JPEG, PDF, SUFFIXES, page_picture
from portal.files.models import StoredFile
from portal.files.services import content_of, note_view
from portal.files.watermark import marked
from portal.kernel.acting import acting
from portal.kernel.clock import now
from portal.kernel.errors import NotFound

# Even opened by its own address the file may run nothing and load nothing.
CAGE = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'"
ADDRESS_SECONDS = 600  # enough for a page of many pictures to load; one kept in a history leads nowhere
KEY = "key"


def end_addresses(bp: Blueprint, *endpoints: str) -> None:
    """Every address of these views of `bp` gets a key for whoever it is made for, good for ADDRESS_SECONDS."""
    names = {f"{bp.name}.{endpoint}" for endpoint in endpoints}

    def add_key(endpoint: str, values: dict[str, Any]) -> None:
        if endpoint in names:
            about = _about(endpoint, values)
            values[KEY] = _signer().sign(about).decode().removeprefix(about).lstrip(".")

    bp.url_defaults(add_key)


def address_holds() -> bool:
    """Whether the address of this request was made for this person and these minutes."""
    about = _about(request.endpoint or "", request.view_args or {})
    try:
        _signer().unsign(f"{about}.{request.args.get(KEY, '')}", max_age=ADDRESS_SECONDS)
    except BadSignature:
        return False
    return True


def _about(endpoint: str, values: dict[str, Any]) -> str:
    named = [f"{name}={values[name]}" for name in sorted(values) if name not in (KEY, "language")]
    return "&".join([acting.get(), endpoint, *named])


def _signer() -> TimestampSigner:
    return TimestampSigner(current_app.config["SECRET_KEY"], salt="document-address")


def whole_file(file: StoredFile, name: str) -> Response:
    """The file itself, for its owner: pictures are shown, a PDF is downloaded."""
    content = content_of(file)
    note_view(file_id=file.id, now=now())
    how = "attachment" if file.media_type == PDF else "inline"
    return _answer(content, file.media_type, how, f"{name}{SUFFIXES[file.media_type]}")


def picture_of_page(file: StoredFile, page: int, name: str, viewer: str) -> Response:
    """One page as a picture, for staff, with the name of the viewer and the time all over it. Raises NotFound."""
    if not 1 <= page <= file.pages:
        raise NotFound(file.reference)
    content = content_of(file)
    moment = now()
    note_view(file_id=file.id, now=moment)
    shown = page_picture(content, page) if file.media_type == PDF else content
    return _answer(marked(shown, f"{viewer} · {moment:%d.%m.%Y %H:%M} UTC"), JPEG, "inline", f"{name}-{page}.jpg")


def _answer(content: bytes, media_type: str, how: str, filename: str) -> Response:
    response = Response(content, mimetype=media_type)
    response.headers["Content-Disposition"] = f'{how}; filename="{filename}"'
    response.headers["Cache-Control"] = "no-store"
    response.headers["Content-Security-Policy"] = CAGE
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    return response
