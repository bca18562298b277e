"""Documents on paper: the project's own Typst sources, filled with values that are never read as markup."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any, Literal

import typst

ROOT = Path(__file__).parent.parent.parent
SOURCES = ROOT / "templates" / "documents"
FONTS = ROOT / "static" / "fonts"

_one_at_a_time = Lock()  # a compiler refuses to be used by two threads at once


@cache
def _compiler() -> typst.Compiler:
    """Kept, with its fonts and what it has parsed: the first document takes several times as long as the next."""
    return typst.Compiler(root=str(ROOT), font_paths=[str(FONTS)], ignore_system_fonts=True)


def typeset(document: str, values: Mapping[str, Any], at: datetime) -> bytes:
    """A PDF from `templates/documents/<document>.typ`, the same bytes for the same values.

    values: what JSON can hold; the source finds it in `sys.inputs.values`. at: aware; the date of the file.
    The PDF is accessible by PDF/UA-1. Raises typst.TypstError where the source itself is wrong.
    """
    inputs = {"values": json.dumps(values, ensure_ascii=False)}
    source = str(SOURCES / f"{document}.typ")
    with _one_at_a_time:
        try:
            return _compile(source, inputs, at, "ua-1")
        except typst.TypstError:
            # The standard forbids a letter that no font here has. A traveller with such a name needs the paper more
            # than the standard; a mistake in the source is raised again.
            return _compile(source, inputs, at, "1.7")


def _compile(source: str, inputs: dict[str, str], at: datetime, standard: Literal["ua-1", "1.7"]) -> bytes:
    pdf = _compiler().compile(
        input=source, format="pdf", sys_inputs=inputs, pdf_standards=standard, timestamp=int(at.timestamp())
    )
    assert isinstance(pdf, bytes)
    return pdf
