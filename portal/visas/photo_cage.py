"""A program of its own: reads a portrait from standard input and answers with what can be measured in it.

It runs in a cage, apart from the portal, for the picture comes from a stranger. Answer: JSON, the fields of
portal.visas.photo.Measured. Needs OpenCV 4 with its cascades, or ends with status 3.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

ABSENT = 3
MOST_PIXELS = 40_000_000
LOOK_HEIGHT = 800  # pixels: faces are looked for in a picture of this height
FACE_WIDTH = 240  # pixels to which a face is brought before its sharpness is measured
LEAST_FACE = 0.12  # of the shorter side; what is smaller is no portrait, and mostly no face
FOREGROUND = 40  # of 255: so far from the background, and it is not background
STRIP = 0.09  # of the width: how much at each side is background, above the shoulders


def measure(content: bytes) -> dict[str, Any] | None:
    """None where it is no picture, or too large a one."""
    import cv2
    import numpy

    whole = cv2.imdecode(numpy.frombuffer(content, numpy.uint8), cv2.IMREAD_COLOR)
    if whole is None or whole.shape[0] * whole.shape[1] > MOST_PIXELS:
        return None
    height, width = whole.shape[:2]
    scale = LOOK_HEIGHT / height
    small = cv2.resize(whole, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    grey = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY)
    faces = _faces(grey)
    strips = _strips(small)
    behind = numpy.median(numpy.concatenate(strips), axis=0)
    face = faces[0] if faces else None
    return {
        "width": width,
        "height": height,
        "faces": len(faces),
        "chin": _share(face[1] + face[3] * 1.02, small) if face else None,
        "crown": _share(crown, small) if face and (crown := _crown(small, face, behind)) is not None else None,
        "eyes": [[float(x) / small.shape[1], float(y) / small.shape[0]] for x, y in _eyes(grey, face)] if face else [],
        "background": [round(float(part)) for part in behind[::-1]],
        "background_spread": float(numpy.percentile(_distances(numpy.concatenate(strips), behind), 90)),
        "background_sides": float(abs(numpy.median(strips[0]) - numpy.median(strips[1]))),
        "face_sides": _sides(grey, face) if face else None,
        "sharpness": _sharpness(whole, face, scale),
    }


def _cascade(name: str) -> Any:
    import cv2
    from cv2 import data

    return cv2.CascadeClassifier(str(Path(data.__file__).with_name(name)))


def _faces(grey: Any) -> list[tuple[int, int, int, int]]:
    """Left, top, width and height of each, the largest first."""
    cascade = _cascade("haarcascade_frontalface_alt2.xml")
    least = int(min(grey.shape) * LEAST_FACE)
    found = cascade.detectMultiScale(grey, 1.05, 5, minSize=(least, least))
    faces = sorted(((int(x), int(y), int(w), int(h)) for x, y, w, h in found), key=lambda box: -box[2])
    # Half as large as the first, and it is another thing: a button, a pattern, a poster far behind.
    return [box for box in faces if box[2] >= faces[0][2] * 0.5]


def _eyes(grey: Any, face: tuple[int, int, int, int]) -> list[tuple[float, float]]:
    """The middles of two eyes, the left one of the picture first, or nothing."""
    left, top, width, height = face
    upper = grey[max(0, top + height // 6) : top + height * 6 // 10, max(0, left) : left + width]
    cascade = _cascade("haarcascade_eye_tree_eyeglasses.xml")
    found = cascade.detectMultiScale(upper, 1.05, 3, minSize=(width // 12, width // 12), maxSize=(width // 2,) * 2)
    middles = [(left + x + w / 2, max(0, top + height // 6) + y + h / 2) for x, y, w, h in found]
    pairs = [
        (one, other)
        for one in middles
        for other in middles
        if 0.25 * width < other[0] - one[0] < 0.65 * width and abs(other[1] - one[1]) < 0.2 * width
    ]
    # Two eyes are level; what else was found, a brow or a nostril, is not.
    pairs.sort(key=lambda pair: abs(pair[0][1] - pair[1][1]))
    return [*pairs[0]] if pairs else []


def _strips(small: Any) -> tuple[Any, Any]:
    """What stands at the left and at the right, down to where shoulders may begin: pixels in rows."""
    height, width = small.shape[:2]
    wide, deep = max(2, round(width * STRIP)), round(height * 0.5)
    return small[:deep, :wide].reshape(-1, 3), small[:deep, -wide:].reshape(-1, 3)


def _distances(pixels: Any, colour: Any) -> Any:
    import numpy

    return numpy.abs(pixels.astype(numpy.int16) - colour).max(axis=-1)


def _crown(small: Any, face: tuple[int, int, int, int], behind: Any) -> float | None:
    """The first row, above the middle of the face, that is not background; None where there is none to tell from."""
    import numpy

    left, top, width, height = face
    across = small[: top + height // 3, max(0, left + width // 3) : left + width * 2 // 3]
    rows = (_distances(across, behind) > FOREGROUND).mean(axis=1) > 0.5
    # From the face upwards: what hangs from above is not hair.
    free = numpy.flatnonzero(~rows[::-1])
    return float(len(rows) - free[0]) if len(free) else None


def _sides(grey: Any, face: tuple[int, int, int, int]) -> float:
    """How much darker the darker half of the face is, 0 to 1."""
    import numpy

    left, top, width, height = face
    inner = grey[top + height // 4 : top + height * 9 // 10, max(0, left + width // 6) : left + width * 5 // 6]
    halves = [float(numpy.median(half)) for half in numpy.array_split(inner, 2, axis=1)]
    return 1 - min(halves) / max(*halves, 1.0)


def _sharpness(whole: Any, face: tuple[int, int, int, int] | None, scale: float) -> float:
    """How much stands out of a face, or of all there is, brought to one size: variance of the Laplacian."""
    import cv2

    if face:
        left, top, width, height = (round(part / scale) for part in face)
        whole = whole[max(0, top) : top + height, max(0, left) : left + width]
    grey = cv2.cvtColor(whole, cv2.COLOR_BGR2GRAY)
    to = FACE_WIDTH / grey.shape[1]
    even = cv2.resize(grey, None, fx=to, fy=to, interpolation=cv2.INTER_AREA if to < 1 else cv2.INTER_CUBIC)
    return float(cv2.Laplacian(even, cv2.CV_64F).var())


def _share(row: float, small: Any) -> float:
    return float(row) / float(small.shape[0])


def main() -> int:
    if importlib.util.find_spec("cv2") is None:
        return ABSENT
    content = sys.stdin.buffer.read()
    try:
        measured = measure(content)
    except (Exception, MemoryError) as failure:
        sys.stderr.write(type(failure).__name__)
        return 1
    json.dump(measured, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
