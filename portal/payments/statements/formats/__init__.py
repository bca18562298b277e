"""The formats of statements: which one a file has, and what it says."""

from __future__ import annotations

from collections.abc import Callable

from flask_babel import lazy_gettext as _l

from portal.payments.statements.errors import BadStatement
from portal.payments.statements.formats import comma_separated, mt940_text, one_c
from portal.payments.statements.lines import Statement, StatementFormat, decode

READERS: dict[StatementFormat, tuple[Callable[[str], bool], Callable[[str, str], Statement]]] = {
    StatementFormat.ONE_C: (one_c.looks_like, one_c.read),
    StatementFormat.MT940: (mt940_text.looks_like, mt940_text.read),
    StatementFormat.CSV: (comma_separated.looks_like, comma_separated.read),
}


def read_statement(content: bytes, account: str) -> Statement:
    """What the file says of our `account`. Raises BadStatement with line and reason; then nothing of it may be used."""
    text = one_c.decode_by_its_word(content) or decode(content)
    for looks_like, read in READERS.values():
        if looks_like(text):
            return read(text, account)
    raise BadStatement(
        1, _l("This is no statement that we can read: neither 1CClientBankExchange nor MT940 nor CSV by our template.")
    )
