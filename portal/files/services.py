"""Keep, open and forget files. What lies in the store is unreadable without the portal's own key."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta

from cryptography.exceptions import InvalidTag
from flask import current_app
from sqlalchemy import select

from portal.audit.services import record, record_move
from portal.database import db, in_transaction, transaction
from portal.files import storage
from portal.files.antivirus import Scan, ScannerAway, scan
from portal.files.errors import Infected
from portal.files.intake import Examined, examine
from portal.files.models import FileState, StoredFile
from portal.kernel.acting import acting
from portal.kernel.clock import real_now
from portal.kernel.errors import NotFound
from portal.kernel.references import new_reference
from portal.kernel.sealing import derive_key, seal, unseal
from portal.outbox.services import announce

log = logging.getLogger(__name__)

KEY_BYTES = 32
SCANNED_AT_ONCE = 20
ROTATED_AT_ONCE = 100
ORPHAN_AGE = timedelta(hours=1)  # longer than any upload: what has no row by then never gets one


def take(content: bytes) -> Examined:
    """A harmless copy of an upload, after the virus scanner, if there is one, has looked at the upload itself.

    A scanner that does not answer keeps nobody waiting here: the copy is then looked at later, by scan_waiting(), and
    shown to nobody before. Takes seconds. Raises Infected, or what examine() raises.
    """
    examined = examine(content)
    try:
        said = scan(content)
    except ScannerAway:
        said = Scan.AWAITED
    if said is Scan.INFECTED:
        raise Infected
    return replace(examined, scan=said)


@contextmanager
def keeping(examined: Examined, *, kind: str, now: datetime) -> Iterator[StoredFile]:
    """Write the file, and take it away again if the block fails: `with keeping(...) as file, transaction():`.

    The row is for the block to add, in its transaction. To be used outside any other transaction, since writing to
    the store takes time. A crash in between leaves a file without a row, which remove_orphans() finds.
    """
    reference = new_reference()
    key = os.urandom(KEY_BYTES)
    path = f"{storage.PREFIX}/{reference[:2]}/{reference}"
    file = StoredFile(
        reference=reference,
        kind=kind,
        state=FileState.RECEIVED,
        media_type=examined.media_type,
        size=len(examined.content),
        pages=examined.pages,
        sha256=examined.sha256,
        sealed_key=seal(key, _wrapping_keys()[0], reference.encode()),
        path=path,
        uploaded_by=acting.get(),
        uploaded_at=now,
    )
    if examined.scan is not Scan.AWAITED:  # what intake has made anew holds nothing but what can be seen
        file.move_to(FileState.CLEAN)
    if examined.scan is Scan.HARMLESS:
        file.scanned_at = now
    storage.write(path, seal(examined.content, key, reference.encode()))
    try:
        yield file
    except BaseException:
        storage.remove(path)
        raise


def content_of(file: StoredFile) -> bytes:
    """The file as it was kept. Raises NotFound once it is purged, and until the virus scanner has let it through."""
    if not file.readable:
        raise NotFound(file.reference)
    return _opened(file)


def _opened(file: StoredFile) -> bytes:
    assert file.sealed_key is not None  # only a purged one has none
    key = _key_of(file.sealed_key, file.reference)
    return unseal(storage.read(file.path), key, file.reference.encode())


def note_view(*, file_id: int, now: datetime) -> None:
    """Write down that someone is shown the file: who, which, when."""
    with transaction() as session:
        file = session.get_one(StoredFile, file_id)
        record("file.viewed", subject="file", reference=file.reference, now=now)


def supersede(*, file_id: int, now: datetime) -> None:
    """A newer file took its place; it stays readable until it is purged."""
    with transaction() as session:
        file = session.get_one(StoredFile, file_id)
        if file.state is FileState.CLEAN:
            _move(file, FileState.SUPERSEDED, now)


def scan_waiting(now: datetime) -> int:
    """Let the virus scanner look at what came while it was away; how many files it said something of.

    Announces files.rejected for what it stops. It looks at our copy: the upload itself was never kept.
    """
    said_of = 0
    waiting = select(StoredFile.id).where(StoredFile.state == FileState.RECEIVED).order_by(StoredFile.id)
    for file_id in db.session.scalars(waiting.limit(SCANNED_AT_ONCE)).all():
        try:
            said = _said_of(file_id)
        except ScannerAway:
            return said_of
        if said is Scan.AWAITED:
            continue
        with transaction() as session:
            file = session.get_one(StoredFile, file_id, with_for_update=True)
            if file.state is not FileState.RECEIVED:
                continue
            _move(file, FileState.REJECTED if said is Scan.INFECTED else FileState.CLEAN, now)
            file.scanned_at = now if said is not Scan.UNASKED else None
            if said is Scan.INFECTED:
                announce("files.rejected", file_id=file_id)
        said_of += 1
    return said_of


def _said_of(file_id: int) -> Scan:
    try:
        content = _opened(db.session.get_one(StoredFile, file_id))
    except (OSError, InvalidTag):
        log.exception("file %s waits for the virus scanner and cannot be opened", file_id)
        return Scan.AWAITED
    finally:
        db.session.commit()  # nothing stays open while another program works
    return scan(content)


def purge(*, file_id: int, now: datetime) -> None:
    """Forget the content for good: first the key, by which even a copy of the store becomes unreadable.

    The trail keeps the digest of what is gone, here and again once the store has nothing under its name.
    """
    with transaction() as session:
        file = session.get_one(StoredFile, file_id, with_for_update=True)
        if file.state is not FileState.PURGED:
            _move(file, FileState.PURGED, now, reason=_digest(file))
            file.sealed_key = None
            file.purged_at = now
    if not in_transaction():  # else the worker does, once the caller's has committed
        _erase(file_id, now)


def erase_purged(now: datetime) -> int:
    """Take away what a store that was away still had of purged files; how many are gone now."""
    left = select(StoredFile.id).where(StoredFile.purged_at.is_not(None), StoredFile.erased_at.is_(None))
    return sum(_erase(file_id, now) for file_id in db.session.scalars(left.order_by(StoredFile.id).limit(100)).all())


def _erase(file_id: int, now: datetime) -> bool:
    """Outside any transaction, since a store may be slow; written down only once the file is seen to be gone."""
    path = db.session.get_one(StoredFile, file_id).path
    db.session.commit()
    try:
        storage.remove(path)
        gone = not storage.holds(path)
    except Exception:  # every store has errors of its own
        log.exception("the store did not give up file %s; it is asked again", file_id)
        return False
    if gone:
        with transaction() as session:
            file = session.get_one(StoredFile, file_id, with_for_update=True)
            if file.erased_at is None:
                file.erased_at = now
                record("file.erased", subject="file", reference=file.reference, now=now, reason=_digest(file))
    return gone


def _digest(file: StoredFile) -> str:
    return f"SHA-256 {file.sha256}"


def remove_orphans() -> int:
    """Remove files of the store that no row knows, and those of purged rows; how many.

    They are left by a crash between writing and commit. Young ones are spared: their upload may be under way.
    """
    old = real_now() - ORPHAN_AGE
    known = set(db.session.scalars(select(StoredFile.path).where(StoredFile.state != FileState.PURGED)))
    orphans = [path for path, written_at in list(storage.written()) if path not in known and written_at < old]
    for path in orphans:
        storage.remove(path)
    return len(orphans)


def _move(file: StoredFile, state: FileState, now: datetime, reason: str | None = None) -> None:
    before = file.state
    file.move_to(state)
    record_move("file", file.reference, before, state, now=now, reason=reason)


def rotate_key() -> int:
    """Wrap the key of each file anew with the key in force; how many were wrapped with the one before it.

    Contents stay as they are. In small transactions: interrupted, it goes on where it stopped when called again.
    """
    newest, last, rotated = _wrapping_keys()[0], 0, 0
    while True:
        with transaction() as session:
            files = session.scalars(
                select(StoredFile)
                .where(StoredFile.id > last, StoredFile.sealed_key.is_not(None))
                .order_by(StoredFile.id)
                .limit(ROTATED_AT_ONCE)
                .with_for_update()
            ).all()
            for file in files:
                last = file.id
                assert file.sealed_key is not None
                bound_to = file.reference.encode()
                if not _opens(file.sealed_key, newest, bound_to):
                    file.sealed_key = seal(_key_of(file.sealed_key, file.reference), newest, bound_to)
                    rotated += 1
        if not files:
            return rotated


def _opens(sealed: bytes, key: bytes, bound_to: bytes) -> bool:
    try:
        unseal(sealed, key, bound_to)
    except InvalidTag:
        return False
    return True


def _key_of(sealed: bytes, reference: str) -> bytes:
    """The key of one file, wrapped with the key in force or, until all are wrapped anew, with the one before."""
    *others, oldest = _wrapping_keys()
    for key in others:
        if _opens(sealed, key, reference.encode()):
            return unseal(sealed, key, reference.encode())
    return unseal(sealed, oldest, reference.encode())


def _wrapping_keys() -> list[bytes]:
    """By which keys of files are sealed: the one in force, then the one before it, if there is any."""
    config = current_app.config
    masters = [config["FILES_KEY"] or config["DOCUMENT_KEY"], config["FILES_KEY_BEFORE"]]
    if config["FILES_KEY"] and not config["FILES_KEY_BEFORE"]:
        masters[1] = config["DOCUMENT_KEY"]
    return [derive_key(master, "files") for master in masters if master]
