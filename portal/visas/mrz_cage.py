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
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

ABSENT = 3
MOST_PIXELS = 40_000_000
LONG_SIDE = 2600  # pixels: more makes no letter clearer
# Side lengths at which lines are looked for: small first, since that is most of the work.
SEARCHES = (640, 960)
WAYS = ((16, True), (20, True), (16, False))  # pixels between characters; with the background divided away or not
BENDS = (-2.0, -1.0, 0.0, 1.0, 2.0)  # by how many characters the middle of a line seen from aside is off
LEAST_FIT = 0.6  # of a line of OCR-B, seldom under 0.8; other text stays far below
PATIENCE_SECONDS = 4.0
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ<0123456789"
LETTERS = 27  # of them, the filler among them
FONT = str(Path(__file__).resolve().parents[2] / "static" / "fonts" / "OCRB.otf")
# Of a line with 44 characters: its length in heights of the box around it, at least.
SLENDER = 9.0


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
                "limit_side_len": SEARCHES[0],
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
    return sorted((line for line in lines if line.slender), key=lambda line: -line.length)[:5]


def ends_unseen(seen: list[Line], turned: bool) -> list[Line]:
    """What the lines are if the row of fillers at their end was not seen."""
    way = -1 if turned else 1
    return [_longer(line, heights, way) for heights in (20, 25) for line in seen]


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


def _neighbours(first: Line, other: Line) -> bool:
    apart = other.middle - first.middle
    return bool(
        abs(float(other.along @ first.across)) < 0.1
        and abs(float(apart @ first.along)) < 0.25 * first.length
        and 0.02 * first.length < abs(float(apart @ first.across)) < 0.16 * first.length
        and 0.6 < other.length / first.length < 1.7
    )


def _longer(line: Line, heights: float, way: int) -> Line:
    """With its end, the row of fillers, that was not seen: by its height the line must be so long."""
    import numpy

    more = max(heights * line.height - line.length, 0)
    end = line.middle + line.along * way * (line.length / 2 + more)
    edge = line.across * line.height / 2
    return Line(numpy.concatenate([line.points, numpy.array([end - edge, end + edge])]).astype(line.points.dtype))


def _shifted(line: Line, way: int) -> Line:
    """Where the line before or after stands by the standard: 6.6 mm away, of lines 112 mm long."""
    return Line(line.points + (line.across * way * 0.059 * line.length).astype(line.points.dtype))


def strip(picture: Any, line: Line, pitch: int, turned: bool) -> Any:
    """The line cut out of the picture, level and grey, some room around it; 44 characters stand about `pitch` apart."""
    import cv2
    import numpy

    half, up = line.along * (line.length * 0.56), line.across * line.length * 0.033
    corners = numpy.array(
        [line.middle - half - up, line.middle + half - up, line.middle + half + up, line.middle - half + up]
    )
    if turned:
        corners = numpy.roll(corners, 2, axis=0)
    size = (round(2 * 0.56 * 44 * pitch), round(2 * 0.033 * 44 * pitch))
    finer: int = max(1, min(4, round(float(line.length) / (44 * pitch))))  # thin strokes survive the way down
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

    def text(self, grey: Any, count: int) -> tuple[str, str, float]:
        """The line as any character, the line as letters alone, and how well they fit (1: wholly)."""
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
        for spacing in numpy.linspace(self.pitch * 0.88, self.pitch * 1.1, 45):
            for bend in BENDS:
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
        return anything, letters, total / count


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

    mrz = _parser()
    picture = cv2.imdecode(numpy.frombuffer(content, numpy.uint8), cv2.IMREAD_COLOR)
    if picture is None or picture.shape[0] * picture.shape[1] > MOST_PIXELS:
        return []
    scale = min(1.0, LONG_SIDE / max(picture.shape[:2]))
    if scale < 1:
        picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    finder = Finder()
    began = time.process_time()
    second_best: list[list[str]] = []
    for side in SEARCHES:
        boxes = finder.boxes(picture, side)
        seen = lines_of_text(boxes)
        both = {turned: [*seen, *ends_unseen(seen, turned)] for turned in (False, True)}
        tries = [(turned, line) for turned, lines in both.items() for line in lines]
        for turned, line in sorted(tries, key=lambda one: one[1] not in seen):
            if time.process_time() - began > PATIENCE_SECONDS:
                return second_best
            found = _readings(picture, line, both[turned], turned, mrz)
            if any(mrz.parse(one, date.max).composite_holds for one in found):
                return found
            second_best = max(second_best, found, key=len)
    return second_best


def _readings(picture: Any, line: Line, lines: list[Line], turned: bool, mrz: Any) -> list[list[str]]:
    """Of the document that `line` belongs to, if it does: its two lines read in several ways, for comparing."""
    if _fit(picture, line, turned) < LEAST_FIT:
        return []
    near = [other for other in lines if other is not line and _neighbours(line, other)]
    for way in (-1, 1):
        beside = [other for other in near if float((other.middle - line.middle) @ line.across) * way > 0]
        partner = max((*beside, _shifted(line, way)), key=lambda other: _fit(picture, other, turned))
        upper, lower = (line, partner) if (way > 0) != turned else (partner, line)
        found: list[list[str]] = []
        for pitch, even in WAYS:
            first, second = (_text(picture, one, pitch, even, turned) for one in (upper, lower))
            reading = [first[1], second[0]]
            if not found and not mrz.parse(reading, date.max).plausible:
                break
            found.append(reading)
        if found:
            return found
    return []


def _fit(picture: Any, line: Line, turned: bool) -> float:
    return _text(picture, line, *WAYS[0], turned)[2]


def _text(picture: Any, line: Line, pitch: int, even: bool, turned: bool) -> tuple[str, str, float]:
    grey = strip(picture, line, pitch, turned)
    return shapes(pitch).text(evened(grey) if even else grey, 44)


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
