"""What private links carry: worked out from what they open, so that nothing secret is stored."""

from hmac import compare_digest

from flask import current_app

from portal.kernel.sealing import derive_key, fingerprint

TOKEN_LETTERS = 32  # 128 bits


def link_token_of(purpose: str, of: str) -> str:
    """The token of a link of this purpose to what `of` names; another purpose or version has another token."""
    key = derive_key(current_app.config["SECRET_KEY"], purpose)
    return fingerprint(of, key)[:TOKEN_LETTERS]


def is_token(shown: str, right: str) -> bool:
    """Compared in constant time."""
    return compare_digest(right.encode(), shown.encode())
