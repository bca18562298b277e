"""Files that are nearly right: whole ones of every kind, cut, bent, spliced and grown as damage and malice do it."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from functools import cache
from io import BytesIO
from typing import Any

import pikepdf
from PIL import Image

from tests.files import uploads

SIZE = (96, 64)
# Lengths, sides and counts that programs forget to fear.
NUMBERS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
PDF_WORDS = (
    b"/Kids [3 0 R 3 0 R]", b"/Parent 1 0 R", b"/Count -1", b"/Count 999999999", b"/Length 99999999", b"/Length -5",
    b"/MediaBox [0 0 0 0]", b"/MediaBox [0 0 1e9 1e9]", b"/MediaBox [-1e30 nan 1e30 1]", b"/Rotate 45",
    b"/Filter [/FlateDecode /FlateDecode /ASCIIHexDecode]", b"/Filter /JBIG2Decode", b"/Filter /JPXDecode",
    b"/Type /ObjStm", b"/Type /XRef", b"/W [9 9 9]", b"/Index [0 999999999]", b"/Prev 0", b"/Root 99 0 R",
    b"/Encrypt 1 0 R", b"<<" * 400, b"[" * 400, b"1 0 R", b"/AA << /O << /S /JavaScript /JS (x) >> >>",
    b"endstream endobj", b"startxref 0",
)  # fmt: skip


@cache
def whole(kind: str) -> tuple[bytes, ...]:
    """Files that are taken, with every feature of their kind that we know of; kind: a key of KINDS."""
    return tuple(KINDS[kind]())


def _jpegs() -> list[bytes]:
    noise = Image.effect_noise(SIZE, 60)
    exif = uploads.jpeg(SIZE, orientation=8, gps=True)
    return [
        exif,
        _saved(noise, "JPEG"),
        _saved(noise.convert("RGB"), "JPEG", progressive=True, subsampling=0),
        _saved(noise.convert("CMYK"), "JPEG"),
        _saved(noise.convert("RGB"), "JPEG", restart_marker_blocks=2, comment=b"made by nobody"),
        _saved(noise.convert("RGB"), "JPEG", icc_profile=b"\0" * 300),
    ]


def _pngs() -> list[bytes]:
    noise = Image.effect_noise(SIZE, 60)
    return [
        _saved(noise.convert("RGB"), "PNG"),
        _saved(noise.convert("RGBA"), "PNG"),
        _saved(noise.convert("P"), "PNG", transparency=3),
        _saved(noise.convert("1"), "PNG"),
        _saved(Image.new("I;16", SIZE, 40_000), "PNG"),
        _saved(noise.convert("LA"), "PNG"),
        _saved(noise, "PNG", save_all=True, append_images=[noise.rotate(180)]),
        uploads.png_that_unpacks_to(400, 400),
    ]


def _webps() -> list[bytes]:
    noise = Image.effect_noise(SIZE, 60).convert("RGB")
    return [
        _saved(noise, "WEBP"),
        _saved(noise, "WEBP", lossless=True),
        _saved(noise.convert("RGBA"), "WEBP", exif=Image.Exif().tobytes()),
        _saved(noise, "WEBP", save_all=True, append_images=[noise.rotate(180)]),
    ]


def _films() -> list[bytes]:
    return [uploads.heic(), uploads.avif(SIZE)]


def _pdfs() -> list[bytes]:
    def fill(document: pikepdf.Pdf) -> None:
        field = document.make_indirect(
            pikepdf.Dictionary(
                Type=pikepdf.Name.Annot, Subtype=pikepdf.Name.Widget, FT=pikepdf.Name.Tx, T="name", V="IVANOVA",
                Rect=[10, 10, 200, 40], DA="/Helv 12 Tf 0 g",
            )
        )  # fmt: skip
        document.pages[0].obj.Annots = pikepdf.Array([field])
        document.Root.AcroForm = pikepdf.Dictionary(Fields=[field], NeedAppearances=True)

    plain = {"object_stream_mode": pikepdf.ObjectStreamMode.disable, "compress_streams": False}
    packed = {"object_stream_mode": pikepdf.ObjectStreamMode.generate}
    photo = uploads.jpeg(SIZE, gps=True)
    return [
        uploads.pdf(pages=2, **plain),
        uploads.pdf(pages=3, **packed),
        uploads.pdf_of(photo, SIZE),
        uploads.pdf(fill, **plain),
        uploads.pdf_with_script(),
        uploads.pdf_with_attachment(),
        uploads.pdf_with_password(),
        uploads.pdf(linearize=True),
    ]


def _saved(picture: Image.Image, kind: str, **how: Any) -> bytes:
    target = BytesIO()
    picture.save(target, kind, **how)
    return target.getvalue()


KINDS: dict[str, Callable[[], list[bytes]]] = {
    "jpeg": _jpegs,
    "png": _pngs,
    "webp": _webps,
    "heic": _films,
    "pdf": _pdfs,
}


def changed(content: bytes, change: str, seed: int) -> bytes:
    """The same for the same change and seed."""
    return CHANGES[change](content, random.Random(seed))


def _cut(content: bytes, chance: random.Random) -> bytes:
    return content[: chance.randrange(len(content) + 1)]


def _flip(content: bytes, chance: random.Random) -> bytes:
    bent = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 8, 40)) if bent else 0):
        bent[chance.randrange(len(bent))] ^= 1 << chance.randrange(8)
    return bytes(bent)


def _overwrite(content: bytes, chance: random.Random) -> bytes:
    start, length = chance.randrange(len(content) + 1), chance.choice((1, 4, 30, 400))
    filling = chance.choice((bytes(length), b"\xff" * length, chance.randbytes(1) * length, chance.randbytes(length)))
    return content[:start] + filling + content[start + length :]


def _number(content: bytes, chance: random.Random) -> bytes:
    """In the head, where sides and lengths stand, more often than elsewhere."""
    width = chance.choice((1, 2, 4))
    start = chance.randrange(min(len(content), 64 if chance.random() < 0.6 else len(content)) + 1)
    number = chance.choice(NUMBERS) & ((1 << 8 * width) - 1)
    return content[:start] + number.to_bytes(width, chance.choice(("big", "little"))) + content[start + width :]


def _take_out(content: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(content) + 1)
    return content[:start] + content[start + chance.choice((1, 2, 7, 100, 1000)) :]


def _repeat(content: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(content) + 1)
    piece = content[start : start + chance.choice((4, 60, 800))]
    return content[:start] + piece * chance.choice((2, 3, 200)) + content[start:]


def _splice(content: bytes, chance: random.Random) -> bytes:
    """The head of one and the tail of another, of any kind; or one behind the other."""
    other = chance.choice(whole(chance.choice(list(KINDS))))
    if chance.random() < 0.3:
        return content + other
    return content[: chance.randrange(len(content) + 1)] + other[chance.randrange(len(other)) :]


def _word(content: bytes, chance: random.Random) -> bytes:
    """As text: a word of PDF in the place of another."""
    places = [found.span() for found in re.finditer(rb"/[A-Z][A-Za-z]+( [0-9]+( 0 R)?)?|[0-9]{1,10}", content[:20_000])]
    start, end = chance.choice(places) if places else (0, 0)
    return content[:start] + chance.choice(PDF_WORDS) + content[end:]


CHANGES: dict[str, Callable[[bytes, random.Random], bytes]] = {
    "cut": _cut,
    "flip": _flip,
    "overwrite": _overwrite,
    "number": _number,
    "take out": _take_out,
    "repeat": _repeat,
    "splice": _splice,
    "word": _word,
}
