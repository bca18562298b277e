"""Passports that a program reads: what it found is kept sealed, and beside it the keyed digest of the number."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import asdict
from datetime import datetime

from portal.booking.services import document_digest
from portal.visas.models import PassportReading, ReadingState
from portal.visas.mrz import FIELDS, Certainty, Field, Format, Mrz
from portal.visas.programs import work_off
from portal.visas.reading import read_passport


def read_waiting(now: datetime) -> int:
    """Read the passports that wait; how many were done with. Without the packages of the reader they go on waiting."""
    if importlib.util.find_spec("rapidocr_onnxruntime") is None:
        return 0
    return work_off(
        PassportReading,
        work=lambda content, media_type: read_passport(content, media_type, now.date()),
        keep=_keep,
        now=now,
    )


def _keep(reading: PassportReading, mrz: Mrz | None) -> None:
    if mrz is None or not mrz.plausible:
        reading.move_to(ReadingState.NOTHING)
        return
    reading.move_to(ReadingState.READ)
    reading.fields = json.dumps(asdict(mrz))
    if mrz.number.certainty.certain or mrz.number.certainty is Certainty.AMBIGUOUS:
        reading.number_fingerprint = document_digest(mrz.number.text)


def mrz_of(reading: PassportReading) -> Mrz | None:
    """What was read; None where nothing was."""
    if reading.fields is None:
        return None
    kept = json.loads(reading.fields)
    fields = {name: Field(kept[name]["text"], Certainty(kept[name]["certainty"])) for name in FIELDS}
    return Mrz(
        format=Format(kept["format"]),
        names_truncated=kept["names_truncated"],
        composite_holds=kept["composite_holds"],
        **fields,
    )
