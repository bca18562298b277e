"""Portraits of nobody, drawn by us: enough of a face for a program that looks for one, with every fault on request."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO

from PIL import Image, ImageChops, ImageDraw, ImageFilter

SKIN, SHADE, LIP, HAIR, COAT = (226, 186, 160), (188, 142, 118), (168, 88, 84), (58, 42, 34), (64, 72, 92)


@dataclass(frozen=True)
class Portrait:
    """Sizes in pixels; crown and chin as shares of the height from above."""

    size: tuple[int, int] = (600, 800)
    crown: float = 0.1
    chin: float = 0.84
    background: tuple[int, int, int] = (246, 246, 246)
    shadow: int = 0  # how much darker the background is on the right
    blur: float = 0.0
    turn: float = 0.0  # degrees
    faces: int = 1


def drawn(portrait: Portrait) -> Image.Image:
    width, height = portrait.size
    picture = Image.new("RGB", portrait.size, portrait.background)
    if portrait.shadow:
        slope = Image.linear_gradient("L").rotate(90).resize(portrait.size)
        slope = slope.point(lambda value: 255 - (255 - value) * portrait.shadow // 255)
        picture = ImageChops.multiply(picture, Image.merge("RGB", [slope] * 3))
    for number in range(portrait.faces):
        across = width * (number + 1) / (portrait.faces + 1)
        head = _head(portrait, 1 / portrait.faces)
        picture.paste(head, (round(across - head.width / 2), round(height * portrait.crown) - head.height // 4), head)
    return picture.filter(ImageFilter.GaussianBlur(portrait.blur)) if portrait.blur else picture


def jpeg(portrait: Portrait) -> bytes:
    target = BytesIO()
    drawn(portrait).save(target, "JPEG", quality=92)
    return target.getvalue()


def _head(portrait: Portrait, scale: float) -> Image.Image:
    """From a quarter above the crown down over the shoulders, on nothing."""
    tall = portrait.size[1] * (portrait.chin - portrait.crown) * scale
    unit = tall / 100  # of the head from crown to chin
    layer = Image.new("RGBA", (round(200 * unit), round(200 * unit)), (0, 0, 0, 0))
    draw = ImageDraw.Draw(layer)
    x, top = layer.width / 2, layer.height / 4

    def oval(left: float, up: float, right: float, down: float, colour: tuple[int, int, int]) -> None:
        draw.ellipse((x + left * unit, top + up * unit, x + right * unit, top + down * unit), fill=colour)

    oval(-90, 108, 90, 260, COAT)
    draw.rectangle((x - 16 * unit, top + 88 * unit, x + 16 * unit, top + 116 * unit), fill=SHADE)
    oval(-38, 0, 38, 70, HAIR)
    oval(-33, 12, 33, 100, SKIN)
    for side in (-1, 1):
        eye = side * 14
        oval(eye - 9, 40, eye + 9, 54, SHADE)
        oval(eye - 7, 45, eye + 7, 52, (244, 240, 236))
        oval(eye - 3.4, 44.6, eye + 3.4, 52, (40, 30, 26))
        brow = [(x + (eye + along) * unit, top + up * unit) for along, up in ((-9, 41), (0, 38), (9, 40))]
        draw.line(brow, fill=HAIR, width=max(1, round(3 * unit)), joint="curve")
    oval(-5, 62, 5, 70, SHADE)
    oval(-3, 50, 3, 67, (238, 202, 178))
    oval(-12, 77, 12, 84, LIP)
    oval(-30, 62, -14, 76, (232, 194, 168))
    oval(14, 62, 30, 76, (232, 194, 168))
    soft = layer.filter(ImageFilter.GaussianBlur(unit * 0.15))
    return soft.rotate(portrait.turn, resample=Image.Resampling.BICUBIC, center=(x, top + 50 * unit))
