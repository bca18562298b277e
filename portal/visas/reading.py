"""The one module that knows the reader of passports: a program of its own; where it is absent, people read."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from datetime import date
from pathlib import Path

from portal.files.errors import FileDamaged
from portal.files.intake import PDF, page_picture
from portal.visas.mrz import Mrz, merge, parse

log = logging.getLogger(__name__)

PROGRAM = Path(__file__).with_name("mrz_cage.py")
SECONDS = 30
ABSENT = 3
MOST_READINGS = 12


class ReaderAbsent(Exception):
    """The packages of the reader are not installed here."""


def read_passport(content: bytes, media_type: str, today: date) -> Mrz | None:
    """What the machine-readable lines of a picture say, or of the first page of a PDF; None where none were found.

    Takes seconds: to be called outside any transaction. Raises ReaderAbsent.
    """
    if media_type == PDF:
        try:
            content = page_picture(content, 1)
        except FileDamaged:
            return None
    try:
        done = subprocess.run(
            [sys.executable, "-I", str(PROGRAM)], input=content, capture_output=True, timeout=SECONDS
        )
    except subprocess.TimeoutExpired:
        log.warning("the reader of passports took too long")
        return None
    if done.returncode == ABSENT:
        raise ReaderAbsent
    if done.returncode:
        log.warning("the reader of passports stopped with %s", done.returncode)
        return None
    readings = [parse(lines, today) for lines in json.loads(done.stdout)[:MOST_READINGS]]
    found = [mrz for mrz in readings if mrz is not None]
    return merge(found) if found else None
