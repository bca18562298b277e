"""The virus scanner looks at uploads: what it stops is refused, and while it is away nothing slips through."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from portal.database import db, transaction
from portal.files.errors import Infected
from portal.files.intake import Examined
from portal.files.models import FileState, StoredFile
from portal.files.services import content_of, keeping, scan_waiting, take
from portal.kernel.errors import NotFound
from portal.outbox.models import OutboxMessage
from tests.factories import NOON
from tests.files import scanner, uploads

if TYPE_CHECKING:
    from pathlib import Path

    from flask import Flask


@pytest.fixture
def clamd(app: Flask, tmp_path: Path) -> Iterator[scanner.Clamd]:
    files, address = app.config["FILES_URL"], app.config["CLAMD_URL"]
    server = scanner.TcpClamd()
    with scanner.running(server):
        app.config["FILES_URL"], app.config["CLAMD_URL"] = f"file://{tmp_path}", server.address
        yield server
    app.config["FILES_URL"], app.config["CLAMD_URL"] = files, address


def away() -> str:
    """An address at which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"tcp://127.0.0.1:{probe.getsockname()[1]}"


def keep(examined: Examined) -> StoredFile:
    with keeping(examined, kind="passport", now=NOON) as file, transaction() as session:
        session.add(file)
    return file


def test_the_scanner_is_shown_the_upload_itself_and_what_it_lets_through_is_kept(clamd: scanner.Clamd) -> None:
    upload = uploads.jpeg((1200, 900))

    file = keep(take(upload))

    assert clamd.received == [upload]
    assert (file.state, file.scanned_at) == (FileState.CLEAN, NOON)


def test_the_scanner_may_listen_at_a_socket_of_this_machine(clamd: scanner.Clamd, app: Flask, tmp_path: Path) -> None:
    server = scanner.UnixClamd(tmp_path)
    app.config["CLAMD_URL"] = server.address

    with scanner.running(server), pytest.raises(Infected):
        take(uploads.jpeg() + scanner.DANGEROUS)

    assert (len(server.received), clamd.received) == (1, [])


def test_an_infected_upload_is_refused(clamd: scanner.Clamd) -> None:
    with pytest.raises(Infected):
        take(uploads.jpeg() + scanner.DANGEROUS)


def test_while_the_scanner_is_away_uploads_wait_unseen_until_it_has_looked(clamd: scanner.Clamd, app: Flask) -> None:
    app.config["CLAMD_URL"] = away()
    file = keep(take(uploads.jpeg()))

    assert scan_waiting(NOON) == 0
    assert (file.state, file.scanned_at) == (FileState.RECEIVED, None)
    with pytest.raises(NotFound):
        content_of(file)

    app.config["CLAMD_URL"] = clamd.address
    assert [scan_waiting(NOON), scan_waiting(NOON)] == [1, 0]
    assert (file.state, file.scanned_at) == (FileState.CLEAN, NOON)
    assert clamd.received == [content_of(file)]


def test_what_is_found_late_is_never_shown_and_announced(clamd: scanner.Clamd, monkeypatch: pytest.MonkeyPatch) -> None:
    clamd.most = 10
    file = keep(take(uploads.pdf()))
    clamd.most = 10**9
    monkeypatch.setattr(scanner, "DANGEROUS", content_as_kept(file)[:20])

    assert scan_waiting(NOON) == 1

    assert file.state is FileState.REJECTED
    with pytest.raises(NotFound):
        content_of(file)
    topics = db.session.execute(select(OutboxMessage.topic, OutboxMessage.payload)).all()
    assert [tuple(topic) for topic in topics] == [("files.rejected", {"file_id": file.id})]


def content_as_kept(file: StoredFile) -> bytes:
    file.state = FileState.CLEAN
    content = content_of(file)
    db.session.rollback()
    return content


def test_a_file_that_the_scanner_cannot_take_keeps_no_other_waiting(clamd: scanner.Clamd) -> None:
    clamd.most = 100
    large, small = keep(take(uploads.jpeg())), keep(take(uploads.pdf()))
    clamd.most = small.size

    assert scan_waiting(NOON) == 1

    assert (large.state, small.state) == (FileState.RECEIVED, FileState.CLEAN)


def test_a_scanner_that_is_taken_out_of_service_leaves_nothing_waiting(clamd: scanner.Clamd, app: Flask) -> None:
    app.config["CLAMD_URL"] = away()
    file = keep(take(uploads.jpeg()))

    app.config["CLAMD_URL"] = None
    scan_waiting(NOON)

    assert (file.state, file.scanned_at) == (FileState.CLEAN, None)
