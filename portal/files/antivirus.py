"""The one module that knows the virus scanner: clamd at CLAMD_URL, spoken to by its own protocol; none without it."""

from __future__ import annotations

import logging
import socket
from contextlib import closing
from enum import StrEnum
from time import monotonic
from urllib.parse import urlsplit

from flask import current_app

log = logging.getLogger(__name__)

CONNECT_SECONDS = 3.0
SCAN_SECONDS = 20.0  # for all of one file
CHUNK = 128 * 1024
LONGEST_ANSWER = 4096
COMMAND = b"zINSTREAM\0"


class ScannerAway(Exception):
    """It did not answer."""


class Scan(StrEnum):
    """What the scanner said of a file."""

    UNASKED = "unasked"  # there is none
    HARMLESS = "harmless"
    INFECTED = "infected"
    AWAITED = "awaited"  # it could not say yet


def scan(content: bytes) -> Scan:
    """Ask the scanner, if there is one. Raises ScannerAway."""
    address = current_app.config["CLAMD_URL"]
    if not address:
        return Scan.UNASKED
    try:
        answer = _answer(address, content)
    except OSError as failure:
        log.warning("the virus scanner did not answer: %s", type(failure).__name__)
        raise ScannerAway from failure
    if answer.endswith(b" OK"):
        return Scan.HARMLESS
    if answer.endswith(b" FOUND"):
        log.warning("the virus scanner stopped a file: %s", answer[:100].decode(errors="replace"))
        return Scan.INFECTED
    log.error("the virus scanner could not look at a file: %s", answer[:100].decode(errors="replace"))
    return Scan.AWAITED


def _answer(address: str, content: bytes) -> bytes:
    """Raises OSError, TimeoutError being one."""
    end = monotonic() + SCAN_SECONDS
    with closing(_connected(address)) as line:
        line.settimeout(SCAN_SECONDS)
        try:
            line.sendall(COMMAND)
            for at in range(0, len(content), CHUNK):
                chunk = content[at : at + CHUNK]
                line.sendall(len(chunk).to_bytes(4, "big") + chunk)
            line.sendall(bytes(4))
        except (BrokenPipeError, ConnectionResetError):
            pass  # it may say why before it hangs up: the file is longer than it takes
        answer = b""
        while not answer.endswith(b"\0") and len(answer) < LONGEST_ANSWER:
            line.settimeout(max(0.01, end - monotonic()))
            more = line.recv(LONGEST_ANSWER)
            if not more:
                break
            answer += more
    if not answer:
        raise ConnectionError("no answer")
    return answer.strip(b"\0\n")


def _connected(address: str) -> socket.socket:
    parts = urlsplit(address)
    if parts.scheme == "unix":
        line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        line.settimeout(CONNECT_SECONDS)
        try:
            line.connect(parts.path)
        except OSError:
            line.close()
            raise
        return line
    assert parts.hostname is not None
    return socket.create_connection((parts.hostname, parts.port or 3310), CONNECT_SECONDS)
