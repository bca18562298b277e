"""What a voyage asks of a passport, by the rules of the 2024 season."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.visas.documents import CATALOGUE, LeadTime
from portal.visas.rule_file import read_rules
from portal.visas.rules import (
    Border,
    Outcome,
    add_months,
    entries,
    findings,
    requirements,
    takes_of,
    validity_checks,
    ways_of,
)
from portal.visas.terms import Regime, Severity, Supplier
from tests.visas.voyages import ALL, AWZ, CAS5, LVG, NTH, OWS, TRE, TRI, traveller

pytestmark = pytest.mark.once

TURKMEN_VISA = (
    *("passport", "form_loi.TM", "photo_tm_sms.TM", "loi.TM", "form_tm.TM", "photo_tm_visa.TM", "visa_tm.TM"),
    *("name_change.TM", "fee_receipt.TM"),
)

RULES = read_rules()
PASSPORTS = ("RU", "TM", "KZ", "AZ", "IR", "BY", "UZ", "AM", "GE", "DE", "US", "GB", "TR", "CN", "IN", "AE", "FR", "BR")


def found(passport, voyage):
    """(country, outcome, border) of each entry."""
    return [(f.country, f.outcome.value, f.border.value) for f in findings(traveller(passport), voyage, RULES)]


def keys(who, voyage):
    return [item.key for item in requirements(who, voyage, RULES)]


def item(key, who, voyage):
    return next(item for item in requirements(who, voyage, RULES) if item.key == key)


@pytest.mark.parametrize(
    ("voyage", "stays"),
    [
        (LVG, ["RU 1/1"]),
        (TRI, ["RU 1/2", "AZ 1/1", "TM 1/1", "RU 2/2"]),
        (CAS5, ["RU 1/2", "AZ 1/1", "IR 1/1", "TM 1/1", "KZ 1/1", "RU 2/2"]),
        (AWZ, ["RU 1/2", "KZ 1/1", "TM 1/1", "AZ 1/1", "RU 2/2"]),
        (OWS, ["RU 1/1", "AZ 1/1"]),
        (TRE, ["AZ 1/2", "IR 1/1", "TM 1/1", "KZ 1/1", "RU 1/1", "AZ 2/2"]),
        (NTH, ["AZ 1/1", "TM 1/1", "KZ 1/1", "RU 1/1"]),
    ],
    ids=lambda value: value.code if hasattr(value, "code") else "",
)
def test_entries_are_counted_by_leaving_and_coming_back(voyage, stays):
    assert [f"{e.country} {e.number}/{e.of}" for e in entries(voyage)] == stays
    assert [e.before_boarding for e in entries(voyage)] == [True] + [False] * (len(stays) - 1)


@pytest.mark.parametrize(
    ("passport", "voyage", "expected"),
    [
        (
            "RU",
            TRI,
            [
                ("RU", "met", "open"),
                ("AZ", "met", "blocked_border"),
                ("TM", "needed", "prior_only"),
                ("RU", "met", "open"),
            ],
        ),
        (
            "RU",
            CAS5,
            [
                ("RU", "met", "open"),
                ("AZ", "met", "blocked_border"),
                ("IR", "needed", "open"),
                ("TM", "needed", "prior_only"),
                ("KZ", "met", "open"),
                ("RU", "met", "open"),
            ],
        ),
        (
            "DE",
            TRI,
            [
                ("RU", "needed", "check_port"),
                ("AZ", "needed", "blocked_border"),
                ("TM", "needed", "prior_only"),
                ("RU", "needed", "check_port"),
            ],
        ),
        (
            "DE",
            NTH,
            [
                ("AZ", "needed", "by_air"),
                ("TM", "needed", "prior_only"),
                ("KZ", "met", "open"),
                ("RU", "needed", "check_port"),
            ],
        ),
        (
            "KZ",
            TRE,
            [
                ("AZ", "met", "by_air"),
                ("IR", "met", "open"),
                ("TM", "needed", "prior_only"),
                ("KZ", "met", "open"),
                ("RU", "met", "open"),
                ("AZ", "met", "blocked_border"),
            ],
        ),
        (
            "TM",
            CAS5,
            [
                ("RU", "needed", "open"),
                ("AZ", "needed", "blocked_border"),
                ("IR", "needed", "open"),
                ("TM", "met", "open"),
                ("KZ", "needed", "open"),
                ("RU", "needed", "open"),
            ],
        ),
        (
            "AM",
            TRI,
            [
                ("RU", "met", "open"),
                ("AZ", "impossible", "blocked_border"),
                ("TM", "needed", "prior_only"),
                ("RU", "met", "open"),
            ],
        ),
        (
            "BR",
            TRI,
            [
                ("RU", "unknown", "check_border"),
                ("AZ", "unknown", "blocked_border"),
                ("TM", "needed", "prior_only"),
                ("RU", "unknown", "check_border"),
            ],
        ),
        ("DE", LVG, [("RU", "needed", "open")]),
        (
            "AZ",
            NTH,
            [
                ("AZ", "met", "check_border"),
                ("TM", "needed", "prior_only"),
                ("KZ", "met", "open"),
                ("RU", "met", "open"),
            ],
        ),
    ],
    ids=lambda value: value.code if hasattr(value, "code") else value if isinstance(value, str) else "",
)
def test_visa_and_border_are_two_answers_for_each_entry(passport, voyage, expected):
    assert found(passport, voyage) == expected


@pytest.mark.parametrize(
    ("passport", "voyage", "expected"),
    [
        ("RU", LVG, []),
        (
            "RU",
            TRI,
            [*TURKMEN_VISA, "migration_card.TM"],
        ),
        (
            "TM",
            NTH,
            [
                *["passport", "evisa_az.AZ", "visa_kz.KZ", "fee_receipt.KZ", "visa_ru.RU", "fee_receipt.RU"],
                "migration_card.RU",
            ],
        ),
        (
            "TM",
            TRI,
            [
                *["passport", "visa_ru.RU", "fee_receipt.RU", "evisa_az.AZ"],
                *["migration_card.RU.1", "migration_card.RU.2"],  # once for each entry
            ],
        ),
        ("DE", LVG, ["passport", "photo_ru_evisa.RU", "evisa_ru.RU", "migration_card.RU"]),
        (
            "BR",
            TRI,
            [*TURKMEN_VISA, "migration_card.TM"],
        ),
    ],
    ids=lambda value: value.code if hasattr(value, "code") else value if isinstance(value, str) else "",
)
def test_the_papers_of_a_voyage(passport, voyage, expected):
    assert [key for key in keys(traveller(passport), voyage) if key != "insurance"] == expected


def test_fees_and_names_are_asked_for_in_the_case_named_alone():
    fee, name = (item(key, traveller("RU"), TRI) for key in ("fee_receipt.TM", "name_change.TM"))

    assert (fee.severity, name.severity) == (Severity.CONDITIONAL, Severity.CONDITIONAL)
    assert (fee.due, name.due) == (date(2024, 3, 27), date(2024, 3, 27))  # with the rest of the application


def test_what_is_filled_in_at_the_border_comes_from_nobody_else():
    assert item("migration_card.TM", traveller("RU"), TRI).supplier is Supplier.BORDER
    assert [key for key in keys(traveller("RU"), LVG) if key.startswith("migration_card")] == []


def test_a_single_entry_evisa_is_asked_for_once_for_each_entry():
    on_loop = keys(traveller("DE"), TRI)

    assert {"evisa_ru.RU.1", "evisa_ru.RU.2"} <= set(on_loop)
    assert on_loop.count("photo_ru_evisa.RU") == 1
    assert {"evisa_az.AZ.1", "evisa_az.AZ.2"} <= set(keys(traveller("DE"), TRE))


def test_a_consular_visa_is_asked_for_once_with_as_many_entries():
    visa = item("visa_ru.RU", traveller("TM"), TRI)

    assert [(reason.key, reason.params.get("of")) for reason in visa.reasons] == [
        ("visa_covers", None),
        ("visa_entries", "2"),
    ]
    assert visa.reasons[0].params == {"from": "2024-05-07", "to": "2024-05-15"}


def test_a_russian_enters_iran_on_a_group_list_that_the_operator_keeps():
    listed = item("group_list_ir.IR", traveller("RU"), CAS5)

    assert listed.supplier is Supplier.OPERATOR
    assert "visa_ir.IR" not in keys(traveller("RU"), CAS5)
    assert "group_list_ir.IR" not in keys(traveller("RU", group_lists={"IR": 5}), CAS5)


def test_an_indian_needs_a_visa_for_iran_by_sea_though_the_air_waiver_exists():
    iran = next(f for f in findings(traveller("IN"), CAS5, RULES) if f.country == "IR")

    assert (iran.regime, iran.outcome) == (Regime.VISA, Outcome.NEEDED)


def test_a_rule_stands_for_other_passports_only_where_it_says_so():
    french = findings(traveller("FR"), CAS5, RULES)
    swiss = {finding.country: finding for finding in findings(traveller("CH"), CAS5, RULES)}

    assert all(finding.by_analogy and not finding.certain for finding in french)
    assert [finding.outcome for finding in french].count(Outcome.UNKNOWN) == 0
    assert [swiss[country].outcome for country in ("RU", "AZ", "IR", "KZ")] == [Outcome.UNKNOWN] * 4
    assert (swiss["TM"].outcome, swiss["TM"].by_analogy) == (Outcome.NEEDED, True)


def test_the_rule_is_chosen_by_the_day_of_the_entry_not_of_the_booking():
    def azerbaijan(day):
        stops = tuple(replace(stop, first_day=day, last_day=day) for stop in OWS.stops)
        return findings(traveller("CN"), replace(OWS, stops=stops), RULES)[1].regime

    assert azerbaijan(date(2024, 7, 19)) is Regime.EVISA
    assert azerbaijan(date(2024, 7, 20)) is Regime.VISA_FREE
    assert azerbaijan(date(2025, 7, 21)) is None


def test_a_stay_longer_than_the_rule_is_for_a_person_to_decide():
    long_stop = replace(TRI.stops[3], last_day=date(2024, 5, 30))
    longer = replace(TRI, stops=(*TRI.stops[:3], long_stop, replace(TRI.stops[4], first_day=date(2024, 6, 1))))

    turkmenistan = findings(traveller("RU"), longer, RULES)[2]

    assert turkmenistan.outcome is Outcome.UNKNOWN
    assert [reason.params for reason in turkmenistan.why if reason.key == "stays_too_long"] == [
        {"days": "20", "allowed": "10"}
    ]


def test_one_source_is_marked_as_needing_a_check():
    certain = {(f.country): f.certain for f in findings(traveller("KZ"), TRI, RULES)}

    assert certain == {"RU": True, "AZ": True, "TM": False}


def test_what_the_rule_itself_says_goes_before_what_is_usual():
    slow = tuple(
        replace(rule, authority=LeadTime(20, 30), passport_months=9) if rule.destination == "TM" else rule
        for rule in RULES
    )
    who = traveller("RU")

    usual, own = (findings(who, TRI, rules) for rules in (RULES, slow))

    assert ways_of(who, TRI, own)["TM"].safe.apply_by < ways_of(who, TRI, usual)["TM"].safe.apply_by
    assert max(check.months for check in validity_checks(who, TRI, own)) == 9


def test_what_a_consulate_told_of_one_passport_is_not_taken_for_another():
    brazil = next(finding for finding in findings(traveller("BR"), TRI, RULES) if finding.country == "TM")

    assert brazil.rule is not None
    assert brazil.rule.authority == LeadTime(10, 10)
    assert takes_of(brazil, "BR").authority == LeadTime(10, 15)


def test_what_the_catalogue_says_holds_between_its_dates():
    last = replace(CATALOGUE.validity[0].dates, valid_to=date(2024, 4, 30))
    until_april = replace(CATALOGUE, version="other", validity=(replace(CATALOGUE.validity[0], dates=last),))

    assert until_april.in_force(date(2024, 4, 30)).validity_of("TM", None).months == 6
    assert until_april.in_force(date(2024, 5, 1)).validity_of("TM", None).months == 0


def test_old_evidence_is_marked_for_staff():
    azerbaijan = findings(traveller("RU"), TRI, RULES)[1]

    assert azerbaijan.stale_on(date(2024, 2, 15))
    assert not azerbaijan.stale_on(date(2023, 9, 1))


@pytest.mark.parametrize(
    ("passport", "voyage", "until"),
    [
        ("RU", TRI, date(2024, 11, 14)),  # Turkmenistan: six months after the last day
        ("TM", TRI, date(2024, 8, 14)),  # e-visa of Azerbaijan: three months
        ("KZ", OWS, date(2024, 6, 9)),  # nobody asks for more than the cruise
        ("DE", LVG, date(2024, 11, 5)),  # e-visa of Russia: six months
    ],
    ids=["RU TRI", "TM TRI", "KZ OWS", "DE LVG"],
)
def test_the_passport_must_be_valid_for_the_strictest_country(passport, voyage, until):
    who = traveller(passport)

    assert max(check.until for check in validity_checks(who, voyage, findings(who, voyage, RULES))) == until


def test_two_days_too_short_is_said_at_once_without_any_scan():
    short = item("passport", traveller(document_expires=date(2024, 11, 12)), TRI)
    enough = item("passport", traveller(document_expires=date(2024, 11, 14)), TRI)

    assert short.severity is Severity.BLOCKING
    assert short.reasons[0].key == "passport_expires_too_early"
    assert short.reasons[0].params["until"] == "2024-11-14"
    assert enough.severity is Severity.REQUIRED
    assert short.basis != enough.basis


def test_an_internal_passport_does_for_the_volga_and_for_nothing_else():
    at_home = traveller(travel_passport=False, document_expires=None)

    assert keys(at_home, LVG) == []
    abroad = item("passport", at_home, TRI)
    assert (abroad.severity, abroad.reasons[0].key) == (Severity.BLOCKING, "passport_of_wrong_kind")


def test_a_passport_that_nobody_has_told_of_is_unknown_not_wrong():
    unknown = item("passport", traveller(travel_passport=None, document_expires=None, document_fingerprint=None), TRI)
    told = item("passport", traveller(), TRI)

    assert unknown.severity is Severity.REQUIRED
    assert {"passport_number_unknown", "passport_expiry_unknown"} <= {reason.key for reason in unknown.reasons}
    assert "passport_number_unknown" not in {reason.key for reason in told.reasons}
    assert unknown.basis != told.basis


def test_blank_pages_are_asked_for_by_the_strictest_country():
    pages = [r.params["pages"] for r in item("passport", traveller(), TRI).reasons if r.key == "passport_blank_pages"]

    assert pages == ["2"]


def test_a_child_needs_birth_certificate_and_consent():
    child = traveller(birth_date=date(2006, 5, 8), adults_in_booking=1)

    papers = {item.key: item for item in requirements(child, TRI, RULES)}

    assert papers["birth_cert"].reasons[0].key == "birth_certificate_for_visa"
    assert papers["marriage_cert"].severity is Severity.CONDITIONAL
    assert papers["consent"].severity is Severity.REQUIRED
    assert "consent_in_english" in [reason.key for reason in papers["consent"].reasons]


def test_who_turns_eighteen_on_the_first_day_is_an_adult():
    assert "consent" not in keys(traveller(birth_date=date(2006, 5, 7)), TRI)
    assert "consent" in keys(traveller(birth_date=date(2006, 5, 8)), TRI)


def test_with_two_adults_consent_is_asked_for_only_in_the_case_named():
    child = traveller(birth_date=date(2015, 1, 1), adults_in_booking=2)

    assert item("consent", child, TRI).severity is Severity.CONDITIONAL


def test_dates_count_back_from_departure_through_consulate_and_invitation():
    who = traveller("RU")

    assert item("visa_tm.TM", who, TRI).due == date(2024, 4, 30)  # a week before departure
    # 15 days before that on which both countries work: without 29 April and Turkmenistan's 10 April.
    assert item("visa_tm.TM", who, TRI).apply_by == date(2024, 4, 5)
    assert item("loi.TM", who, TRI).due == date(2024, 4, 5)
    # What the visa is asked for with: two working days for a look, and five should it come back.
    assert item("photo_tm_visa.TM", who, TRI).due == date(2024, 3, 27)
    # 20 days before 5 April for the invitation, to 5 March (8, 21 and 22 March are holidays), and seven for us.
    assert item("form_loi.TM", who, TRI).due == date(2024, 2, 22)
    assert item("passport", who, TRI).due == date(2024, 2, 22)


def test_the_last_day_of_all_takes_usual_times_and_no_second_try():
    who = traveller("RU")

    assert item("photo_tm_visa.TM", who, TRI).latest == date(2024, 4, 11)  # ten days to 15 April, and two for us
    assert item("form_loi.TM", who, TRI).latest == date(2024, 3, 27)  # ten more to 29 March, and two for us
    assert item("visa_tm.TM", who, TRI).latest == date(2024, 5, 7)


def test_americans_start_two_to_three_months_earlier_for_iran_than_others():
    american, turkmen = (item("visa_ir.IR", traveller(passport), CAS5).apply_by for passport in ("US", "TM"))

    # 65 and 15 days from 9 May. Iran rests on Fridays, the others on Saturdays and Sundays: four days are left.
    assert american == date(2023, 12, 28)
    assert turkmen == date(2024, 4, 15)


def test_insurance_is_required_where_a_country_says_so_and_advised_elsewhere():
    assert item("insurance", traveller("RU"), CAS5).severity is Severity.REQUIRED
    assert item("insurance", traveller("DE"), TRI).severity is Severity.REQUIRED
    assert item("insurance", traveller("RU"), TRI).severity is Severity.RECOMMENDED


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (date(2024, 8, 31), 6, date(2025, 2, 28)),
        (date(2024, 5, 14), 6, date(2024, 11, 14)),
        (date(2024, 12, 31), 3, date(2025, 3, 31)),
        (date(2024, 5, 14), 0, date(2024, 5, 14)),
    ],
)
def test_months_end_where_the_month_ends(day, months, expected):
    assert add_months(day, months) == expected


@settings(deadline=None, max_examples=60)
@given(
    passport=st.sampled_from(PASSPORTS),
    voyage=st.sampled_from(ALL),
    birth=st.dates(date(1930, 1, 1), date(2024, 1, 1)),
    expires=st.none() | st.dates(date(2024, 1, 1), date(2034, 1, 1)),
    travel_passport=st.booleans(),
    adults=st.integers(0, 3),
)
def test_the_same_question_has_the_same_answer_and_every_answer_is_whole(
    passport, voyage, birth, expires, travel_passport, adults
):
    who = traveller(
        passport,
        birth_date=birth,
        document_expires=expires,
        travel_passport=travel_passport,
        adults_in_booking=adults,
    )

    items = requirements(who, voyage, RULES)

    assert items == requirements(who, voyage, tuple(reversed(RULES)))
    assert len({item.key for item in items}) == len(items)
    for one in items:
        assert one.reasons
        assert len(one.key) <= 31
        assert one.due <= one.latest <= voyage.starts
    for finding in findings(who, voyage, RULES):
        assert (finding.rule is None) <= (finding.outcome is Outcome.UNKNOWN)
        assert isinstance(finding.border, Border)
