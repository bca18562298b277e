"""Pictures decoded and encoded anew; knows nothing of the portal, so that large ones are made apart from it."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

from PIL import Image, ImageOps, UnidentifiedImageError

MAX_PIXELS = 60_000_000
KEPT_SIDE = 5000  # pixels: a page at 400 dpi; more helps nobody to read it
JPEG_QUALITY = 88
# A photo that is built up in steps has ten of them; one with thousands takes minutes for each million of pixels.
MOST_SCANS = 64

# What Pillow raises for content that is not what it claims to be.
DAMAGED = (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, struct.error, zlib.error)

# Our own limit, checked before any pixel is decoded, stands in place of Pillow's, which only warns at first.
Image.MAX_IMAGE_PIXELS = None


class Damaged(Exception):
    """It is not what its first bytes say, or not whole."""


class TooManyPixels(Exception):
    """More than MAX_PIXELS."""


def pixels_of(content: bytes, kind: str) -> int:
    """How many pixels the picture claims to have; kind: "JPEG", "PNG", "WEBP" or "AVIF".

    Raises Damaged or TooManyPixels.
    """
    if kind == "WEBP":
        # Pillow's reader takes room for all of them as soon as it opens the file.
        width, height = _webp_size(content)
    else:
        try:
            with Image.open(BytesIO(content), formats=[kind]) as picture:
                width, height = picture.size
        except (UnidentifiedImageError, *DAMAGED, MemoryError) as damage:
            raise Damaged from damage
    if width * height > MAX_PIXELS:
        raise TooManyPixels
    if kind == "JPEG" and content.count(b"\xff\xda") > MOST_SCANS:
        raise Damaged
    return width * height


def remade(content: bytes, kind: str, kept: str) -> bytes:
    """The pixels alone, upright, no side longer than KEPT_SIDE; kept: "JPEG" or "PNG".

    Raises Damaged or TooManyPixels.
    """
    pixels_of(content, kind)
    try:
        with Image.open(BytesIO(content), formats=[kind]) as picture:
            picture.draft("RGB", (KEPT_SIDE, KEPT_SIDE))  # a JPEG is then decoded at a fraction of its size
            picture.load()
            ImageOps.exif_transpose(picture, in_place=True)
            return encoded(_plain(picture), kept)
    except (UnidentifiedImageError, *DAMAGED, MemoryError) as damage:
        raise Damaged from damage


def encoded(picture: Image.Image, kind: str) -> bytes:
    target = BytesIO()
    if kind == "PNG":
        picture.save(target, "PNG")
    else:
        picture.save(target, "JPEG", quality=JPEG_QUALITY, optimize=True)
    return target.getvalue()


def _plain(picture: Image.Image) -> Image.Image:
    """On white: no metadata, no transparency, no colour profile."""
    picture.thumbnail((KEPT_SIDE, KEPT_SIDE), Image.Resampling.LANCZOS, reducing_gap=2)  # first: less to copy below
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        layers = picture.convert("RGBA")
        plain = Image.new("RGB", layers.size, "white")
        plain.paste(layers, mask=layers.getchannel("A"))
    else:
        plain = picture.convert("L" if picture.mode in ("1", "L") else "RGB")
    plain.info.clear()
    return plain


def _webp_size(content: bytes) -> tuple[int, int]:
    """Of its first chunk, which comes in three kinds. Raises Damaged."""
    kind, head = content[12:16], content[20:30]
    if len(head) == 10 and kind == b"VP8X":
        return int.from_bytes(head[4:7], "little") + 1, int.from_bytes(head[7:10], "little") + 1
    if len(head) == 10 and kind == b"VP8L":
        sides = int.from_bytes(head[1:5], "little")
        return (sides & 0x3FFF) + 1, (sides >> 14 & 0x3FFF) + 1
    if len(head) == 10 and kind == b"VP8 ":
        return int.from_bytes(head[6:8], "little") & 0x3FFF, int.from_bytes(head[8:10], "little") & 0x3FFF
    raise Damaged
