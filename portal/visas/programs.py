"""What waits for a program to look at it: done after the upload has committed, one by one, outside any transaction."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import select

from portal.database import after_commit, db, transaction
from portal.files.errors import FileDamaged
from portal.files.intake import PDF, page_picture
from portal.files.models import FileState, StoredFile
from portal.files.services import content_of
from portal.kernel.cage import Cage
from portal.kernel.errors import NotFound
from portal.outbox.services import wake_worker
from portal.visas.models import PassportReading, PhotoCheck, ReadByProgram, ReadingState, Submission

log = logging.getLogger(__name__)

ABSENT = 3  # the exit status of a program without its packages
AT_ONCE = 5  # the worker has other things to do, too
MOST_ATTEMPTS = 2
BY_PROGRAMS: tuple[type[ReadByProgram], ...] = (PassportReading, PhotoCheck)

Row = TypeVar("Row", bound=ReadByProgram)
Found = TypeVar("Found")


class ProgramAbsent(Exception):
    """The packages of a program are not installed here."""


def answer_of(cage: Cage, content: bytes, media_type: str) -> Any | None:
    """What its program says of a picture, or of the first page of a PDF, read from JSON; None where it says nothing.

    Takes seconds: to be called outside any transaction. Raises ProgramAbsent.
    """
    if media_type == PDF:
        try:
            content = page_picture(content, 1)
        except FileDamaged:
            return None
    status, answer = cage.work(content=content)
    if status == ABSENT:
        raise ProgramAbsent
    if status:
        log.warning("%s ended with status %s", cage.program.name, status)
        return None
    return json.loads(answer)


def put_before(model: type[ReadByProgram], submission_id: int) -> None:
    """Let the program look at a submission; a second time nothing changes."""
    with transaction() as session:
        if session.scalar(select(model.id).where(model.submission_id == submission_id)) is None:
            row = model()
            row.submission_id = submission_id
            row.state = ReadingState.WAITING
            session.add(row)
            after_commit(wake_worker)


def work_off(
    model: type[Row],
    *,
    work: Callable[[bytes, str], Found | None],
    keep: Callable[[Row, Found | None], None],
    now: datetime,
) -> int:
    """Give the contents that wait to `work`, with their media types; `keep` writes down what it found. How many.

    Where `work` raises ProgramAbsent all go on waiting.
    """
    done = 0
    while done < AT_ONCE and (row_id := _claim(model, now)) is not None:
        found = None
        file = db.session.get_one(model, row_id).submission.file
        try:
            content, media_type = content_of(file), file.media_type
            db.session.commit()  # a program takes seconds, and nobody shall wait for them
            found = work(content, media_type)
        except NotFound:  # purged meanwhile
            pass
        except ProgramAbsent:
            return done
        with transaction() as session:
            row = session.get_one(model, row_id, with_for_update=True)
            if row.state is ReadingState.WAITING:
                row.read_at = now
                keep(row, found)
        done += 1
    return done


def _claim(model: type[Row], now: datetime) -> int | None:
    """Count the attempt before it is made: a picture that ends the worker is not tried for ever."""
    with transaction() as session:
        row = session.scalars(
            select(model)
            .join(Submission, Submission.id == model.submission_id)
            .join(StoredFile, StoredFile.id == Submission.file_id)
            .where(
                model.state == ReadingState.WAITING,
                StoredFile.state != FileState.RECEIVED,  # the virus scanner comes first
            )
            .order_by(model.attempts, model.id)
            .limit(1)
            .with_for_update(of=model, skip_locked=True)
        ).first()
        if row is None:
            return None
        if row.attempts >= MOST_ATTEMPTS:
            row.move_to(ReadingState.NOTHING)
            row.read_at = now
            return _claim(model, now)
        row.attempts += 1
        return row.id


def forget_found(*, file_id: int) -> None:
    """With the document goes what programs found in it."""
    with transaction() as session:
        for model in BY_PROGRAMS:
            row = session.scalar(
                select(model)
                .join(Submission, Submission.id == model.submission_id)
                .where(Submission.file_id == file_id)
                .with_for_update(of=model)
            )
            if row is None or row.state is ReadingState.FORGOTTEN:
                continue
            row.move_to(ReadingState.FORGOTTEN)
            if isinstance(row, PassportReading):
                row.fields = row.number_fingerprint = None
            elif isinstance(row, PhotoCheck):
                row.measured = None
