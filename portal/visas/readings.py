"""Passports that wait to be read by a program: read after the upload has committed, outside any transaction."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import select

from portal.booking.services import document_digest
from portal.database import after_commit, db, transaction
from portal.files.models import FileState, StoredFile
from portal.files.services import content_of
from portal.kernel.errors import NotFound
from portal.outbox.services import wake_worker
from portal.visas.models import PassportReading, ReadingState, Submission
from portal.visas.mrz import FIELDS, Certainty, Field, Format, Mrz
from portal.visas.reading import ReaderAbsent, read_passport

AT_ONCE = 5  # the worker has other things to do, too
MOST_ATTEMPTS = 2


def await_reading(*, submission_id: int) -> None:
    """Put a passport that was handed in before the reader; a second time nothing changes."""
    with transaction() as session:
        submission = session.get_one(Submission, submission_id)
        known = session.scalar(select(PassportReading.id).where(PassportReading.submission_id == submission_id))
        if submission.item.document != "passport" or known is not None:
            return
        session.add(PassportReading(submission_id=submission_id, state=ReadingState.WAITING))
        after_commit(wake_worker)


def read_waiting(now: datetime) -> int:
    """Read the passports that wait; how many were done with. Without the packages of the reader they go on waiting."""
    if importlib.util.find_spec("rapidocr_onnxruntime") is None:
        return 0
    done = 0
    while done < AT_ONCE and (reading_id := _claim(now)) is not None:
        mrz = None
        file = db.session.get_one(PassportReading, reading_id).submission.file
        try:
            content, media_type = content_of(file), file.media_type
            db.session.commit()  # reading takes seconds, and nobody shall wait for them
            mrz = read_passport(content, media_type, now.date())
        except NotFound:  # purged meanwhile
            pass
        except ReaderAbsent:
            return done
        _keep(reading_id, mrz, now)
        done += 1
    return done


def _claim(now: datetime) -> int | None:
    """Count the attempt before it is made: a picture that ends the worker is not tried for ever."""
    with transaction() as session:
        reading = session.scalars(
            select(PassportReading)
            .join(Submission, Submission.id == PassportReading.submission_id)
            .join(StoredFile, StoredFile.id == Submission.file_id)
            .where(
                PassportReading.state == ReadingState.WAITING,
                StoredFile.state != FileState.RECEIVED,  # the virus scanner comes first
            )
            .order_by(PassportReading.attempts, PassportReading.id)
            .limit(1)
            .with_for_update(of=PassportReading, skip_locked=True)
        ).first()
        if reading is None:
            return None
        if reading.attempts >= MOST_ATTEMPTS:
            reading.move_to(ReadingState.NOTHING)
            reading.read_at = now
            return _claim(now)
        reading.attempts += 1
        return reading.id


def _keep(reading_id: int, mrz: Mrz | None, now: datetime) -> None:
    with transaction() as session:
        reading = session.get_one(PassportReading, reading_id, with_for_update=True)
        if reading.state is not ReadingState.WAITING:
            return
        reading.read_at = now
        if mrz is None or not mrz.plausible:
            reading.move_to(ReadingState.NOTHING)
            return
        reading.move_to(ReadingState.READ)
        reading.fields = json.dumps(asdict(mrz))
        if mrz.number.certainty.certain or mrz.number.certainty is Certainty.AMBIGUOUS:
            reading.number_fingerprint = document_digest(mrz.number.text)


def forget_reading(*, file_id: int) -> None:
    """With the document goes what was read in it."""
    with transaction() as session:
        reading = session.scalar(
            select(PassportReading).join(Submission).where(Submission.file_id == file_id).with_for_update()
        )
        if reading is not None and reading.state is not ReadingState.FORGOTTEN:
            reading.move_to(ReadingState.FORGOTTEN)
            reading.fields = reading.number_fingerprint = None


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
