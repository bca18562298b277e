"""The one module that knows the reader of passports: a program of its own; where it is absent, people read."""

from __future__ import annotations

import json
import logging
from datetime import date
from pathlib import Path

from portal.files.errors import FileDamaged
from portal.files.intake import PDF, page_picture
from portal.kernel.cage import Cage
from portal.visas.mrz import Mrz, merge, parse
from portal.visas.programs import ProgramAbsent

log = logging.getLogger(__name__)

# Of three gigabytes of addresses about 400 MB are ever used.
READER = Cage(Path(__file__).with_name("mrz_cage.py"), memory_bytes=3 * 1024**3, cpu_seconds=25, seconds=30)
ABSENT = 3
MOST_READINGS = 12


def read_passport(content: bytes, media_type: str, today: date) -> Mrz | None:
    """What the machine-readable lines of a picture say, or of the first page of a PDF; None where none were found.

    Takes seconds: to be called outside any transaction. Raises ProgramAbsent.
    """
    if media_type == PDF:
        try:
            content = page_picture(content, 1)
        except FileDamaged:
            return None
    status, answer = READER.work(content=content)
    if status == ABSENT:
        raise ProgramAbsent
    if status:
        log.warning("the reader of passports ended with status %s", status)
        return None
    readings = [parse(lines, today) for lines in json.loads(answer)[:MOST_READINGS]]
    found = [mrz for mrz in readings if mrz is not None]
    return merge(found) if found else None
