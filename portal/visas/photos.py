"""Portraits that a program measures, in a cage; where it is absent, people look by eye alone."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select

from portal.database import db
from portal.kernel.cage import Cage
from portal.visas.models import PhotoCheck, ReadingState
from portal.visas.photo import PHOTO_RULES, Measured, PhotoRule, Result, judge_photo
from portal.visas.programs import answer_of, work_off

# Of two gigabytes of addresses about 250 MB are ever used.
MEASURER = Cage(Path(__file__).with_name("photo_cage.py"), memory_bytes=2 * 1024**3, cpu_seconds=15, seconds=20)


@dataclass(frozen=True)
class PhotoView:
    """How a portrait looks to the program, for the guest and for the reviewer."""

    state: ReadingState
    rule: PhotoRule
    results: tuple[Result, ...]


def check_waiting(now: datetime) -> int:
    """Measure the portraits that wait; how many were done with. Without OpenCV they go on waiting."""
    if importlib.util.find_spec("cv2") is None:
        return 0
    return work_off(PhotoCheck, work=measure, keep=_keep, now=now)


def measure(content: bytes, media_type: str) -> dict[str, Any] | None:
    """The fields of Measured, of a picture or of the first page of a PDF; None where it shows nothing to measure.

    Takes a second: to be called outside any transaction. Raises ProgramAbsent.
    """
    found: dict[str, Any] | None = answer_of(MEASURER, content, media_type)
    return found


def _keep(check: PhotoCheck, measured: dict[str, Any] | None) -> None:
    check.move_to(ReadingState.NOTHING if measured is None else ReadingState.READ)
    check.measured = measured


def photo_view(submission_id: int, document: str) -> PhotoView | None:
    """None for what is no portrait, was handed in before portraits were measured, or is forgotten. One statement."""
    rule = PHOTO_RULES.get(document)
    if rule is None:
        return None
    check = db.session.scalar(select(PhotoCheck).where(PhotoCheck.submission_id == submission_id))
    if check is None or check.state is ReadingState.FORGOTTEN:
        return None
    results = judge_photo(Measured.of(check.measured), rule) if check.measured else ()
    return PhotoView(check.state, rule, results)
