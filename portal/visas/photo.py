"""What was measured in a portrait, held against what a country wants of it: pure, and only ever advice."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import atan2, degrees
from pathlib import Path
from typing import Any

from portal.visas.terms import Confidence

FACTS = Path(__file__).parent / "facts" / "photos.json"

PROPORTION_OFF = 0.04  # a cut that differs by less is not seen in print
NEARLY = 4  # percent of the height: so far off by the measuring alone
LIGHT, WHITE = 175, 225  # of 255, of the darkest colour of the background
UNEVEN = 34
SHADOW_BEHIND = 22
SHADOW_ON_FACE = 0.28
TILTED_DEGREES = 7
# Of a face 240 pixels wide. From drawn portraits, sharp ones at 230 and more; a person has finer lines than a drawing.
BLURRED, SOFT = 25.0, 60.0


class Verdict(StrEnum):
    MET = "met"
    MISSED = "missed"
    UNSURE = "unsure"  # it could not be measured well enough


@dataclass(frozen=True)
class PhotoRule:
    """What a photo for one document must be; shares are percent of its height, the eyes counted from below."""

    document: str
    millimetres: tuple[int, int] | None
    least_pixels: tuple[int, int]
    white: bool
    head: tuple[int, int]
    eyes: tuple[int, int]
    confidence: Confidence


@dataclass(frozen=True)
class Measured:
    """What portal.visas.photo_cage saw. Places are shares of the sides, counted from the left and from above."""

    width: int  # pixels
    height: int
    faces: int
    crown: float | None
    chin: float | None
    eyes: tuple[tuple[float, float], ...]  # none or two, that on the left of the picture first
    background: tuple[float, float, float]  # red, green, blue
    background_spread: float  # of 255: how far most of it stays from that colour
    background_sides: float  # of 255: between left and right
    face_sides: float | None  # how much darker one half is, 0 to 1
    sharpness: float

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Measured:
        """Out of JSON."""
        eyes = tuple((float(x), float(y)) for x, y in answer["eyes"])
        red, green, blue = answer["background"]
        return cls(**{**answer, "eyes": eyes, "background": (red, green, blue)})


@dataclass(frozen=True)
class Result:
    """One check; `says` is the key of its sentence (portal.visas.labels.PHOTO_SAYS), `params` what stands in it."""

    check: str
    verdict: Verdict
    says: str
    params: Mapping[str, int]


def read_photo_rules(path: Path = FACTS) -> dict[str, PhotoRule]:
    """By the code of the document."""
    return {
        entry["document"]: PhotoRule(
            document=entry["document"],
            millimetres=tuple(entry["millimetres"]) if entry["millimetres"] else None,
            least_pixels=tuple(entry["least_pixels"]),
            white=entry["background"] == "white",
            head=tuple(entry["head"]),
            eyes=tuple(entry["eyes"]),
            confidence=Confidence(entry["confidence"]),
        )
        for entry in json.loads(path.read_text(encoding="utf-8"))["photos"]
    }


PHOTO_RULES = read_photo_rules()


def judge_photo(measured: Measured, rule: PhotoRule) -> tuple[Result, ...]:
    """Every check that can be made, in the order in which one mends a photo."""
    return tuple(_results(measured, rule))


def _results(measured: Measured, rule: PhotoRule) -> Iterator[Result]:
    yield _size(measured, rule)
    yield _face(measured)
    if measured.faces == 1:
        yield _head(measured, rule)
        yield _eyes(measured, rule)
    yield _background(measured, rule)
    if measured.faces:
        yield _light(measured)
    yield _sharpness(measured)


def _result(check: str, verdict: Verdict, says: str, **params: int) -> Result:
    return Result(check, verdict, says, params)


def _size(measured: Measured, rule: PhotoRule) -> Result:
    """A file has no millimetres: its proportion is what they ask for, its pixels what print needs."""
    wide, high = rule.millimetres or rule.least_pixels
    params = {"width": measured.width, "height": measured.height, "wide": wide, "high": high}
    if abs(measured.width / measured.height / (wide / high) - 1) > PROPORTION_OFF:
        return _result("size", Verdict.MISSED, "proportion" if rule.millimetres else "proportion_pixels", **params)
    least = {"least_width": rule.least_pixels[0], "least_height": rule.least_pixels[1]}
    if measured.width < rule.least_pixels[0] or measured.height < rule.least_pixels[1]:
        return _result("size", Verdict.MISSED, "small", **params, **least)
    return _result("size", Verdict.MET, "size_met", **params)


def _face(measured: Measured) -> Result:
    if measured.faces > 1:
        return _result("face", Verdict.MISSED, "faces", number=measured.faces)
    return _result("face", Verdict.MET, "face_met") if measured.faces else _result("face", Verdict.UNSURE, "no_face")


def _head(measured: Measured, rule: PhotoRule) -> Result:
    least, most = rule.head
    if measured.crown is None or measured.chin is None:
        return _result("head", Verdict.UNSURE, "head_unsure", least=least, most=most)
    share = round(100 * (measured.chin - measured.crown))
    params = {"share": share, "least": least, "most": most}
    if least <= share <= most:
        return _result("head", Verdict.MET, "head_met", **params)
    if least - NEARLY <= share <= most + NEARLY:
        return _result("head", Verdict.UNSURE, "head_nearly", **params)
    return _result("head", Verdict.MISSED, "head_small" if share < least else "head_large", **params)


def _eyes(measured: Measured, rule: PhotoRule) -> Result:
    if not measured.eyes:
        return _result("eyes", Verdict.UNSURE, "eyes_unsure")
    (left, top), (right, low) = measured.eyes
    tilt = abs(degrees(atan2((low - top) * measured.height, (right - left) * measured.width)))
    if tilt > TILTED_DEGREES:
        return _result("eyes", Verdict.MISSED, "tilted", degrees=round(tilt))
    share = round(100 * (1 - (top + low) / 2))
    params = {"share": share, "least": rule.eyes[0], "most": rule.eyes[1]}
    if rule.eyes[0] <= share <= rule.eyes[1]:
        return _result("eyes", Verdict.MET, "eyes_met", **params)
    return _result("eyes", Verdict.MISSED, "eyes_low" if share < rule.eyes[0] else "eyes_high", **params)


def _background(measured: Measured, rule: PhotoRule) -> Result:
    if min(measured.background) < (WHITE if rule.white else LIGHT):
        return _result("background", Verdict.MISSED, "not_white" if rule.white else "not_light")
    if measured.background_sides > SHADOW_BEHIND:
        return _result("background", Verdict.MISSED, "shadow_behind")
    if measured.background_spread > UNEVEN:
        return _result("background", Verdict.MISSED, "uneven")
    return _result("background", Verdict.MET, "background_met")


def _light(measured: Measured) -> Result:
    darker = measured.face_sides or 0
    if darker > SHADOW_ON_FACE:
        return _result("light", Verdict.MISSED, "shadow_on_face", share=round(100 * darker))
    return _result("light", Verdict.MET, "light_met")


def _sharpness(measured: Measured) -> Result:
    if measured.sharpness < BLURRED:
        return _result("sharpness", Verdict.MISSED, "blurred")
    if measured.sharpness < SOFT:
        return _result("sharpness", Verdict.UNSURE, "soft")
    return _result("sharpness", Verdict.MET, "sharp")
