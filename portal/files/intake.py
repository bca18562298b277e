"""Look into an uploaded file and make a new, harmless one of what can be seen in it; nothing here stores anything.

Every image is decoded and encoded anew and every PDF is written anew, so that only what a reader sees survives: no
position of the camera, no second file hidden behind the first, nothing that could run.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from portal.files import pictures
from portal.files.antivirus import Scan
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
# A picture of more is decoded in the cage: 16 million pixels take 130 MB at worst, 60 million half a gigabyte.
LARGE_PIXELS = 16_000_000
# Readers are large and such files devious. Twelve pages of a colour scan fit into 400 MB of addresses; pictures of 60
# million pixels need up to 700.
PROGRAM = Path(__file__).with_name("pdf_cage.py")
READERS = Cage(PROGRAM, memory_bytes=448 * 1024**2, cpu_seconds=20, seconds=25)
DECODERS = Cage(PROGRAM, memory_bytes=768 * 1024**2, cpu_seconds=20, seconds=25)
PATIENCE_SECONDS = 15.0
# One file at a time in each process: two hundred kilobytes can unfold into 700 MB of pixels, and eight such files
# sent at once would end the process for everybody.
turn = Lock()

JPEG, PNG, PDF = "image/jpeg", "image/png", "application/pdf"
# Taken, and kept as JPEG: not every program shows them.
WEBP, HEIC, AVIF = "image/webp", "image/heic", "image/avif"
SUFFIXES = {JPEG: ".jpg", PNG: ".png", PDF: ".pdf"}
# By content, never by name or by what the browser claims.
MAGIC = ((b"\xff\xd8\xff", JPEG), (b"\x89PNG\r\n\x1a\n", PNG), (b"%PDF-", PDF))
BRANDS = {b"avif": AVIF, b"avis": AVIF}
BRANDS |= dict.fromkeys((b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"), HEIC)

CAGE_REFUSALS: dict[str, type[Refused]] = {
    "protected": PdfProtected,
    "too_long": PdfTooLong,
    "active": PdfActive,
    "damaged": FileDamaged,
    "absent": PhoneFormat,
    "too_large": PictureTooLarge,
}


@dataclass(frozen=True)
class Examined:
    """A harmless copy of what was uploaded."""

    content: bytes
    media_type: str
    pages: int
    scan: Scan = Scan.UNASKED  # what the virus scanner said of the upload

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


def media_type_of(content: bytes) -> str:
    """What the first bytes say. Raises KindNotTaken."""
    for beginning, media_type in MAGIC:
        if content.startswith(beginning):
            return media_type
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return WEBP
    if content[4:8] == b"ftyp" and content[8:12] in BRANDS:
        return BRANDS[content[8:12]]
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
            return _examined_pdf(content)
        if media_type == AVIF:  # in the cage at any size, as HEIC: decoders of films are large
            return Examined(_made_apart(DECODERS, "picture", "AVIF", "JPEG", content=content), JPEG, pages=1)
        if media_type == HEIC:
            content, media_type = _made_apart(DECODERS, "heic", content=content), JPEG
        kept = PNG if media_type == PNG else JPEG
        return Examined(_remade_picture(content, media_type, kept), kept, pages=1)
    finally:
        turn.release()


def page_picture(content: bytes, page: int) -> bytes:
    """One page of an examined PDF as a JPEG; pages count from 1. Raises FileDamaged."""
    code, picture = READERS.work("render", str(page), content=content)
    if code:
        raise FileDamaged
    return picture


def _remade_picture(content: bytes, media_type: str, kept: str) -> bytes:
    kinds = _kind(media_type), _kind(kept)
    try:
        if pictures.pixels_of(content, kinds[0]) > LARGE_PIXELS:
            return _made_apart(DECODERS, "picture", *kinds, content=content)
        return pictures.remade(content, *kinds)
    except pictures.TooManyPixels as large:
        raise PictureTooLarge from large
    except pictures.Damaged as damage:
        raise FileDamaged from damage


def _kind(media_type: str) -> str:
    return media_type.removeprefix("image/").upper()


def _examined_pdf(content: bytes) -> Examined:
    pages, _, remade = _made_apart(READERS, "clean", content=content).partition(b"\n")
    return Examined(remade, PDF, int(pages))


def _made_apart(cage: Cage, *task: str, content: bytes) -> bytes:
    code, answer = cage.work(*task, content=content)
    if code:
        raise CAGE_REFUSALS.get(answer.decode(errors="replace"), FileDamaged)
    return answer
