"""Who looks at a document, and when, drawn over the picture that is served; the stored file has none of it."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

FONT = str(Path(__file__).resolve().parents[2] / "static" / "fonts" / "GolosText-Medium.ttf")
SHOWN_SIDE = 3000  # pixels: letters of the machine-readable lines are then 20 to 40 high
JPEG_QUALITY = 88
LETTERS_ACROSS = 48  # of the picture's longer side
LEAST_SIZE = 12
ANGLE = 24
STRENGTH = 84  # of 255: seen by everybody, read through with ease
LIGHT, DARK = (255, 255, 255), (20, 24, 60)


def marked(content: bytes, words: str) -> bytes:
    """A JPEG of the picture with `words` all over it, aslant; light letters with a dark edge show on any ground."""
    with Image.open(BytesIO(content)) as stored:
        stored.draft("RGB", (SHOWN_SIDE, SHOWN_SIDE))
        picture = stored.convert("RGB")
    picture.thumbnail((SHOWN_SIDE, SHOWN_SIDE), reducing_gap=2)
    size = max(LEAST_SIZE, max(picture.size) // LETTERS_ACROSS)
    tile = _tile(words, size)
    for colour, away in ((DARK, max(1, size // 14)), (LIGHT, 0)):
        picture.paste(colour, (0, 0), _spread(tile, picture.size, away))
    target = BytesIO()
    picture.save(target, "JPEG", quality=JPEG_QUALITY)
    return target.getvalue()


def _tile(words: str, size: int) -> Image.Image:
    font = ImageFont.truetype(FONT, size)
    left, top, right, bottom = (round(edge) for edge in font.getbbox(words))
    line = Image.new("L", (right - left + 4 * size, bottom - top + size), 0)
    ImageDraw.Draw(line).text((size - left, size // 2 - top), words, font=font, fill=STRENGTH)
    return line.rotate(ANGLE, expand=True, resample=Image.Resampling.BICUBIC)


def _spread(tile: Image.Image, size: tuple[int, int], away: int) -> Image.Image:
    """A mask of the whole picture; at least one tile stands whole in it, if it fits at all."""
    mask = Image.new("L", size, 0)
    rows = range(away, size[1] + tile.height, tile.height)
    for number, y in enumerate(rows):
        for x in range(away - (number % 2) * tile.width // 2, size[0], tile.width):
            mask.paste(tile, (x, y))
    return mask
