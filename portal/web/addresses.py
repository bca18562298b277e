"""Addresses that came from outside."""

from urllib.parse import urlsplit


def local_path(target: str | None) -> str | None:
    """`target` if it is a page of this portal, else None: an address from outside must lead nowhere else."""
    if not target or not target.startswith("/") or target.startswith("//"):
        return None
    if "\\" in target or any(ord(letter) < 32 for letter in target):  # browsers read these as "/" or as nothing
        return None
    parts = urlsplit(target)
    return None if parts.scheme or parts.netloc else target
