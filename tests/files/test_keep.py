"""Keeping files: encrypted, whole or not at all, and gone when purged."""

import os
import time
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag
from flask import current_app
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from portal.audit.models import AuditEntry
from portal.database import db, transaction
from portal.files import storage
from portal.files.intake import examine
from portal.files.models import FileState, StoredFile
from portal.files.services import content_of, erase_purged, keeping, purge, remove_orphans, rotate_key
from portal.kernel.errors import NotFound
from tests.factories import NOON
from tests.files import uploads


def files_on_disk() -> list[Path]:
    root = Path(current_app.config["FILES_URL"].removeprefix("file://"))
    return [path for path in root.rglob("*") if path.is_file()]


@pytest.fixture(autouse=True)
def own_store(app, tmp_path):
    before = app.config["FILES_URL"]
    app.config["FILES_URL"] = f"file://{tmp_path}/files"
    yield
    app.config["FILES_URL"] = before


def keep(content: bytes) -> StoredFile:
    with keeping(examine(content), kind="passport", now=NOON) as file, transaction() as session:
        session.add(file)
    return file


def test_a_kept_file_comes_back_as_it_was_made():
    content = uploads.jpeg()
    examined = examine(content)

    file = keep(content)

    assert content_of(file) == examined.content
    assert (file.state, file.media_type) == (FileState.CLEAN, "image/jpeg")
    assert (file.size, file.sha256) == (len(examined.content), examined.sha256)


def test_on_the_disk_it_cannot_be_read():
    file = keep(uploads.pdf())

    [path] = files_on_disk()
    sealed = path.read_bytes()
    assert b"%PDF" not in sealed
    assert content_of(file)[:5] == b"%PDF-"
    assert path.stat().st_mode & 0o077 == 0


def test_each_file_has_a_key_of_its_own_and_one_does_not_open_another():
    one, other = keep(uploads.pdf()), keep(uploads.pdf())
    first, second = (Path(current_app.config["FILES_URL"].removeprefix("file://")) / file.path for file in (one, other))

    second.write_bytes(first.read_bytes())

    with pytest.raises(InvalidTag):
        content_of(other)


def test_another_master_key_opens_nothing(app):
    file = keep(uploads.jpeg())
    before = app.config["DOCUMENT_KEY"]
    app.config["DOCUMENT_KEY"] = "another"

    try:
        with pytest.raises(InvalidTag):
            content_of(file)
    finally:
        app.config["DOCUMENT_KEY"] = before


def test_a_new_key_opens_old_files_and_after_rotation_alone(app):
    old = keep(uploads.jpeg())
    content = content_of(old)
    before = app.config["FILES_KEY"]
    app.config["FILES_KEY"] = "a newer key"
    try:
        new = keep(uploads.pdf())
        assert content_of(old) == content

        rotated = app.test_cli_runner().invoke(args=["documents", "rotate-key"]).output
        again = rotate_key()

        app.config["FILES_KEY_BEFORE"] = "a key that never was"
        assert (rotated, again) == ("1 keys wrapped anew\n", 0)
        db.session.expire_all()
        assert content_of(old) == content
        assert content_of(new)[:5] == b"%PDF-"
    finally:
        app.config["FILES_KEY"], app.config["FILES_KEY_BEFORE"] = before, None


def test_when_the_transaction_fails_nothing_is_left_behind():
    def keep_with_a_mistake():
        with keeping(examine(uploads.jpeg()), kind="passport", now=NOON) as file, transaction() as session:
            file.pages = 0
            session.add(file)

    with pytest.raises(IntegrityError):
        keep_with_a_mistake()

    assert files_on_disk() == []
    assert db.session.scalars(select(StoredFile)).all() == []


def test_a_purged_file_is_gone_for_good_and_its_row_says_so():
    file = keep(uploads.jpeg())

    purge(file_id=file.id, now=NOON)

    assert files_on_disk() == []
    assert (file.state, file.sealed_key, file.purged_at, file.erased_at) == (FileState.PURGED, None, NOON, NOON)
    with pytest.raises(NotFound):
        content_of(file)
    trail = db.session.execute(select(AuditEntry.action, AuditEntry.reason).order_by(AuditEntry.id)).all()
    assert [tuple(entry) for entry in trail] == [
        ("file.purged", f"SHA-256 {file.sha256}"),
        ("file.erased", f"SHA-256 {file.sha256}"),
    ]


def test_what_a_store_that_was_away_still_has_is_taken_away_later_and_only_then_said_to_be_gone(app):
    file = keep(uploads.jpeg())
    folder = app.config["FILES_URL"]
    app.config["FILES_URL"] = "http://127.0.0.1:9/files"

    purge(file_id=file.id, now=NOON)

    assert (file.sealed_key, file.erased_at) == (None, None)
    app.config["FILES_URL"] = folder
    assert len(files_on_disk()) == 1
    assert [erase_purged(NOON), erase_purged(NOON)] == [1, 0]
    assert files_on_disk() == []
    actions = select(AuditEntry.action).order_by(AuditEntry.id)
    assert db.session.scalars(actions).all() == ["file.purged", "file.erased"]


def test_no_master_key_is_in_the_database(app):
    keep(uploads.jpeg())

    rows = [
        row
        for table in db.metadata.sorted_tables
        for row in db.session.connection().exec_driver_sql(f"SELECT * FROM {table.name}").all()
    ]

    assert rows
    assert app.config["DOCUMENT_KEY"] not in str(rows)


def test_what_a_crash_left_is_swept_and_what_is_young_or_known_is_spared():
    known = keep(uploads.jpeg())
    storage.write("documents/AA/OLD", b"left by a crash")
    storage.write("documents/AA/YOUNG", b"its row is being written")
    for path in files_on_disk():
        if path.name != "YOUNG":
            two_hours_ago = time.time() - 7200
            os.utime(path, (two_hours_ago, two_hours_ago))

    removed = remove_orphans()

    assert removed == 1
    assert sorted(path.name for path in files_on_disk()) == sorted([known.reference, "YOUNG"])


def test_an_object_store_keeps_files_as_a_folder_does(app):
    app.config["FILES_URL"] = "memory://papers"

    file = keep(uploads.jpeg())

    assert len(content_of(file)) == file.size
    assert [path for path, _ in storage.written()] == [file.path]
    storage.remove(file.path)
    storage.remove(file.path)
    assert list(storage.written()) == []
