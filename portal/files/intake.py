"""Look into an uploaded file and make a new, harmless one of what can be seen in it; nothing here stores anything.

Every image is decoded and encoded anew and every PDF is written anew, so that only what a reader sees survives: no
position of the camera, no second file hidden behind the first, nothing that could run.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from threading import Lock

from PIL import Image, ImageOps, UnidentifiedImageError

from portal.files.errors import (
    FileDamaged,
    FileEmpty,
    FileTooLarge,
    KindNotTaken,
    PdfActive,
    PdfProtected,
    PdfTooLong,
    PhoneFormat,
    PictureTooLarge,
    TooBusy,
)
from portal.kernel.cage import Cage
from portal.kernel.errors import Refused

MAX_BYTES = 15 * 1024 * 1024
MAX_PIXELS = 60_000_000
KEPT_SIDE = 5000  # pixels: a page at 400 dpi; more helps nobody to read it
JPEG_QUALITY = 88
# Readers of PDF and HEIC are large and such files devious.
READERS = Cage(Path(__file__).with_name("pdf_cage.py"), memory_bytes=1024**3, cpu_seconds=20, seconds=25)
PATIENCE_SECONDS = 15.0
# One file at a time in each process: two hundred kilobytes can unfold into 700 MB of pixels, and eight such files
# sent at once would end the process for everybody.
turn = Lock()

JPEG, PNG, PDF = "image/jpeg", "image/png", "application/pdf"
WEBP, HEIC = "image/webp", "image/heic"  # taken, and kept as JPEG: not every program shows them
SUFFIXES = {JPEG: ".jpg", PNG: ".png", PDF: ".pdf"}
# By content, never by name or by what the browser claims.
MAGIC = ((b"\xff\xd8\xff", JPEG), (b"\x89PNG\r\n\x1a\n", PNG), (b"%PDF-", PDF))
HEIC_BRANDS = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")

# What Pillow raises for content that is not what it claims to be.
DAMAGED = (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, struct.error, zlib.error, MemoryError)
CAGE_REFUSALS: dict[str, type[Refused]] = {
    "protected": PdfProtected,
    "too_long": PdfTooLong,
    "active": PdfActive,
    "damaged": FileDamaged,
    "absent": PhoneFormat,
    "too_large": PictureTooLarge,
}

# Our own limit, checked before any pixel is decoded, stands in place of Pillow's, which only warns at first.
Image.MAX_IMAGE_PIXELS = None


@dataclass(frozen=True)
class Examined:
    """A harmless copy of what was uploaded."""

    content: bytes
    media_type: str
    pages: int

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


def media_type_of(content: bytes) -> str:
    """What the first bytes say. Raises KindNotTaken or PhoneFormat."""
    for beginning, media_type in MAGIC:
        if content.startswith(beginning):
            return media_type
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return WEBP
    if content[4:8] == b"ftyp":
        if content[8:12] in HEIC_BRANDS:
            return HEIC
        if content[8:12] == b"avif":
            raise PhoneFormat
    raise KindNotTaken


def examine(content: bytes) -> Examined:
    """A harmless copy of `content`, or the reason why there is none, as one of portal.files.errors."""
    if not content:
        raise FileEmpty
    if len(content) > MAX_BYTES:
        raise FileTooLarge
    media_type = media_type_of(content)
    if not turn.acquire(timeout=PATIENCE_SECONDS):
        raise TooBusy
    try:
        if media_type == PDF:
            return _examine_pdf(content)
        if media_type == HEIC:
            content, media_type = _out_of_heic(content), JPEG
        kept = JPEG if media_type == WEBP else media_type
        return Examined(_remade_picture(content, media_type, kept), kept, pages=1)
    finally:
        turn.release()


def page_picture(content: bytes, page: int) -> bytes:
    """One page of an examined PDF as a JPEG; pages count from 1. Raises FileDamaged."""
    code, picture = READERS.work("render", str(page), content=content)
    if code:
        raise FileDamaged
    return picture


def _out_of_heic(content: bytes) -> bytes:
    """As a JPEG, upright. Decoded in the cage: the decoder is large and written in C++."""
    code, answer = READERS.work("heic", content=content)
    if code:
        raise CAGE_REFUSALS.get(answer.decode(errors="replace"), FileDamaged)
    return answer


def _remade_picture(content: bytes, media_type: str, kept: str) -> bytes:
    try:
        with Image.open(BytesIO(content), formats=[media_type.removeprefix("image/").upper()]) as picture:
            width, height = picture.size
            if width * height > MAX_PIXELS:
                raise PictureTooLarge
            picture.draft("RGB", (KEPT_SIDE, KEPT_SIDE))  # a JPEG is then decoded at a fraction of its size
            picture.load()
            ImageOps.exif_transpose(picture, in_place=True)
            return _encoded(_plain(picture), kept)
    except (UnidentifiedImageError, *DAMAGED) as damage:
        raise FileDamaged from damage


def _plain(picture: Image.Image) -> Image.Image:
    """The pixels alone, upright, on white: no metadata, no transparency, no colour profile."""
    picture.thumbnail((KEPT_SIDE, KEPT_SIDE), Image.Resampling.LANCZOS, reducing_gap=2)  # first: less to copy below
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        layers = picture.convert("RGBA")
        plain = Image.new("RGB", layers.size, "white")
        plain.paste(layers, mask=layers.getchannel("A"))
    else:
        plain = picture.convert("L" if picture.mode in ("1", "L") else "RGB")
    plain.info.clear()
    return plain


def _encoded(picture: Image.Image, media_type: str) -> bytes:
    target = BytesIO()
    if media_type == PNG:
        picture.save(target, "PNG")
    else:
        picture.save(target, "JPEG", quality=JPEG_QUALITY, optimize=True)
    return target.getvalue()


def _examine_pdf(content: bytes) -> Examined:
    code, answer = READERS.work("clean", content=content)
    if code:
        raise CAGE_REFUSALS.get(answer.decode(errors="replace"), FileDamaged)
    pages, _, remade = answer.partition(b"\n")
    return Examined(remade, PDF, int(pages))
