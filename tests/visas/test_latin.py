"""Spellings of one name: by ICAO, by GOST, by older rules, and from Turkmen letters."""

from __future__ import annotations

import pytest

from portal.visas.latin import Agreement, as_in_mrz, may_spell, names_agree

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("Anna-Maria", "ANNA MARIA"),
        ("O'Connor", "OCONNOR"),
        ("  Müller ", "MULLER"),
        ("Иван", ""),
        ("St. John", "ST JOHN"),
    ],
)
def test_a_name_is_written_as_in_the_machine_readable_zone(name: str, written: str) -> None:
    assert as_in_mrz(name) == written


@pytest.mark.parametrize(
    ("latin", "local"),
    [
        ("IULIIA", "Юлия"),  # ICAO
        ("YULIIA", "Юлия"),
        ("YULIYA", "Юлия"),  # GOST
        ("JULIA", "Юлия"),
        ("SHCHERBAKOVA", "Щербакова"),
        ("KHRUSHCHEV", "Хрущёв"),
        ("FEDOR", "Фёдор"),
        ("FYODOR", "Фёдор"),
        ("PODIEZDOV", "Подъездов"),
        ("TSOI", "Цой"),
        ("TCOI", "Цой"),
        ("DMITRII", "Дмитрий"),
        ("DMITRY", "Дмитрий"),
        ("ALEXANDRA", "Александра"),
        ("ALEKSANDRA", "Александра"),
        ("NATALIA", "Наталья"),
        ("NATALYA", "Наталья"),
        ("SALTYKOV SHCHEDRIN", "Салтыков-Щедрин"),
        ("BAYRAMOW", "Baýramow"),
        ("BAIRAMOV", "Baýramow"),
        ("SOHRAT", "Şöhrat"),
        ("SHOHRAT", "Şöhrat"),
        ("CARYYEW", "Çaryýew"),
        ("CHARYYEV", "Çaryýew"),
        ("ZANNA", "Žanna"),
        ("AYNABAT", "Aýnabat"),
        ("MAHRI", "Mähri"),
        ("MAEHRI", "Mähri"),
        ("ENE", "Eňe"),
    ],
)
def test_spellings_of_russian_and_turkmen_names(latin: str, local: str) -> None:
    assert may_spell(latin, local)


@pytest.mark.parametrize(
    ("latin", "local"),
    [("IVANOV", "Петров"), ("PETROVA", "Петров"), ("", "Юлия"), ("ULIA", "Юлия"), ("SOHRAD", "Şöhrat")],
)
def test_another_name_is_no_spelling(latin: str, local: str) -> None:
    assert not may_spell(latin, local)


@pytest.mark.parametrize(
    ("typed", "read", "local", "truncated", "agreement"),
    [
        ("Ivanov", "IVANOV", None, False, Agreement.SAME),
        ("Anna-Maria", "ANNA MARIA", None, False, Agreement.SAME),
        ("Yulia", "IULIIA", None, False, Agreement.VARIANT),
        ("Sergey", "SERGEI", None, False, Agreement.VARIANT),
        ("Elena", "YELENA", None, False, Agreement.VARIANT),
        ("Annamaria", "ANNA MARIA", None, False, Agreement.VARIANT),
        ("Shohrat", "SOHRAT", "Şöhrat", False, Agreement.VARIANT),
        ("Shohrat", "SOHRAT", None, False, Agreement.DIFFERENT),
        ("Ivanova", "IVANOV", None, False, Agreement.DIFFERENT),
        ("Ivanov", "IVANOU", "Иванов", False, Agreement.DIFFERENT),
        ("Konstantinopolskaia", "KONSTANTINOPOLSK", None, True, Agreement.SAME),
        ("Konstantinopolskaia", "KONSTANTINOPOLSK", None, False, Agreement.DIFFERENT),
        ("Konstantinopolskaya", "KONSTANTINOPOLSKAI", "Константинопольская", True, Agreement.DIFFERENT),
        ("Shcherbakova", "", None, True, Agreement.DIFFERENT),
    ],
)
def test_how_typed_and_read_names_fit(
    typed: str, read: str, local: str | None, truncated: bool, agreement: Agreement
) -> None:
    assert names_agree(typed, read, local, truncated=truncated) is agreement
