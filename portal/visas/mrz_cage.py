"""A program of its own: reads a picture from standard input and answers with the machine-readable lines it finds.

It runs in a cage, apart from the portal, with little memory and time, because reading text needs large programs and
the picture comes from a stranger. Answer: JSON, a list of readings, each a list of two or three lines; several readings
of one document are for comparing. An empty list: nothing was found. Needs rapidocr-onnxruntime, or ends with status 3.
"""

from __future__ import annotations

import importlib.util
import json
import sys
import time
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

ABSENT = 3
MOST_PIXELS = 40_000_000
LONG_SIDE = 2600  # pixels: more makes no letter clearer
# Side lengths at which lines are looked for: small first, since that is most of the work.
SMALL, LARGE = 640, 960
# Pixels between characters; with the background divided away or not.
GLANCE = (10, True)
WAYS = ((16, True), (20, True), (16, False))
# By how many characters the middle of a line seen from aside is off, and how many distances between characters are
# tried: for each character on its own, and at a glance.
BENDS, SPACINGS = (-2.0, -1.0, 0.0, 1.0, 2.0), 45
FEW_BENDS, FEW_SPACINGS = (-1.5, 0.0, 1.5), 16
LEAST_FIT = 0.6  # of a line of OCR-B, seldom under 0.8; other text stays far below
# After so much work nothing new is begun: what is left of a reading takes less than half a second.
PATIENCE_SECONDS = 1.5
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ<0123456789"
LETTERS = 27  # of them, the filler among them
FONT = str(Path(__file__).resolve().parents[2] / "static" / "fonts" / "OCRB.otf")
# Of a line with 30 characters or more: its length in heights of the box around it, at least.
SLENDER = 8.0
LONGEST = 44  # characters of a line of a passport; what was found out by trying is told for such a line


@dataclass(frozen=True)
class Form:
    """What the lines of one size of documents have in common; apart: as a share of their length."""

    lines: int
    count: int  # characters of each
    apart: float
    letters: int  # which line holds names, and so no digits; counted from 0
    least: float  # how well a line must fit at a glance; the shorter, the better other text fits by chance


# Passports first. Of cards the small ones: there are more of them.
PASSPORT = Form(2, 44, 0.059, 0, least=0.55)
CARDS = (Form(3, 30, 0.083, 2, least=0.72), Form(2, 36, 0.0695, 0, least=0.68))
# At which size, what, and whether whole lines or those whose end, a row of fillers, may not have been seen.
STEPS = (
    (SMALL, (PASSPORT,), True),
    (SMALL, CARDS, True),
    (LARGE, (PASSPORT,), True),
    (LARGE, CARDS, True),
    (SMALL, (PASSPORT,), False),
    (LARGE, (PASSPORT,), False),
    (SMALL, CARDS, False),
    (LARGE, CARDS, False),
)


class Finder:
    """Finds lines of text with the model of rapidocr-onnxruntime, on one core."""

    def __init__(self) -> None:
        import rapidocr_onnxruntime
        from rapidocr_onnxruntime.ch_ppocr_det import TextDetector

        models = Path(rapidocr_onnxruntime.__file__).parent / "models"
        one_core = {"use_cuda": False, "use_dml": False, "intra_op_num_threads": 1, "inter_op_num_threads": 1}
        self._detector = TextDetector(
            one_core
            | {
                "model_path": str(models / "ch_PP-OCRv4_det_infer.onnx"),
                "limit_side_len": SMALL,
                "limit_type": "max",
                "mean": [0.5, 0.5, 0.5],
                "std": [0.5, 0.5, 0.5],
            }
        )

    def boxes(self, picture: Any, side: int) -> Any:
        """Four corners of each line of text, in pixels of the picture."""
        import cv2
        import numpy

        scale = min(1.0, side / max(picture.shape[:2]))
        small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        self._detector.get_preprocess = lambda _side: _Preparing(side)
        found, _seconds = self._detector(small)
        return [] if found is None else [numpy.array(box, dtype=numpy.float32) / scale for box in found]


class _Preparing:
    """The detector's own preparation, with a size of our choice."""

    def __init__(self, side: int) -> None:
        from rapidocr_onnxruntime.ch_ppocr_det.utils import DetPreProcess

        self._prepare = DetPreProcess(side, "max", [0.5, 0.5, 0.5], [0.5, 0.5, 0.5])

    def __call__(self, picture: Any) -> Any:
        return self._prepare(picture)


class Line:
    """A line of text as an oblong: its middle, direction (a unit vector along the reading), length and height."""

    def __init__(self, points: Any) -> None:
        import cv2
        import numpy

        (x, y), (width, height), _angle = cv2.minAreaRect(points)
        corners = cv2.boxPoints(((x, y), (width, height), _angle))
        along = max((corners[1] - corners[0], corners[2] - corners[1]), key=lambda side: float(side @ side))
        if along[0] < 0 or (abs(along[0]) < 1e-6 and along[1] < 0):
            along = -along
        self.points = points
        self.middle = numpy.array([x, y])
        self.length = max(width, height)
        self.height = max(min(width, height), 1.0)
        self.along = along / max(float(numpy.linalg.norm(along)), 1e-6)
        self.across = numpy.array([-self.along[1], self.along[0]])

    @property
    def slender(self) -> bool:
        return bool(self.length / self.height >= SLENDER)


def lines_of_text(boxes: list[Any]) -> list[Line]:
    """Lines slender enough to be machine-readable, the longest first."""
    lines = _joined([line for line in map(Line, boxes) if line.length / line.height > 2.5])
    return sorted((line for line in lines if line.slender), key=lambda line: -line.length)[:6]


def ends_unseen(seen: list[Line], turned: bool, form: Form) -> list[Line]:
    """What the lines are if the row of fillers at their end was not seen."""
    way, shorter = -1 if turned else 1, form.count / LONGEST
    return [_longer(line, heights * shorter, way) for heights in (20, 25) for line in seen]


def _joined(lines: list[Line]) -> list[Line]:
    """A line that was found in pieces is one line."""
    import numpy

    joined: list[Line] = []
    for line in sorted(lines, key=lambda line: -line.length):
        for place, other in enumerate(joined):
            apart = line.middle - other.middle
            gap = abs(float(apart @ other.along)) - (line.length + other.length) / 2
            if (
                abs(float(line.along @ other.across)) < 0.08
                and abs(float(apart @ other.across)) < 0.6 * other.height
                and gap < 2.5 * other.height
            ):
                joined[place] = Line(numpy.concatenate([other.points, line.points]))
                break
        else:
            joined.append(line)
    return joined


def _beside(line: Line, others: list[Line], way: int, form: Form) -> list[Line]:
    """Those that may be the line so many lines further down the picture."""
    wanted = way * form.apart * line.length
    return [other for other in others if other is not line and _parallel(line, other, wanted, form)]


def _parallel(line: Line, other: Line, wanted: float, form: Form) -> bool:
    apart = other.middle - line.middle
    return bool(
        abs(float(other.along @ line.across)) < 0.1
        and abs(float(apart @ line.along)) < 0.25 * line.length
        and abs(float(apart @ line.across) - wanted) < 0.7 * form.apart * line.length
        and 0.6 < other.length / line.length < 1.7
    )


def _longer(line: Line, heights: float, way: int) -> Line:
    """With its end, the row of fillers, that was not seen: by its height the line must be so long."""
    import numpy

    more = max(heights * line.height - line.length, 0)
    end = line.middle + line.along * way * (line.length / 2 + more)
    edge = line.across * line.height / 2
    return Line(numpy.concatenate([line.points, numpy.array([end - edge, end + edge])]).astype(line.points.dtype))


def _shifted(line: Line, way: int, form: Form) -> Line:
    """Where the line so many lines further stands by the standard."""
    return Line(line.points + (line.across * way * form.apart * line.length).astype(line.points.dtype))


def strip(picture: Any, line: Line, pitch: int, turned: bool, count: int) -> Any:
    """The line cut out of the picture, level and grey, some room around it; characters stand about `pitch` apart."""
    import cv2
    import numpy

    half, up = line.along * (line.length * 0.56), line.across * line.length * 0.033 * LONGEST / count
    corners = numpy.array(
        [line.middle - half - up, line.middle + half - up, line.middle + half + up, line.middle - half + up]
    )
    if turned:
        corners = numpy.roll(corners, 2, axis=0)
    size = (round(2 * 0.56 * count * pitch), round(2 * 0.033 * LONGEST * pitch))
    finer: int = max(1, min(4, round(float(line.length) / (count * pitch))))  # thin strokes survive the way down
    whole = (size[0] * finer, size[1] * finer)
    to = numpy.array([[0, 0], [whole[0], 0], whole, [0, whole[1]]], dtype=numpy.float32)
    way = cv2.getPerspectiveTransform(corners.astype(numpy.float32), to)
    cut = cv2.warpPerspective(picture, way, whole, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return cv2.cvtColor(cv2.resize(cut, size, interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2GRAY)


def evened(grey: Any) -> Any:
    """With the background divided away: light that falls unevenly, a pale copy, a reflection."""
    import cv2
    import numpy

    behind = cv2.GaussianBlur(cv2.dilate(grey, numpy.ones((9, 9), numpy.uint8)), (0, 0), 9)
    return cv2.divide(grey, numpy.maximum(behind, 1), scale=255)


class Text(NamedTuple):
    """A line as any character, as letters alone, and how well they fit (1: wholly)."""

    anything: str
    letters: str
    fit: float


class Shapes:
    """The letters of OCR-B at one size, compared with what stands in each place of a line of fixed pitch."""

    def __init__(self, pitch: int) -> None:
        import cv2
        import numpy
        from PIL import Image, ImageDraw, ImageFont

        self.pitch = pitch
        probe = ImageFont.truetype(FONT, 1000)
        size = 1000 * 4 * pitch / probe.getlength("<")
        font = ImageFont.truetype(FONT, size)
        top, bottom = (round(edge) for edge in font.getbbox("H")[1::2])
        height = bottom - top + 2 * pitch
        self.templates = []
        for letter in ALPHABET:
            cell = Image.new("L", (4 * pitch, height), 255)
            ImageDraw.Draw(cell).text((0, pitch - top), letter, font=font, fill=0)
            small = cv2.resize(numpy.array(cell), (pitch, height // 4), interpolation=cv2.INTER_AREA)
            self.templates.append(cv2.GaussianBlur(small, (0, 0), pitch / 24))

    def text(self, grey: Any, count: int) -> Text:
        """What stands in the line."""
        import cv2
        import numpy

        if grey.shape[0] <= self.templates[0].shape[0]:
            grey = cv2.copyMakeBorder(grey, self.pitch, self.pitch, 0, 0, cv2.BORDER_REPLICATE)
        maps = numpy.stack([cv2.matchTemplate(grey, one, cv2.TM_CCOEFF_NORMED) for one in self.templates])
        best = maps.max(axis=0)
        # A character may stand a little off its place.
        near = cv2.dilate(best, numpy.ones((3, 3), numpy.uint8))
        columns = near.shape[1]
        places = numpy.arange(count)
        middle = near[max(0, len(near) // 2 - self.pitch // 2) : len(near) // 2 + self.pitch // 2 + 1].max(axis=0)
        best_fit, along = 0.0, places * float(self.pitch)
        glance = self.pitch == GLANCE[0]
        bends, spacings = (FEW_BENDS, FEW_SPACINGS) if glance else (BENDS, SPACINGS)
        for spacing in numpy.linspace(self.pitch * 0.88, self.pitch * 1.1, spacings):
            for bend in bends:
                run = places * spacing + bend * self.pitch * places * (count - 1 - places) / (count - 1) ** 2
                starts = numpy.arange(0, columns - run.max() - 1, 1.5)
                if len(starts):
                    fits = middle[(starts[:, None] + run[None, :]).astype(int)].sum(axis=1)
                    if fits.max() > best_fit:
                        best_fit, along = float(fits.max()), starts[int(fits.argmax())] + run
        spots = _followed(best, near, along)
        anything = letters = ""
        total = 0.0
        for x, y in spots:
            scores = maps[:, max(0, y - 1) : y + 2, max(0, x - 1) : x + 2].reshape(len(ALPHABET), -1).max(axis=1)
            anything += ALPHABET[int(scores.argmax())]
            letters += ALPHABET[int(scores[:LETTERS].argmax())]
            total += float(scores.max())
        return Text(anything, letters, total / count)


def _followed(best: Any, near: Any, along: Any) -> list[tuple[int, int]]:
    """Where each character stands: its place along the line nearly known, its row following its neighbours'."""
    rows, columns = best.shape
    count = len(along)
    start = near[:, along[count // 3 : 2 * count // 3].astype(int)].sum(axis=1)
    spots: dict[int, tuple[int, int]] = {}
    for places in (range(count // 2, count), range(count // 2 - 1, -1, -1)):
        y, off = float(start.argmax()), 0.0
        for place in places:
            x = float(along[place]) + off
            left, top = max(0, min(columns - 1, round(x)) - 2), max(0, min(rows - 1, round(y)) - 2)
            window = best[top : top + 5, left : left + 5]
            at = int(window.argmax())
            spots[place] = (left + at % window.shape[1], top + at // window.shape[1])
            off += 0.3 * (spots[place][0] - x)
            y += 0.5 * (spots[place][1] - y)
    return [spots[place] for place in range(count)]


def read(content: bytes) -> list[list[str]]:
    """Readings of the document that is in the picture; the search goes on until its check digits hold."""
    import cv2
    import numpy

    picture = cv2.imdecode(numpy.frombuffer(content, numpy.uint8), cv2.IMREAD_COLOR)
    if picture is None or picture.shape[0] * picture.shape[1] > MOST_PIXELS:
        return []
    scale = min(1.0, LONG_SIDE / max(picture.shape[:2]))
    if scale < 1:
        picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    search = Search(picture)
    for side, forms, whole in STEPS:
        found = search.among(side, forms, whole)
        if found is not None:
            return found
    return search.second_best


class Search:
    """The search in one picture: what was read of a place is not read again."""

    def __init__(self, picture: Any) -> None:
        self.picture = picture
        self.finder = Finder()
        self.mrz = _parser()
        self.began = time.process_time()
        self.second_best: list[list[str]] = []
        self._seen: dict[int, list[Line]] = {}
        self._texts: dict[tuple[Any, ...], tuple[Line, Text]] = {}

    def seen(self, side: int) -> list[Line]:
        if side not in self._seen:
            self._seen[side] = lines_of_text(self.finder.boxes(self.picture, side))
        return self._seen[side]

    def among(self, side: int, forms: tuple[Form, ...], whole: bool) -> list[list[str]] | None:
        """A reading whose check digits hold, or the best there is once patience has ended; None: go on elsewhere."""
        if self.tired:
            return self.second_best
        seen, tries = self.seen(side), []
        for form in forms:
            for turned in (False, True):
                lines = seen if whole else ends_unseen(seen, turned, form)
                for line in lines:
                    if self.tired:
                        return self.second_best
                    glance = self.text(line, GLANCE, turned, form).fit
                    if glance >= form.least:
                        tries.append((glance, line, [*seen, *lines], turned, form))
        for _glance, line, lines, turned, form in sorted(tries, key=lambda one: -one[0]):
            if self.tired:
                return self.second_best
            found = self.readings(line, lines, turned, form)
            if any(self.mrz.parse(one, date.max).composite_holds for one in found):
                return found
            self.second_best = max(self.second_best, found, key=len)
        return None

    @property
    def tired(self) -> bool:
        return time.process_time() - self.began > PATIENCE_SECONDS

    def readings(self, line: Line, lines: list[Line], turned: bool, form: Form) -> list[list[str]]:
        """Of the document that `line` belongs to, if it does: all of its lines, in several ways, for comparing."""
        if self.fit(line, turned, form) < LEAST_FIT:
            return []
        places = {0: line}
        for way in (*range(1, form.lines), *range(-1, -form.lines, -1)):
            beside = [*_beside(line, lines, way, form), _shifted(line, way, form)]
            places[way] = max(beside, key=lambda other: self.fit(other, turned, form))
        # Which of the lines is `line`? The others stand where they fit best.
        starts = sorted(
            range(1 - form.lines, 1),
            key=lambda start: -sum(self.fit(places[start + at], turned, form) for at in range(form.lines)),
        )
        for start in starts:
            block = [places[start + at] for at in range(form.lines)]
            if turned:
                block.reverse()
            found: list[list[str]] = []
            for way in WAYS:
                texts = [self.text(one, way, turned, form) for one in block]
                reading = [text.letters if at == form.letters else text.anything for at, text in enumerate(texts)]
                parsed = self.mrz.parse(reading, date.max)
                if not found and (parsed is None or not parsed.plausible):
                    break
                found.append(reading)
            if found:
                return found
        return []

    def fit(self, line: Line, turned: bool, form: Form) -> float:
        return self.text(line, WAYS[0], turned, form).fit

    def text(self, line: Line, way: tuple[int, bool], turned: bool, form: Form) -> Text:
        key = (id(line), way, turned, form)
        if key not in self._texts:
            pitch, even = way
            grey = strip(self.picture, line, pitch, turned, form.count)
            # The line is kept with its text, so that no other line gets its id.
            self._texts[key] = line, shapes(pitch).text(evened(grey) if even else grey, form.count)
        return self._texts[key][1]


@cache
def shapes(pitch: int) -> Shapes:
    return Shapes(pitch)


def _parser() -> Any:
    """portal.visas.mrz without the portal around it."""
    place = importlib.util.spec_from_file_location("mrz", Path(__file__).with_name("mrz.py"))
    assert place is not None
    assert place.loader is not None
    module = importlib.util.module_from_spec(place)
    sys.modules["mrz"] = module
    place.loader.exec_module(module)
    return module


def main() -> int:
    if importlib.util.find_spec("rapidocr_onnxruntime") is None:
        return ABSENT
    content = sys.stdin.buffer.read()
    try:
        readings = read(content)
    except (Exception, MemoryError) as failure:
        sys.stderr.write(type(failure).__name__)
        return 1
    json.dump(readings, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
