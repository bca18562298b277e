"""What works on files of strangers stays within its bounds."""

from pathlib import Path

import pytest

from portal.kernel.cage import TOOK_TOO_LONG, Cage

pytestmark = pytest.mark.once


def caged(folder: Path, program: str, *, seconds: float = 30) -> Cage:
    path = folder / "program.py"
    path.write_text(program)
    return Cage(path, memory_bytes=200 * 1024**2, cpu_seconds=10, seconds=seconds)


def test_a_program_is_given_its_task_and_the_content(tmp_path):
    cage = caged(tmp_path, "import sys; print(sys.argv[1:], sys.stdin.read(), end=''); sys.exit(4)")

    assert cage.work("render", "2", content=b"%PDF") == (4, b"['render', '2'] %PDF")


def test_more_memory_than_allowed_is_refused(tmp_path):
    cage = caged(tmp_path, "bytearray(300 * 1024**2)")

    assert cage.work(content=b"") == (1, b"")


def test_no_file_is_written(tmp_path):
    note = tmp_path / "note"
    cage = caged(tmp_path, f"import pathlib; pathlib.Path({str(note)!r}).write_text('x')")

    status, _ = cage.work(content=b"")

    assert (status, note.read_bytes()) == (1, b"")


def test_a_program_that_does_not_end_is_ended(tmp_path):
    cage = caged(tmp_path, "import threading; threading.Event().wait()", seconds=0.3)

    assert cage.work(content=b"") == (TOOK_TOO_LONG, b"")
