"""What is kept about a stored file; its content lies encrypted where the database cannot read it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, String
from sqlalchemy.orm import Mapped, mapped_column

from portal.database import Base, index_where
from portal.kernel.references import new_reference
from portal.kernel.states import Moves, move


class FileState(StrEnum):
    RECEIVED = "received"  # kept, and shown to nobody until the virus scanner has looked at it
    CLEAN = "clean"
    REJECTED = "rejected"  # by the scanner; shown to nobody
    SUPERSEDED = "superseded"  # a newer one was handed in for the same purpose
    PURGED = "purged"  # content and key are gone; that it existed is still known


READABLE = (FileState.CLEAN, FileState.SUPERSEDED)
FILE_MOVES: Moves[FileState] = {
    FileState.RECEIVED: {FileState.CLEAN, FileState.REJECTED, FileState.PURGED},
    FileState.CLEAN: {FileState.SUPERSEDED, FileState.PURGED},
    FileState.REJECTED: {FileState.PURGED},
    FileState.SUPERSEDED: {FileState.PURGED},
}


class StoredFile(Base):
    """One file. Its content is encrypted with a key of its own, which is kept here, itself encrypted."""

    __tablename__ = "stored_file"
    __table_args__ = (
        CheckConstraint("size > 0 AND pages > 0", name="not_empty"),
        CheckConstraint("(state = 'purged') = (sealed_key IS NULL)", name="purged_without_key"),
        CheckConstraint("(state = 'purged') = (purged_at IS NOT NULL)", name="purged_with_time"),
        CheckConstraint("erased_at IS NULL OR state = 'purged'", name="erased_when_purged"),
        index_where("ix_stored_file_received", "id", where="state = 'received'"),
        index_where("ix_stored_file_to_erase", "id", where="purged_at IS NOT NULL AND erased_at IS NULL"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(String(8), unique=True, default=new_reference)
    kind: Mapped[str] = mapped_column(String(40))  # what it was handed in as: "passport", "insurance"
    state: Mapped[FileState] = mapped_column(default=FileState.RECEIVED)
    media_type: Mapped[str] = mapped_column(String(40))
    size: Mapped[int]  # bytes, before encryption
    pages: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64), index=True)  # of the content as it is kept, before encryption
    sealed_key: Mapped[bytes | None]
    path: Mapped[str] = mapped_column(String(80), unique=True)  # below FILES_URL
    uploaded_by: Mapped[str] = mapped_column(String(60))  # "account:17", "guest"
    uploaded_at: Mapped[datetime]
    keep_until: Mapped[datetime | None]  # purged then at the latest; None: what it was handed in for decides
    scanned_at: Mapped[datetime | None]  # None where no scanner has looked at it
    purged_at: Mapped[datetime | None]  # its key is gone
    erased_at: Mapped[datetime | None]  # the store, asked again, has it no more

    def move_to(self, state: FileState) -> None:
        """Take the next state. Raises IllegalMove."""
        self.state = move(self.state, state, FILE_MOVES)

    @property
    def readable(self) -> bool:
        return self.state in READABLE
