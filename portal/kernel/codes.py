"""QR codes as drawings."""

from __future__ import annotations

from functools import lru_cache

import segno


@lru_cache(maxsize=256)  # the same code stands in a mail, on paper and on a page
def qr_svg(text: str) -> str:
    """The code as a drawing that scales, dark on white with the quiet zone around it; safe to put into a page."""
    code = segno.make(text, encoding="utf-8", mode="byte", micro=False, error="m", boost_error=False)
    drawing: str = code.svg_inline(
        border=4, dark="#000", light="#fff", omitsize=True, svgclass=None, lineclass=None
    )
    return drawing
