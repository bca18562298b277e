"""The one module that knows where files lie: a folder or an object store, at FILES_URL."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from flask import current_app
from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

PREFIX = "documents"


def _place() -> tuple[Any, str]:
    return url_to_fs(current_app.config["FILES_URL"])  # type: ignore[no-any-return]


def write(path: str, content: bytes) -> None:
    """All of it or nothing under `path`, and on the disk before this returns."""
    system, root = _place()
    target = f"{root}/{path}"
    if not isinstance(system, LocalFileSystem):
        system.pipe_file(target, content)  # object stores show an object only once it is whole
        return
    place = Path(target)
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = place.with_name(f"{place.name}.draft")
    try:
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, place)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def read(path: str) -> bytes:
    system, root = _place()
    content: bytes = system.cat_file(f"{root}/{path}")
    return content


def remove(path: str) -> None:
    """A file that is not there is removed already."""
    system, root = _place()
    with contextlib.suppress(FileNotFoundError):
        system.rm_file(f"{root}/{path}")


def holds(path: str) -> bool:
    """Asked of the store itself, not of what was listed before."""
    system, root = _place()
    system.invalidate_cache()
    return bool(system.exists(f"{root}/{path}"))


def written() -> Iterator[tuple[str, datetime]]:
    """Every file there is, drafts too, with the time of its writing."""
    system, root = _place()
    system.invalidate_cache()
    top = f"{root}/{PREFIX}"
    if not system.exists(top):
        return
    for target in system.find(top):
        with contextlib.suppress(FileNotFoundError):  # removed meanwhile
            yield str(target).removeprefix(str(root)).lstrip("/"), system.modified(target)
