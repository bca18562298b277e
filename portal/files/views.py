"""How a stored file is answered: only ever from a view that has checked who asks."""

from flask import Response

from portal.files.intake import PDF, SUFFIXES, page_picture
from portal.files.models import StoredFile
from portal.files.services import content_of, note_view
from portal.kernel.clock import now
from portal.kernel.errors import NotFound

# Even opened by its own address the file may run nothing and load nothing.
CAGE = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'"


def whole_file(file: StoredFile, name: str) -> Response:
    """The file itself: pictures are shown, a PDF is downloaded."""
    content = content_of(file)
    note_view(file_id=file.id, now=now())
    how = "attachment" if file.media_type == PDF else "inline"
    return _answer(content, file.media_type, how, f"{name}{SUFFIXES[file.media_type]}")


def picture_of_page(file: StoredFile, page: int, name: str) -> Response:
    """One page as a picture: the image itself, or a drawing of the PDF's page. Raises NotFound."""
    if not 1 <= page <= file.pages:
        raise NotFound(file.reference)
    content = content_of(file)
    note_view(file_id=file.id, now=now())
    if file.media_type == PDF:
        return _answer(page_picture(content, page), "image/jpeg", "inline", f"{name}-{page}.jpg")
    return _answer(content, file.media_type, "inline", f"{name}{SUFFIXES[file.media_type]}")


def _answer(content: bytes, media_type: str, how: str, filename: str) -> Response:
    response = Response(content, mimetype=media_type)
    response.headers["Content-Disposition"] = f'{how}; filename="{filename}"'
    response.headers["Cache-Control"] = "no-store"
    response.headers["Content-Security-Policy"] = CAGE
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    return response
