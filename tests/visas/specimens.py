"""Passport pages of people who do not exist, drawn by us, and pictures of them as people hand them in."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from io import BytesIO
from math import cos, pi, radians, sin
from pathlib import Path

from PIL import Image, ImageChops, ImageDraw, ImageEnhance, ImageFilter, ImageFont

from portal.visas.mrz import Format
from tests.visas.mrz_lines import Holder, lines_of

FONTS = Path(__file__).parents[2] / "static" / "fonts"
# Documents of ICAO 9303 parts 4 to 6 at 300 dots an inch, the machine-readable zone in the lowest 23.2 mm.
DOTS_PER_MM = 300 / 25.4
SIZES = {Format.TD3: (125, 88), Format.TD1: (85.6, 54), Format.TD2: (105, 74)}  # mm
PAGE = (round(125 * DOTS_PER_MM), round(88 * DOTS_PER_MM))
# The first line's place from the lower edge, from one line to the next, and the room at the left, in mm.
LINES = {Format.TD3: (19.5, 6.6, 6.0), Format.TD1: (19.0, 6.35, 4.7), Format.TD2: (17.0, 6.35, 6.8)}
PITCH = 2.54 * DOTS_PER_MM  # of OCR-B
PAPERS = ((238, 232, 222), (226, 234, 240), (232, 238, 226), (242, 230, 234))
INK = (28, 26, 34)

SURNAMES = (
    "IVANOVA", "SHCHERBAKOV", "MUKHAMEDOV", "BAYRAMOVA", "KONSTANTINOPOLSKAIA", "TSOI", "ZHUKOVSKII", "YESENIN",
    "GURBANGULYYEVA", "OVEZOV", "QUIRKE", "MAXWELL", "SAPAROVA", "NURGALIYEV", "ALIYEVA", "HEYDAROV", "SCHMIDT",
    "VON-BERG", "O", "KUZNETSOVA", "DEMIRCI", "FOMIN", "XAVIER", "WEISS",
)  # fmt: skip
GIVEN = (
    "IULIIA", "DMITRII", "ANNA-MARIA", "OGULGEREK", "SHOHRAT", "AYNABAT", "NURSULTAN", "LEYLA", "FEDOR", "BORIS",
    "ELENA", "SERGEI", "MEHRI", "KLAUS", "IAN", "QODIR", "ZARINA", "WILLIAM", "VLADISLAV", "JAHAN",
)  # fmt: skip
ISSUERS = ("RUS", "RUS", "RUS", "TKM", "TKM", "KAZ", "AZE", "D", "TUR", "UZB", "UTO")


@dataclass(frozen=True)
class Specimen:
    """A picture as it is handed in, and what stands on it."""

    content: bytes  # JPEG
    holder: Holder


def holder(chance: random.Random) -> Holder:
    issuer = chance.choice(ISSUERS)
    return Holder(
        surname=chance.choice(SURNAMES).replace("-", " "),
        given_names=chance.choice(GIVEN).replace("-", " "),
        number=_number(issuer, chance),
        issuer=issuer,
        nationality=issuer,
        birth_date=date(1930, 1, 1) + timedelta(days=chance.randrange(33_000)),
        sex=chance.choice("MF"),
        expires=date(2024, 6, 1) + timedelta(days=chance.randrange(3600)),
        optional=f"{chance.randrange(10**14):014}" if issuer in ("KAZ", "TKM") and chance.random() < 0.4 else "",
    )


def _number(issuer: str, chance: random.Random) -> str:
    shapes = {"TKM": "A9999999", "KAZ": "N99999999", "AZE": "C99999999", "TUR": "U99999999", "UZB": "FA9999999"}
    shapes |= {"D": "CXX9XX9X9", "UTO": "X999999X9"}
    kinds = {"9": "0123456789", "X": "CFGHJKLMNPRTVWXYZ0123456789"}
    return "".join(chance.choice(kinds.get(place, place)) for place in shapes.get(issuer, "999999999"))


def page(of: Holder, chance: random.Random) -> Image.Image:
    """The data page, upright and sharp."""
    picture = Image.new("RGB", PAGE, chance.choice(PAPERS))
    draw = ImageDraw.Draw(picture)
    _security_lines(draw, chance)
    _portrait(picture, chance)
    _visual_zone(draw, of)
    _machine_readable(draw, of, Format.TD3, PAGE[1])
    return picture


def card(of: Holder, form: Format, chance: random.Random) -> Image.Image:
    """The side of a card with the machine-readable lines, upright and sharp."""
    width, height = (round(side * DOTS_PER_MM) for side in SIZES[form])
    picture = Image.new("RGB", (width, height), chance.choice(PAPERS))
    draw = ImageDraw.Draw(picture)
    _security_lines(draw, chance)
    font = ImageFont.truetype(FONTS / "GolosText-Regular.ttf", 26)
    room = height - (LINES[form][0] + 4) * DOTS_PER_MM
    rows = (
        "IDENTITY CARD · УДОСТОВЕРЕНИЕ ЛИЧНОСТИ",
        "SPECIMEN · ОБРАЗЕЦ",
        f"Орган / Authority  {of.issuer} 0501",
        f"Дата выдачи / Date of issue  {of.expires:%d.%m}.2020",
        "Место рождения / Place of birth  UTOPIA",
    )
    for place, text in enumerate(rows):
        draw.text((60, 30 + place * (room - 30) / len(rows)), text, font=font, fill=(96, 70, 84))
    if form is Format.TD2:
        draw.rectangle((width - 330, 50, width - 60, round(room) - 30), fill=(206, 212, 218))
    _machine_readable(draw, of, form, height)
    return picture


def _machine_readable(draw: ImageDraw.ImageDraw, of: Holder, form: Format, height: int) -> None:
    font = ImageFont.truetype(FONTS / "OCRB.otf", 200)
    font = ImageFont.truetype(FONTS / "OCRB.otf", 200 * PITCH / font.getlength("<"))
    first, apart, left = LINES[form]
    for line, text in enumerate(lines_of(of, form)):
        top = height - (first - line * apart) * DOTS_PER_MM
        for place, letter in enumerate(text):
            draw.text((left * DOTS_PER_MM + place * PITCH, top), letter, font=font, fill=INK)


def _security_lines(draw: ImageDraw.ImageDraw, chance: random.Random) -> None:
    colour = tuple(chance.randrange(185, 222) for _ in range(3))
    swing, waves = chance.uniform(10, 40), chance.uniform(1, 4)
    for start in range(-60, PAGE[1] + 60, 14):
        bends = [(x, x / PAGE[0] * 2 * pi * waves + start / 60) for x in range(0, PAGE[0] + 20, 20)]
        points = [(x, start + swing * sin(bend)) for x, bend in bends]
        draw.line(points, fill=colour, width=2)


def _portrait(picture: Image.Image, chance: random.Random) -> None:
    """A head and shoulders, of nobody."""
    photo = Image.new("RGB", (410, 520), (206, 212, 218))
    draw = ImageDraw.Draw(photo)
    skin = chance.choice(((222, 184, 156), (196, 150, 118), (238, 204, 180)))
    draw.ellipse((-20, 370, 430, 780), fill=(70, 78, 96))
    draw.ellipse((100, 70, 310, 410), fill=skin)
    draw.chord((90, 50, 320, 280), 180, 360, fill=(60, 44, 36))
    picture.paste(photo, (60, 230))


def _visual_zone(draw: ImageDraw.ImageDraw, of: Holder) -> None:
    small = ImageFont.truetype(FONTS / "GolosText-Regular.ttf", 24)
    large = ImageFont.truetype(FONTS / "GolosText-Medium.ttf", 38)
    draw.text((60, 60), "ПАСПОРТ · PASSPORT · PASPORT", font=large, fill=(120, 40, 50))
    draw.text((60, 130), "SPECIMEN · ОБРАЗЕЦ", font=small, fill=(150, 60, 70))
    rows = (
        ("Тип / Type   Код / Code   Номер / No.", f"P      {of.issuer}      {of.number}"),
        ("Фамилия / Surname", of.surname),
        ("Имя / Given names", of.given_names),
        ("Гражданство / Nationality", of.nationality),
        ("Дата рождения / Date of birth", f"{of.birth_date:%d.%m.%Y}      {of.sex}"),
        ("Действителен до / Date of expiry", f"{of.expires:%d.%m.%Y}"),
    )
    for place, (label, text) in enumerate(rows):
        draw.text((520, 150 + place * 103), label, font=small, fill=(110, 90, 100))
        draw.text((520, 180 + place * 103), text, font=large, fill=INK)


def clean(document: Image.Image, chance: random.Random) -> Image.Image:
    """The page alone, as an office scanner with a feeder for passports gives it."""
    return _noisy(document, 3)


def flat_scan(document: Image.Image, chance: random.Random) -> Image.Image:
    """On the glass of a scanner, 200 to 300 dots an inch, a little askew, now and then upside down or sideways."""
    picture = _on_table(document, chance, (250, 250, 250), turn=chance.uniform(-1.5, 1.5))
    picture = _resized(picture, chance.uniform(0.66, 1))
    return _turned(_noisy(picture.filter(ImageFilter.GaussianBlur(0.5)), 5), chance)


def rough_scan(document: Image.Image, chance: random.Random) -> Image.Image:
    """A grey copy at 150 to 200 dots an inch: askew, pale, dirty."""
    picture = _on_table(document, chance, (225, 225, 225), turn=chance.uniform(-5, 5))
    picture = _resized(picture, chance.uniform(0.5, 0.66)).convert("L").convert("RGB")
    picture = ImageEnhance.Contrast(picture).enhance(chance.uniform(0.55, 0.9))
    picture = ImageEnhance.Brightness(picture).enhance(chance.uniform(0.85, 1.15))
    return _turned(_noisy(picture.filter(ImageFilter.GaussianBlur(0.7)), 10), chance)


def phone_photo(document: Image.Image, chance: random.Random) -> Image.Image:
    """On a table, from an angle, in uneven light, with a reflection, a little out of focus."""
    table = tuple(chance.randrange(40, 190) for _ in range(3))
    picture = _on_table(document, chance, table, turn=chance.uniform(-14, 14), room=0.16)
    picture = _seen_from_aside(_noisy(picture, 8), chance, table)
    picture = _resized(picture, chance.uniform(0.8, 1.25))
    picture = ImageChops.multiply(picture, _light(picture.size, chance))
    picture = _with_glare(picture, chance)
    picture = picture.filter(ImageFilter.GaussianBlur(chance.uniform(0.6, 2.0)))
    return _turned(_noisy(picture, 10), chance)


KINDS: dict[str, tuple[Callable[[Image.Image, random.Random], Image.Image], int]] = {
    "clean": (clean, 92),
    "flat": (flat_scan, 85),
    "rough": (rough_scan, 55),
    "phone": (phone_photo, 75),
}


def specimen(kind: str, seed: int, form: Format = Format.TD3) -> Specimen:
    """The same for the same kind, seed and form."""
    chance = random.Random(f"{kind} {seed}" if form is Format.TD3 else f"{form} {kind} {seed}")
    of = holder(chance)
    if form is Format.TD2:
        of = replace(of, optional=of.optional[:7])
    document = page(of, chance) if form is Format.TD3 else card(of, form, chance)
    take, quality = KINDS[kind]
    target = BytesIO()
    take(document, chance).save(target, "JPEG", quality=quality)
    return Specimen(target.getvalue(), of)


def _on_table(
    picture: Image.Image, chance: random.Random, colour: tuple[int, ...], *, turn: float, room: float = 0.08
) -> Image.Image:
    width, height = (round(side * (1 + 2 * room)) for side in picture.size)
    height += round(abs(sin(radians(turn))) * picture.width)
    table = Image.new("RGB", (width, height), colour)
    mask = Image.new("L", picture.size, 255).rotate(turn, expand=True, resample=Image.Resampling.BICUBIC)
    turned = picture.rotate(turn, expand=True, resample=Image.Resampling.BICUBIC)
    place = ((width - turned.width) // 2, (height - turned.height) // 2)
    table.paste(turned, place, mask)
    return table


def _seen_from_aside(picture: Image.Image, chance: random.Random, table: tuple[int, ...]) -> Image.Image:
    width, height = picture.size
    reach = 0.06
    corners = [(0, 0), (width, 0), (width, height), (0, height)]
    moved = [
        (x + chance.uniform(-reach, reach) * width * 0.8, y + chance.uniform(-reach, reach) * height)
        for x, y in corners
    ]
    way = _perspective(corners, moved)
    return picture.transform(
        picture.size, Image.Transform.PERSPECTIVE, way, Image.Resampling.BICUBIC, fillcolor=table
    )


def _perspective(to: list[tuple[float, float]], of: list[tuple[float, float]]) -> list[float]:
    """Coefficients by which Pillow takes each point of the new picture from the old: eight equations solved."""
    rows = []
    for (x, y), (u, v) in zip(to, of, strict=True):
        rows.append([x, y, 1, 0, 0, 0, -u * x, -u * y, u])
        rows.append([0, 0, 0, x, y, 1, -v * x, -v * y, v])
    for at in range(8):
        best = max(range(at, 8), key=lambda row: abs(rows[row][at]))
        rows[at], rows[best] = rows[best], rows[at]
        rows[at] = [value / rows[at][at] for value in rows[at]]
        for other in range(8):
            if other != at:
                factor = rows[other][at]
                rows[other] = [value - factor * mine for value, mine in zip(rows[other], rows[at], strict=True)]
    return [row[8] for row in rows]


def _light(size: tuple[int, int], chance: random.Random) -> Image.Image:
    """Brighter on one side than on the other."""
    darkest = chance.randrange(110, 190)
    slope = Image.linear_gradient("L").rotate(chance.randrange(360), resample=Image.Resampling.BICUBIC)
    slope = slope.crop((40, 40, 216, 216)).resize(size).point(lambda value: darkest + value * (255 - darkest) // 255)
    return Image.merge("RGB", [slope] * 3)


def _with_glare(picture: Image.Image, chance: random.Random) -> Image.Image:
    """A lamp mirrored in the laminate: soft, anywhere on the page."""
    width, height = picture.size
    size = round(width * chance.uniform(0.1, 0.28))
    spot = ImageChops.invert(Image.radial_gradient("L")).resize((size, round(size * chance.uniform(0.4, 1))))
    spot = spot.point(lambda value: max(0, value - 75) * 255 // 180)
    angle = chance.uniform(0, 2 * pi)
    place = (
        round(width * (0.5 + 0.33 * cos(angle)) - size / 2),
        round(height * (0.5 + 0.33 * sin(angle)) - spot.height / 2),
    )
    layer = Image.new("L", picture.size, 0)
    layer.paste(spot, place)
    strength = chance.uniform(0.35, 0.8)
    glare = layer.point(lambda value: round(value * strength))
    return Image.composite(Image.new("RGB", picture.size, "white"), picture, glare)


def _noisy(picture: Image.Image, strength: float) -> Image.Image:
    noise = Image.effect_noise(picture.size, strength * 2)
    return ImageChops.add(picture, Image.merge("RGB", [noise] * 3), scale=1, offset=-128)


def _resized(picture: Image.Image, scale: float) -> Image.Image:
    return picture.resize((round(picture.width * scale), round(picture.height * scale)), Image.Resampling.LANCZOS)


def _turned(picture: Image.Image, chance: random.Random) -> Image.Image:
    """One picture in six lies on its side or on its head."""
    quarter = chance.choice((0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 90, 180, 270))
    return picture.rotate(quarter, expand=True)
