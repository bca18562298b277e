"""The one module that knows the reader of passports: a program of its own; where it is absent, people read."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from portal.kernel.cage import Cage
from portal.visas.mrz import Mrz, merge, parse
from portal.visas.programs import answer_of

# Of three gigabytes of addresses about 400 MB are ever used.
READER = Cage(Path(__file__).with_name("mrz_cage.py"), memory_bytes=3 * 1024**3, cpu_seconds=25, seconds=30)
MOST_READINGS = 12


def read_passport(content: bytes, media_type: str, today: date) -> Mrz | None:
    """What the machine-readable lines of a picture say, or of the first page of a PDF; None where none were found.

    Takes seconds: to be called outside any transaction. Raises ProgramAbsent.
    """
    readings = [parse(lines, today) for lines in (answer_of(READER, content, media_type) or ())[:MOST_READINGS]]
    found = [mrz for mrz in readings if mrz is not None]
    return merge(found) if found else None
