"""Statements of banks: read whole, or refused whole with line and reason."""

import pytest
from flask_babel import force_locale
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.payments.statements.errors import BadStatement
from portal.payments.statements.formats import read_statement
from portal.payments.statements.formats.comma_separated import TEMPLATE
from portal.payments.statements.lines import StatementFormat
from tests.payments.statements.samples import OURS, THEIRS, Sent, mt940, one_c, table

CAME = [Sent(2000_00, "Платёж 7K2M9BCD-X по брони"), Sent(1_05, "за круиз", payer="ООО «Ромашка»", document="18")]


@pytest.mark.parametrize(
    ("content", "format_", "outgoing"),
    [
        (one_c(CAME), StatementFormat.ONE_C, 1),
        (one_c(CAME, encoding="utf-8"), StatementFormat.ONE_C, 1),
        (b"\xef\xbb\xbf" + one_c(CAME, encoding="utf-8"), StatementFormat.ONE_C, 1),
        (one_c(CAME, encoding="cp1251").replace("Кодировка=Windows".encode("cp1251"), b""), StatementFormat.ONE_C, 1),
        (table(CAME), StatementFormat.CSV, 0),
        (table(CAME, ","), StatementFormat.CSV, 0),
        (table(CAME).decode().encode("cp1251"), StatementFormat.CSV, 0),
        (mt940(CAME), StatementFormat.MT940, 1),
    ],
)
def test_every_format_says_the_same(content, format_, outgoing):
    statement = read_statement(content, OURS)

    assert (statement.format, statement.account, statement.currency) == (format_, OURS, "RUB")
    assert statement.outgoing == outgoing
    assert statement.incoming_minor == 2001_05
    assert [(line.minor, line.payer, line.payer_account, line.document) for line in statement.lines] == [
        (2000_00, "ИВАНОВА АННА ПЕТРОВНА", THEIRS, "17"),
        (1_05, "ООО «Ромашка»", THEIRS, "18"),
    ]
    assert statement.lines[0].purpose.startswith("Платёж 7K2M9BCD-X")
    assert all(line.number for line in statement.lines)


def test_balances_are_those_of_the_bank():
    statement = read_statement(one_c(CAME), OURS)

    assert (statement.opening_minor, statement.closing_minor) == (1000_00, 2951_05)
    assert statement.outgoing_minor == 50_00


def test_the_file_of_dos_is_read_by_its_own_word():
    content = one_c(CAME, encoding="utf-8").decode().replace("Кодировка=UTF-8", "Кодировка=DOS")
    content = content.replace("«", '"').replace("»", '"').encode("cp866")

    assert read_statement(content, OURS).lines[0].payer == "ИВАНОВА АННА ПЕТРОВНА"


def test_the_template_can_be_read():
    assert read_statement(("\ufeff" + TEMPLATE).encode(), OURS).incoming_minor == 2000_00


def test_money_that_went_away_is_no_income():
    content = table([*CAME, Sent(5, "x")]).decode().replace(";0.05;", ";-0,05;").encode()

    statement = read_statement(content, OURS)

    assert (len(statement.lines), statement.outgoing, statement.outgoing_minor) == (2, 1, 5)


def changed(content: bytes, old: str, new: str) -> bytes:
    for encoding in ("utf-8", "cp1251"):
        if old.encode(encoding) in content:
            return content.replace(old.encode(encoding), new.encode(encoding), 1)
    raise AssertionError(old)


@pytest.mark.parametrize(
    ("content", "line", "reason"),
    [
        (b"", 1, "no statement"),
        (b"hello", 1, "no statement"),
        (b"date;amount\0", 0, "not a text file"),
        (changed(one_c(CAME), "Сумма=2000.00", "Сумма=2000.0x"), 18, "“2000.0x” is not an amount"),
        (changed(one_c(CAME), "Сумма=2000.00", "Сумма=2000.01"), 11, "says 2001.05, but its lines come to 2001.06"),
        (changed(one_c(CAME), "КонечныйОстаток=2951.05", "КонечныйОстаток=2951.06"), 13, "come to 2951.05"),
        (changed(one_c(CAME), "ДатаПоступило=19.02.2024", "ДатаПоступило=31.02.2024"), 20, "is not a day"),
        (changed(one_c(CAME), "ДатаПоступило=19.02.2024", "ДатаПоступило=21.02.2024"), 20, "outside the period"),
        (changed(one_c(CAME), f"РасчСчет={OURS}", f"РасчСчет={THEIRS}"), 6, f"statement of account {THEIRS}"),
        (changed(one_c(CAME), f"ПолучательСчет={OURS}", f"ПолучательСчет={THEIRS}"), 15, "Neither payer nor payee"),
        (changed(one_c(CAME), "КонецДокумента", ""), 27, "before the one above has ended"),
        (changed(one_c(CAME), "КонецФайла", ""), 49, "breaks off"),
        (one_c(CAME) + b"x=1", 49, "behind the end"),
        (changed(one_c(CAME), "Сумма=2000.00\r\n", ""), 15, "“Сумма” is missing"),
        (changed(table(CAME), "19.02.2024", "2024/02/19"), 2, "is not a day"),
        (changed(table(CAME), "2000.00", "2,000.00"), 2, "is not an amount"),
        (changed(table(CAME), "date;amount", "date;sum"), 1, "no statement"),
        (changed(table(CAME), "purpose", "why"), 1, "“purpose” is missing"),
        (changed(table(CAME), "date;amount;payer", "date;amount;currency"), 2, "The money is in ИВА"),
        (table(CAME) + b'\n20.02.2024;5', 4, "fewer columns"),
        (table(CAME) + b'\n20.02.2024;5;"a;b;c;d', 4, "quotation marks"),
        (table([]), 0, "no lines below"),
        (changed(mt940(CAME), "C2000,00N", "C2x00N"), 5, "Tag :61:"),
        (changed(mt940(CAME), "C2000,00N", "C2001,00N"), 11, "says 2951.05, but its lines come to 2952.05"),
        (changed(mt940(CAME), "RUB1000", "USD1000"), 4, "in USD"),
        (changed(mt940(CAME), OURS, THEIRS), 2, "statement of account"),
        (changed(mt940(CAME), ":62F:", ":62M:"), 1, "needs tag :62F:"),
        (changed(mt940(CAME), ":61:240219", ":61:240231"), 5, "is not a day"),
    ],
)
def test_a_file_that_cannot_be_right_is_refused_with_line_and_reason(content, line, reason):
    with pytest.raises(BadStatement) as refusal:
        read_statement(content, OURS)

    with force_locale("en"):
        assert (refusal.value.line, reason in str(refusal.value.reason)) == (line, True), str(refusal.value.reason)
        assert "Nothing was taken" in str(refusal.value.message)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from([one_c(CAME), table(CAME), mt940(CAME)]), st.data())
def test_a_file_damaged_anywhere_is_read_or_refused_and_never_fails(content, data):
    place = data.draw(st.integers(0, len(content) - 1))
    cut = data.draw(st.integers(place, min(len(content), place + 40)))
    damaged = content[:place] + data.draw(st.binary(max_size=6)) + content[cut:]

    try:
        statement = read_statement(damaged, OURS)
    except BadStatement:
        return
    assert all(line.minor > 0 for line in statement.lines)
