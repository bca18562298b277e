"""Keep, open and forget files. What lies in the store is unreadable without the portal's own key."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from cryptography.exceptions import InvalidTag
from flask import current_app
from sqlalchemy import select

from portal.audit.services import record
from portal.database import db, transaction
from portal.files import storage
from portal.files.intake import Examined
from portal.files.models import FileState, StoredFile
from portal.kernel.acting import acting
from portal.kernel.clock import real_now
from portal.kernel.errors import NotFound
from portal.kernel.references import new_reference
from portal.kernel.sealing import derive_key, seal, unseal

KEY_BYTES = 32
ROTATED_AT_ONCE = 100
ORPHAN_AGE = timedelta(hours=1)  # longer than any upload: what has no row by then never gets one


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
    file.move_to(FileState.CLEAN)  # what intake has made anew holds nothing but what can be seen
    storage.write(path, seal(examined.content, key, reference.encode()))
    try:
        yield file
    except BaseException:
        storage.remove(path)
        raise


def content_of(file: StoredFile) -> bytes:
    """The file as it was kept. Raises NotFound once it is purged."""
    if file.sealed_key is None or not file.readable:
        raise NotFound(file.reference)
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


def purge(*, file_id: int, now: datetime) -> None:
    """Forget the content for good: first the key, by which even a copy of the store becomes unreadable."""
    with transaction() as session:
        file = session.get_one(StoredFile, file_id, with_for_update=True)
        if file.state is not FileState.PURGED:
            _move(file, FileState.PURGED, now)
            file.sealed_key = None
            file.purged_at = now
    storage.remove(file.path)


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


def _move(file: StoredFile, state: FileState, now: datetime) -> None:
    before = file.state
    file.move_to(state)
    record(
        f"file.{state}", subject="file", reference=file.reference, now=now, from_state=before, to_state=state
    )


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
