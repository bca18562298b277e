"""Loading entry rules: all or nothing, and twice is once."""

import re
import shutil
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from portal.database import db
from portal.visas.errors import BadRules
from portal.visas.models import EntryRule
from portal.visas.rule_file import RULES, check_rules, read_rules, row_of, rule_of, write_rules
from portal.visas.services import load_rules
from tests.factories import NOON, announced


@pytest.fixture
def file(tmp_path):
    for name in ("visa_rules.csv", "conditions.json"):
        shutil.copy(RULES.with_name(name), tmp_path / name)
    return tmp_path / "visa_rules.csv"


def live() -> int:
    return db.session.scalar(select(func.count()).where(EntryRule.withdrawn_at.is_(None))) or 0


def rewrite(file, row, old, new):
    lines = file.read_text().splitlines(keepends=True)
    assert old in lines[row - 1]
    lines[row - 1] = lines[row - 1].replace(old, new, 1)
    file.write_text("".join(lines))


def test_the_rules_of_the_season_are_loaded_and_a_second_time_changes_nothing():
    first = load_rules(now=NOON)
    again = load_rules(now=NOON + timedelta(days=1))

    assert (first.added, first.withdrawn) == (97, 0)
    assert (again.added, again.withdrawn, again.kept) == (0, 0, 97)
    assert live() == 97
    assert announced() == ["visas.rules_changed"]


def test_a_changed_row_withdraws_the_old_one_and_keeps_it_for_what_was_judged_by_it(file):
    load_rules(file, now=NOON)
    rewrite(file, 2, "2024-05-01", "2024-06-01")

    loaded = load_rules(file, now=NOON)

    assert (loaded.added, loaded.withdrawn, loaded.kept) == (1, 1, 96)
    assert db.session.scalar(select(func.count()).select_from(EntryRule)) == 98


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("RU,BY", "RU,YY", "nationality 'YY' is no country code"),
        ("visa_free", "visafree", "regime 'visafree' is none of"),
        (",yes,", ",perhaps,", "usable_by_sea 'perhaps' is none of"),
        ("2024-05-01", "", "as_of is missing"),
        ("2024-05-01", "01.05.2024", "as_of '01.05.2024' is no date"),
        ("one_source", "sure", "confidence 'sure' is none of"),
        ("zaria15", "hearsay", "source 'hearsay' is not in sources.json"),
        ("Union State; no stay limit", "Come as you like", "conditions.json lacks 'Come as you like'"),
        ("visa_free,,", "visa_free,0,", "max_stay_days '0' is no number from 1 to 999"),
        ("RU,BY,,visa_free", "RU,BY,,visa_loi", "documents.json names no document of RU for visa_loi"),
        ("RU,BY,,", "RU,BY,", "25 columns instead of 26"),
    ],
)
def test_a_bad_row_is_named_with_its_reason_and_nothing_is_changed(file, old, new, reason):
    rewrite(file, 3, old, new)

    with pytest.raises(BadRules, match=r"^row 3: ") as refusal:
        load_rules(file, now=NOON)

    assert reason in str(refusal.value)
    assert live() == 0


def test_the_same_row_twice_is_refused(file):
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join([*lines, lines[1]]))

    with pytest.raises(BadRules, match="row 99: the same as row 2"):
        load_rules(file, now=NOON)


def test_another_file_is_refused_by_its_heading(tmp_path):
    (tmp_path / "list.csv").write_text("a,b\n1,2\n")

    with pytest.raises(BadRules, match="row 1: the columns must be"):
        load_rules(tmp_path / "list.csv", now=NOON)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(BadRules, match="No such file"):
        load_rules(tmp_path / "nothing.csv", now=NOON)


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("documents", "driving licence", "documents 'driving licence' is none of passport"),
        ("group_min", "5", "group_min and group_max belong to visa_free_group"),
        ("passport_months", "six", "passport_months 'six' is no number from 0 to 999"),
        ("photo_mm", "30 by 40", "photo_mm '30 by 40' is no size in millimetres"),
        ("lead_p50_days", "10", "lead_p90_days must be given with lead_p50_days"),
        ("fee", "NaN", "fee 'NaN' is no amount"),
        ("fee", "12.345", "fee '12.345' is no amount"),
        ("fee", "12", "fee_currency '' is no code like USD"),
        ("inferred", "weather", "inferred names 'weather', which is no column"),
        ("conditions_ru", "только с группой", "the conditions are needed in all of ru, tk, en"),
        ("sources", "http://example.com", "no address that begins with https://"),
    ],
)
def test_every_term_of_a_rule_is_checked(column, value, reason):
    row = row_of(read_rules()[1]) | {"conditions_ru": "", "conditions_tk": "", "conditions_en": ""} | {column: value}

    with pytest.raises(ValueError, match=re.escape(reason)):
        rule_of(row)


def test_all_bad_rows_are_named_and_none_is_taken():
    lines = write_rules(read_rules()).splitlines(keepends=True)
    lines[2] = lines[2].replace("2024-05-01", "soon")
    lines[4] = lines[4].replace("confirmed", "sure")

    rules, errors = check_rules("".join(lines))

    assert rules == ()
    assert [error.row for error in errors] == [3, 5]


def test_what_is_written_reads_to_the_same_rules():
    rules = read_rules()

    again, errors = check_rules(write_rules(rules))

    assert errors == ()
    assert again == rules


def test_a_stored_rule_says_all_that_its_row_said():
    load_rules(now=NOON)

    stored = {replace(row.as_rule(), id=None) for row in db.session.scalars(select(EntryRule))}

    assert stored == set(read_rules())
