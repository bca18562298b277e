"""Machine-readable lines: read whole, repaired only where that is sure, and never surely wrong."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.visas.mrz import AS_DIGIT, BLIND, Certainty, Format, Mrz, check_digit, country_of, normal, parse
from tests.visas.mrz_lines import Holder, lines_of

pytestmark = pytest.mark.once
TODAY = date(2024, 2, 15)
# From ICAO 9303 parts 4, 5 and 6.
TD3 = ["P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C36UTO7408122F1204159ZE184226B<<<<<10"]
TD1 = ["I<UTOD231458907<<<<<<<<<<<<<<<", "7408122F1204159UTO<<<<<<<<<<<6", "ERIKSSON<<ANNA<MARIA<<<<<<<<<<"]
TD2 = ["I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<", "D231458907UTO7408122F1204159<<<<<<<6"]


def read(lines: list[str], today: date = TODAY) -> Mrz:
    mrz = parse(lines, today)
    assert mrz is not None
    return mrz


@pytest.mark.parametrize(
    ("text", "digit"),
    [("L898902C3", "6"), ("740812", "2"), ("120415", "9"), ("ZE184226B<<<<<", "1"), ("D23145890", "7"), ("<<<", "0")],
)
def test_check_digits_are_those_of_the_standard(text: str, digit: str) -> None:
    assert check_digit(text) == digit


@pytest.mark.parametrize(("lines", "form"), [(TD3, Format.TD3), (TD1, Format.TD1), (TD2, Format.TD2)])
def test_the_samples_of_the_standard_are_read_whole(lines: list[str], form: Format) -> None:
    mrz = read(lines)

    assert mrz.format is form
    assert mrz.composite_holds
    assert (mrz.surname.text, mrz.given_names.text) == ("ERIKSSON", "ANNA MARIA")
    assert mrz.number.text == ("L898902C3" if form is Format.TD3 else "D23145890")
    assert (mrz.birth_date.text, mrz.sex.text, mrz.expires.text) == ("1974-08-12", "F", "2012-04-15")
    assert (mrz.issuer.text, mrz.nationality.text) == ("UTO", "UTO")
    assert mrz.birth_date.certainty is mrz.expires.certainty is Certainty.CHECKED
    assert not mrz.names_truncated


@pytest.mark.parametrize(
    ("issuer", "number", "damaged", "text", "certainty"),
    [
        ("RUS", "750060001", "75OO600O1", "750060001", Certainty.REPAIRED),
        ("RUS", "758123456", "7SB1Z3456", "758123456", Certainty.REPAIRED),
        ("RUS", "750060001", "750060001", "750060001", Certainty.CHECKED),
        ("RUS", "750060001", "750060007", "750060007", Certainty.UNSURE),
        ("RUS", "750060001", "75OO60007", "75OO60007", Certainty.UNSURE),
        ("KAZ", "N01234567", "NO1234S67", "N01234567", Certainty.REPAIRED),
        ("TKM", "A0123456", "4O123456", "A0123456", Certainty.REPAIRED),
        ("TUR", "U01234567", "UO1234567", "U01234567", Certainty.REPAIRED),
        # Where letters may stand anywhere the place decides nothing.
        ("D", "C02X0OT47", "C02X0OT47", "C02X0OT47", Certainty.CHECKED),
        ("D", "C02X0OT47", "C02X00T47", "C02X00T47", Certainty.UNSURE),
        ("D", "C01X0GT47", "C01X06T47", "C01X06T47", Certainty.AMBIGUOUS),
    ],
)
def test_a_number_is_repaired_only_where_the_place_decides(
    issuer: str, number: str, damaged: str, text: str, certainty: Certainty
) -> None:
    first, second = lines_of(Holder(issuer=issuer, nationality=issuer, number=number))

    mrz = read([first, damaged.ljust(9, "<") + second[9:]])

    assert (mrz.number.text, mrz.number.certainty) == (text, certainty)
    assert mrz.birth_date.certainty is Certainty.CHECKED


@pytest.mark.parametrize(
    ("birth", "text", "certainty"),
    [
        ("74O8I2Z", "1974-08-12", Certainty.REPAIRED),
        ("7408122", "1974-08-12", Certainty.CHECKED),
        ("7408132", "1974-08-13", Certainty.UNSURE),
        ("7408128", "1974-08-12", Certainty.UNSURE),
        ("7<<<<<2", None, Certainty.UNSURE),
        ("74?8122", None, Certainty.UNSURE),
    ],
)
def test_dates_are_digits_wherever_letters_were_read(birth: str, text: str | None, certainty: Certainty) -> None:
    mrz = read([TD3[0], f"{TD3[1][:13]}{birth}{TD3[1][20:]}"])

    assert (mrz.birth_date.text, mrz.birth_date.certainty) == (text, certainty)


def test_a_repair_is_not_believed_when_the_composite_digit_disagrees() -> None:
    mrz = read([TD3[0], f"{TD3[1][:13]}74O8122{TD3[1][20:43]}5"])

    assert (mrz.birth_date.text, mrz.birth_date.certainty) == ("1974-08-12", Certainty.UNSURE)
    assert mrz.expires.certainty is Certainty.CHECKED


@pytest.mark.parametrize(
    ("born", "today"),
    [
        (date(1924, 2, 16), TODAY),  # a day later it would be a birth to come
        (date(2024, 2, 15), TODAY),
        (date(1974, 12, 31), TODAY),
        (date(2023, 1, 1), TODAY),
        (date(2004, 2, 29), TODAY),
    ],
)
def test_a_birth_lies_in_the_past_and_less_than_a_century_ago(born: date, today: date) -> None:
    mrz = read(lines_of(Holder(birth_date=born, expires=date(2031, 1, 1))), today)

    assert (mrz.birth_date.text, mrz.expires.text) == (born.isoformat(), "2031-01-01")


def test_a_long_name_ends_with_the_line_and_says_so() -> None:
    holder = Holder(surname="PAPANDROPOULOUSKAIA KONSTANTINOPOLSKAIA ANDROPOVA", given_names="IOANNIS")

    mrz = read(lines_of(holder))

    assert mrz.names_truncated
    assert mrz.surname.text == "PAPANDROPOULOUSKAIA KONSTANTINOPOLSKAIA"
    assert mrz.given_names.text == ""


@pytest.mark.parametrize(
    ("names", "surname", "given", "certainty"),
    [
        ("IVANOV<<IVAN<", "IVANOV", "IVAN", Certainty.UNCHECKED),
        ("IVAN0V<<IVAN<", "IVANOV", "IVAN", Certainty.UNSURE),
        ("IVANOV<<IVAN<<<<<K<<", "IVANOV", "IVAN", Certainty.UNSURE),
        ("IVANOV<<<<<", "IVANOV", "", Certainty.UNCHECKED),
        ("IVANOV<PETROV<<ANNA<MARIA", "IVANOV PETROV", "ANNA MARIA", Certainty.UNCHECKED),
    ],
)
def test_names_are_read_but_never_called_checked(names: str, surname: str, given: str, certainty: Certainty) -> None:
    mrz = read([f"P<RUS{names}".ljust(44, "<"), TD3[1]])

    assert (mrz.surname.text, mrz.given_names.text) == (surname, given)
    assert mrz.surname.certainty is mrz.given_names.certainty is certainty


@pytest.mark.parametrize(
    ("code", "country"), [("D<<", "DE"), ("RUS", "RU"), ("TKM", "TM"), ("KAZ", "KZ"), ("GBD", "GB"), ("XXA", None)]
)
def test_countries_are_those_of_icao(code: str, country: str | None) -> None:
    mrz = read(lines_of(Holder(issuer=code.rstrip("<"), nationality=code.rstrip("<"))))

    assert mrz.nationality.certainty is Certainty.UNCHECKED
    assert country_of(mrz.nationality.text or "") == country


@pytest.mark.parametrize(("code", "text"), [("RU5", "RUS"), ("8LR", "BLR"), ("0MN", "OMN")])
def test_a_country_is_repaired_into_one_that_exists(code: str, text: str) -> None:
    mrz = read([f"P<{code}{TD3[0][5:]}", TD3[1]])

    assert (mrz.issuer.text, mrz.issuer.certainty) == (text, Certainty.UNCHECKED)


def test_a_country_that_does_not_exist_is_unsure() -> None:
    assert read([f"P<RUX{TD3[0][5:]}", TD3[1]]).issuer.certainty is Certainty.UNSURE


@pytest.mark.parametrize("miscount", [-3, -1, 1, 3])
def test_fillers_read_too_often_or_too_seldom_are_put_right(miscount: int) -> None:
    first, second = lines_of(Holder())
    fillers = "<" * (14 + miscount)

    mrz = read([first[: 44 + min(miscount, 0)], second[:28] + fillers + second[42:]])

    assert mrz.composite_holds
    assert mrz.surname.text == "ERIKSSON"
    assert mrz.expires.certainty is Certainty.CHECKED


def test_a_long_number_of_a_card_goes_on_in_the_optional_data() -> None:
    digit = check_digit("D23145890734")
    first = f"I<UTOD23145890<734{digit}<<<<<<<<<<<"
    second = f"7408122F1204159UTO<<<<<<<<<<<{check_digit(first[5:] + '7408122' + '1204159' + '<' * 11)}"

    mrz = read([first, second, TD1[2]])

    assert (mrz.number.text, mrz.composite_holds) == ("D23145890734", True)
    assert mrz.optional.text == ""


def test_fillers_are_known_however_a_reader_of_text_writes_them() -> None:
    assert normal(" p<uto«anna 《maria‹ é") == "P<UTO<<ANNA<<MARIA<?"


@pytest.mark.parametrize("lines", [[], ["PASSPORT", "ПАСПОРТ"], [TD3[0]], [*TD3, TD3[0]], [TD3[0], TD3[1][:20]]])
def test_other_text_is_no_document(lines: list[str]) -> None:
    assert parse(lines, TODAY) is None


# A digit turned into a letter or the reverse by its look, and digits taken for each other.
LOOKS = AS_DIGIT | {"0": "O", "1": "I", "2": "Z", "5": "S", "8": "B"}
MISREADINGS = {"3": "8", "8": "3", "1": "7", "7": "1", "0": "8", "6": "5", "9": "4", "4": "9", "E": "F", "C": "O"}

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def numbered(prefix: str, digits: int) -> st.SearchStrategy[str]:
    return st.integers(0, 10**digits - 1).map(lambda number: f"{prefix}{number:0{digits}}")


numbers = st.one_of(
    st.tuples(st.just("RUS"), numbered("", 9)),
    st.tuples(st.just("KAZ"), numbered("N", 8)),
    st.tuples(st.just("TKM"), numbered("A", 7)),
    st.tuples(st.sampled_from(["D", "UTO", "FRA"]), st.text(alphabet=LETTERS + "0123456789", min_size=6, max_size=9)),
)
names = st.text(alphabet=LETTERS, min_size=2, max_size=16)


@st.composite
def holders(draw: st.DrawFn) -> Holder:
    issuer, number = draw(numbers)
    return Holder(
        surname=draw(names),
        given_names=draw(names),
        number=number,
        issuer=issuer,
        nationality=issuer,
        birth_date=draw(st.dates(date(1925, 1, 1), date(2024, 1, 1))),
        sex=draw(st.sampled_from("MF")),
        expires=draw(st.dates(date(2010, 1, 1), date(2049, 1, 1))),
    )


@st.composite
def damaged(draw: st.DrawFn, line: str) -> str:
    """At most one wrong character in each field that has a check digit."""
    letters = list(line)
    for start, end in ((0, 10), (13, 20), (21, 28), (28, len(line) - 1)):
        place = draw(st.integers(start, end - 1))
        table = draw(st.sampled_from([{}, LOOKS, MISREADINGS]))
        letters[place] = table.get(letters[place], letters[place])
    return "".join(letters)


@settings(max_examples=150, deadline=None)
@given(st.data(), holders(), st.sampled_from([Format.TD3, Format.TD2]))
def test_no_damage_makes_a_field_surely_wrong(data: st.DataObject, holder: Holder, form: Format) -> None:
    first, second = lines_of(holder, form)
    right = read([first, second])
    line = data.draw(damaged(second))

    mrz = parse([first, line], TODAY)

    assert mrz is not None
    for name in ("number", "birth_date", "expires", "optional"):
        field = getattr(mrz, name)
        assert not field.certainty.certain or field.text == getattr(right, name).text, (name, second, line)
    assert not (mrz.number.certainty.certain and set(mrz.number.text or "") & BLIND and holder.issuer in ("D", "UTO"))


@settings(max_examples=60, deadline=None)
@given(holders(), st.sampled_from(list(Format)))
def test_what_is_undamaged_comes_back_as_it_was_written(holder: Holder, form: Format) -> None:
    mrz = read(lines_of(holder, form))

    assert (mrz.surname.text, mrz.sex.text, mrz.composite_holds) == (holder.surname, holder.sex, True)
    assert (mrz.number.text, mrz.nationality.text) == (holder.number, holder.nationality)
    assert mrz.birth_date == type(mrz.birth_date)(holder.birth_date.isoformat(), Certainty.CHECKED)
    assert mrz.expires == type(mrz.expires)(holder.expires.isoformat(), Certainty.CHECKED)
    assert mrz.number.certainty is not Certainty.UNSURE


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(alphabet="PIA<RUS0123456789?«OQ", max_size=46), max_size=4))
def test_no_text_at_all_stops_the_reading(lines: list[str]) -> None:
    mrz = parse(lines, TODAY)

    assert mrz is None or mrz.format in Format
