"""Who may land where, case by case: every expectation was worked out by hand from the gathered entry rules.

A case names the traveller, the voyage and, for each entry in order, a word of WORDS with what follows from it. `papers`
are those of the whole voyage: "!" will not do as it is, "?" only in the case named, "~" recommended.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

import pytest

from portal.visas.rule_file import read_rules
from portal.visas.rules import Answer, Traveller, Voyage, findings, requirements
from portal.visas.terms import Severity
from tests.visas.voyages import AWZ, CAS5, LVG, NTH, OWS, TRE, TRI, traveller, voyage

pytestmark = pytest.mark.once

RULES = read_rules()
MET, NOT_MET, UNKNOWN = Answer.MET, Answer.NOT_MET, Answer.UNKNOWN


@dataclass(frozen=True)
class Word:
    """What one word of a case says: by which regime, the answer for the visa, and why."""

    regime: str | None
    visa: Answer
    why: frozenset[str]


WORDS = {
    "own": Word("own_national", MET, frozenset({"regime_own_national"})),
    "free": Word("visa_free", MET, frozenset({"regime_visa_free"})),
    "listed": Word("visa_free_group", MET, frozenset({"on_list"})),
    "list": Word("visa_free_group", NOT_MET, frozenset({"list_to_come"})),
    "split": Word("visa_free_group", NOT_MET, frozenset({"list_too_large"})),
    "small": Word("evisa", NOT_MET, frozenset({"regime_evisa", "list_too_small"})),
    "evisa": Word("evisa", NOT_MET, frozenset({"regime_evisa"})),
    "visa": Word("visa", NOT_MET, frozenset({"regime_visa"})),
    "invited": Word("visa_loi", NOT_MET, frozenset({"regime_visa_loi"})),
    "refused": Word("refused", NOT_MET, frozenset({"regime_refused"})),
    "nobody knows": Word(None, UNKNOWN, frozenset({"no_rule"})),
    "free too long": Word("visa_free", UNKNOWN, frozenset({"regime_visa_free", "stays_too_long"})),
    "invited too long": Word("visa_loi", UNKNOWN, frozenset({"regime_visa_loi", "stays_too_long"})),
    "free once": Word("visa_free", UNKNOWN, frozenset({"regime_visa_free", "entered_too_often"})),
}
# After the comma: what the border says apart from any visa, and whether the rule was written for another passport.
REMARKS: dict[str, tuple[Answer, frozenset[str]]] = {
    "closed": (NOT_MET, frozenset({"border_blocked_border"})),
    "by air": (MET, frozenset({"border_by_air"})),
    "by air, out by sea": (UNKNOWN, frozenset({"border_by_air", "leaving_by_sea"})),
    "port?": (UNKNOWN, frozenset({"border_check_port"})),
    "border?": (UNKNOWN, frozenset({"border_check_border"})),
    "before boarding": (MET, frozenset({"border_prior_only"})),
}
# What is asked for by country and regime; a number where each entry wants its own.
PAPERS = {
    ("RU", "evisa"): ("photo_ru_evisa", "evisa_ru#"),
    ("RU", "visa"): ("visa_ru",),
    ("TM", "visa_loi"): ("form_loi", "photo_tm_sms", "loi", "form_tm", "photo_tm_visa", "visa_tm"),
    ("AZ", "evisa"): ("evisa_az#",),
    ("KZ", "visa"): ("visa_kz",),
    ("IR", "visa"): ("photo_ir", "visa_ir"),
    ("IR", "evisa"): ("photo_ir", "visa_ir"),
    ("IR", "visa_free_group"): ("group_list_ir",),
}
# The papers that let a person in; what is filled in or paid on the way is another matter.
OF_THE_VOYAGE = {"passport", "insurance", "birth_cert", "consent", "marriage_cert"}
OF_ENTRIES = {paper.rstrip("#") for papers in PAPERS.values() for paper in papers}
MARKS = {Severity.BLOCKING: "!", Severity.REQUIRED: "", Severity.CONDITIONAL: "?", Severity.RECOMMENDED: "~"}


@dataclass(frozen=True)
class Case:
    title: str
    who: Traveller
    voyage: Voyage
    entries: str
    papers: str = "passport insurance~"
    passport: str = "passport_valid_until"  # the first that is said of it


def on(whole: Voyage, year: int, month: int, day: int) -> Voyage:
    """The same voyage, begun on another day."""
    by = date(year, month, day) - whole.starts
    stops = (
        replace(stop, first_day=stop.first_day + by, last_day=stop.last_day + by) for stop in whole.stops
    )
    return replace(whole, stops=tuple(stops))


# A part of a voyage: Turkmen guests come aboard in their own country.
FROM_TURKMENBASHI = voyage(
    "PV24-04",
    ("TM", "TMKRW", (5, 30), (5, 31)),
    ("AZ", "AZBAK", (6, 1), (6, 1)),
    ("RU", "RUMCX", (6, 2), (6, 3)),
    ("RU", "RUASF", (6, 4), (6, 4)),
)
TO_KAZAKHSTAN = voyage("PV24-04", ("RU", "RUASF", (5, 27), (5, 27)), ("KZ", "KZAAU", (5, 28), (5, 29)))
LONG_KAZAKHSTAN = voyage(
    "X",
    ("RU", "RUASF", (5, 1), (5, 1)),
    ("KZ", "KZAAU", (5, 2), (5, 20)),
    ("RU", "RUASF", (5, 21), (5, 21)),
)
LONG_TURKMENISTAN = voyage(
    "X",
    ("RU", "RUASF", (5, 1), (5, 1)),
    ("TM", "TMKRW", (5, 2), (5, 12)),
    ("RU", "RUASF", (5, 13), (5, 13)),
)
IRAN_TWICE = voyage(
    "X",
    ("KZ", "KZAAU", (5, 1), (5, 1)),
    ("IR", "IRBAZ", (5, 3), (5, 3)),
    ("TM", "TMKRW", (5, 4), (5, 4)),
    ("IR", "IRNSH", (5, 5), (5, 5)),
    ("KZ", "KZAAU", (5, 7), (5, 7)),
)

TM = "invited, before boarding"
# The Russian loop of a passport that needs an e-visa for each of the two entries.
LOOP = "passport insurance"

TRI_CASES = [
    Case("Russian", traveller("RU"), TRI, f"own | free, closed | {TM} | own"),
    Case("Turkmen", traveller("TM"), TRI, "visa | evisa, closed | own | visa"),
    Case("Kazakh", traveller("KZ"), TRI, f"free | free, closed | {TM} | free"),
    Case("Azerbaijani", traveller("AZ"), TRI, f"free | own, border? | {TM} | free"),
    Case("Iranian", traveller("IR"), TRI, f"evisa, port? | evisa, closed | {TM} | evisa, port?", LOOP),
    Case("Belarusian", traveller("BY"), TRI, f"free | free, closed | {TM} | free"),
    Case("Uzbek", traveller("UZ"), TRI, f"free | free, closed | {TM} | free"),
    Case("Armenian", traveller("AM"), TRI, f"free | refused, closed | {TM} | free"),
    Case("Georgian", traveller("GE"), TRI, f"free | free, closed | {TM} | free"),
    Case("German", traveller("DE"), TRI, f"evisa, port? | evisa, closed | {TM} | evisa, port?", LOOP),
    Case("American", traveller("US"), TRI, f"visa | evisa, closed | {TM} | visa"),
    Case("Briton", traveller("GB"), TRI, f"visa | evisa, closed | {TM} | visa"),
    Case("Turk", traveller("TR"), TRI, f"evisa, port? | free, closed | {TM} | evisa, port?", LOOP),
    Case("Chinese", traveller("CN"), TRI, f"evisa, port? | evisa, closed | {TM} | evisa, port?", LOOP),
    Case("Indian", traveller("IN"), TRI, f"evisa, port? | evisa, closed | {TM} | evisa, port?", LOOP),
    Case("Emirati", traveller("AE"), TRI, f"free | free, closed | {TM} | free"),
    Case(
        "French, by the German rules",
        traveller("FR"),
        TRI,
        f"evisa, port?, analogy | evisa, closed, analogy | {TM}, analogy | evisa, port?, analogy",
        LOOP,
    ),
    Case(
        "Kyrgyz: known in Azerbaijan alone",
        traveller("KG"),
        TRI,
        f"nobody knows, border? | free, closed | {TM}, analogy | nobody knows, border?",
    ),
    Case(
        "unknown nationality: only that every passport needs the Turkmen visa",
        traveller("BR"),
        TRI,
        f"nobody knows, border? | nobody knows, closed | {TM}, analogy | nobody knows, border?",
    ),
]
CAS5_CASES = [
    Case("Russian", traveller("RU"), CAS5, f"own | free, closed | list | {TM} | free | own", LOOP),
    Case("Turkmen", traveller("TM"), CAS5, "visa | evisa, closed | visa | own | visa | visa", LOOP),
    Case("Kazakh", traveller("KZ"), CAS5, f"free | free, closed | free | {TM} | own | free", LOOP),
    Case("Azerbaijani", traveller("AZ"), CAS5, f"free | own, border? | free | {TM} | free | free", LOOP),
    Case(
        "Iranian",
        traveller("IR"),
        CAS5,
        f"evisa, port? | evisa, closed | own | {TM} | free | evisa, port?",
        LOOP,
    ),
    Case("Belarusian", traveller("BY"), CAS5, f"free | free, closed | free | {TM} | free | free", LOOP),
    Case("Uzbek", traveller("UZ"), CAS5, f"free | free, closed | free | {TM} | free | free", LOOP),
    Case("Armenian", traveller("AM"), CAS5, f"free | refused, closed | free | {TM} | free | free", LOOP),
    Case("Georgian", traveller("GE"), CAS5, f"free | free, closed | free | {TM} | free | free", LOOP),
    Case(
        "German: double Russian entry, closed Azerbaijani sea border",
        traveller("DE"),
        CAS5,
        f"evisa, port? | evisa, closed | evisa | {TM} | free | evisa, port?",
        LOOP,
    ),
    Case("American", traveller("US"), CAS5, f"visa | evisa, closed | visa | {TM} | free | visa", LOOP),
    Case("Briton", traveller("GB"), CAS5, f"visa | evisa, closed | visa | {TM} | free | visa", LOOP),
    Case(
        "Canadian: known in Iran, and in Turkmenistan like everybody",
        traveller("CA"),
        CAS5,
        f"nobody knows, border? | nobody knows, closed | visa | {TM}, analogy | nobody knows, border?"
        " | nobody knows, border?",
        LOOP,
    ),
    Case("Turk", traveller("TR"), CAS5, f"evisa, port? | free, closed | free | {TM} | free | evisa, port?", LOOP),
    Case(
        "Chinese", traveller("CN"), CAS5, f"evisa, port? | evisa, closed | free | {TM} | free | evisa, port?", LOOP
    ),
    Case(
        "Indian: the Iranian waiver is for those who come by air",
        traveller("IN"),
        CAS5,
        f"evisa, port? | evisa, closed | visa | {TM} | free | evisa, port?",
        LOOP,
    ),
    Case("Emirati", traveller("AE"), CAS5, f"free | free, closed | free | {TM} | free | free", LOOP),
    Case(
        "Israeli: refused by Iran",
        traveller("IL"),
        CAS5,
        f"nobody knows, border? | nobody knows, closed | refused, closed | {TM}, analogy | nobody knows, border?"
        " | nobody knows, border?",
        LOOP,
    ),
]
OTHER_VOYAGES = [
    Case("Russian", traveller("RU"), AWZ, f"own | free | {TM} | free, closed | own"),
    Case("Kazakh", traveller("KZ"), AWZ, f"free | own | {TM} | free, closed | free"),
    Case("German", traveller("DE"), AWZ, f"evisa, port? | free | {TM} | evisa, closed | evisa, port?", LOOP),
    Case("Indian", traveller("IN"), AWZ, f"evisa, port? | free | {TM} | evisa, closed | evisa, port?", LOOP),
    Case("Russian", traveller("RU"), OWS, "own | free, closed"),
    Case("Kazakh", traveller("KZ"), OWS, "free | free, closed"),
    Case("Azerbaijani going home", traveller("AZ"), OWS, "free | own, border?"),
    Case("Armenian", traveller("AM"), OWS, "free | refused, closed"),
    Case("German", traveller("DE"), OWS, "evisa, port? | evisa, closed", LOOP),
    Case("Russian", traveller("RU"), NTH, f"free, by air, out by sea | {TM} | free | own"),
    Case("German", traveller("DE"), NTH, f"evisa, by air, out by sea | {TM} | free | evisa, port?", LOOP),
    Case("Azerbaijani", traveller("AZ"), NTH, f"own, border? | {TM} | free | free"),
    Case("Turkmen", traveller("TM"), NTH, "evisa, by air, out by sea | own | visa | visa"),
    Case("Armenian", traveller("AM"), NTH, f"refused, closed | {TM} | free | free"),
    Case(
        "Russian: Anzali and Nowshahr are one stay",
        traveller("RU"),
        TRE,
        f"free, by air, out by sea | list | {TM} | free | own | free, closed",
        LOOP,
    ),
    Case(
        "German: a single ASAN visa is not enough",
        traveller("DE"),
        TRE,
        f"evisa, by air, out by sea | evisa | {TM} | free | evisa, port? | evisa, closed",
        LOOP,
    ),
    Case(
        "Azerbaijani", traveller("AZ"), TRE, f"own, border? | free | {TM} | free | free | own, border?", LOOP
    ),
    Case("Russian at home", traveller("RU"), LVG, "own", ""),
    Case("Kazakh on the Volga", traveller("KZ"), LVG, "free", ""),
    Case("German on the Volga", traveller("DE"), LVG, "evisa", LOOP),
    Case("Turkmen on the Volga", traveller("TM"), LVG, "visa", "passport"),
    Case("Brazilian on the Volga", traveller("BR"), LVG, "nobody knows", ""),
    Case("Turkmen embarking at Turkmenbashi", traveller("TM"), FROM_TURKMENBASHI, "own | evisa, closed | visa"),
    Case("Russian embarking at Turkmenbashi", traveller("RU"), FROM_TURKMENBASHI, f"{TM} | free, closed | own"),
]
DATES = [
    Case(
        "Chinese the day before the trial",
        traveller("CN"),
        on(OWS, 2024, 7, 16),
        "evisa, port? | evisa, closed",
        LOOP,
    ),
    Case("Chinese from its first day", traveller("CN"), on(OWS, 2024, 7, 17), "evisa, port? | free, closed", LOOP),
    Case(
        "Chinese on both sides of that day: e-visa into Baku, none on the way back",
        traveller("CN"),
        on(TRE, 2024, 7, 15),
        f"evisa, by air, out by sea | free | {TM} | free | evisa, port? | free, closed",
        LOOP,
    ),
    Case(
        "Chinese after the trial", traveller("CN"), on(OWS, 2025, 7, 19), "evisa, port? | nobody knows, closed", LOOP
    ),
    Case("Chinese during the Russian waiver", traveller("CN"), on(LVG, 2026, 5, 1), "free", ""),
    Case("Chinese after the Russian waiver", traveller("CN"), on(LVG, 2026, 9, 15), "evisa", LOOP),
    Case("German before e-visas", traveller("DE"), on(LVG, 2023, 7, 31), "nobody knows", ""),
    Case("German on their first day", traveller("DE"), on(LVG, 2023, 8, 1), "evisa", LOOP),
    Case("French under the longer e-visa", traveller("FR"), on(LVG, 2025, 9, 1), "evisa, analogy", LOOP),
    Case("Turkmen before the list was widened", traveller("TM"), on(LVG, 2024, 12, 5), "visa", "passport"),
    Case("Turkmen after it", traveller("TM"), on(LVG, 2024, 12, 7), "evisa", LOOP),
    Case(
        "Belarusian before the Iranian waiver",
        traveller("BY"),
        on(IRAN_TWICE, 2024, 1, 10),
        f"free | nobody knows, border? | {TM} | nobody knows, border? | free",
        LOOP,
    ),
    Case(
        "Russian before group lists for Iran",
        traveller("RU"),
        on(CAS5, 2023, 5, 16),
        f"own | free, closed | evisa | {TM} | free | own",
        LOOP,
    ),
]
GROUPS_AND_STAYS = [
    Case(
        "Russian, four on the list: too few, so each needs an e-visa",
        traveller("RU", group_lists={"IR": 4}),
        CAS5,
        f"own | free, closed | small | {TM} | free | own",
        LOOP,
    ),
    Case(
        "Russian, five on the list",
        traveller("RU", group_lists={"IR": 5}),
        CAS5,
        f"own | free, closed | listed | {TM} | free | own",
        LOOP,
    ),
    Case(
        "Russian, fifty on the list",
        traveller("RU", group_lists={"IR": 50}),
        CAS5,
        f"own | free, closed | listed | {TM} | free | own",
        LOOP,
    ),
    Case(
        "Russian, fifty-one: the list must be split",
        traveller("RU", group_lists={"IR": 51}),
        CAS5,
        f"own | free, closed | split | {TM} | free | own",
        LOOP,
    ),
    Case(
        "Kazakh on a list needs none",
        traveller("KZ", group_lists={"IR": 4}),
        CAS5,
        f"free | free, closed | free | {TM} | own | free",
        LOOP,
    ),
    Case(
        "Belarusian: the Iranian waiver is for one entry in six months",
        traveller("BY"),
        IRAN_TWICE,
        f"free | free | {TM} | free once | free",
        LOOP,
    ),
    Case(
        "Indian longer in Kazakhstan than 14 days",
        traveller("IN"),
        LONG_KAZAKHSTAN,
        "evisa, port? | free too long | evisa, port?",
        LOOP,
    ),
    Case(
        "German longer in Turkmenistan than 10 days",
        traveller("DE"),
        LONG_TURKMENISTAN,
        "evisa, port? | invited too long, before boarding | evisa, port?",
        LOOP,
    ),
]
ON_TRI = f"own | free, closed | {TM} | own"
KAZAKH_ON_TRI = f"free | free, closed | {TM} | free"
PASSPORTS_AND_CHILDREN = [
    Case(
        "passport two days short of six months after the last day",
        traveller("RU", document_expires=date(2024, 11, 12)),
        TRI,
        ON_TRI,
        "passport! insurance~",
        "passport_expires_too_early",
    ),
    Case("passport to the day", traveller("RU", document_expires=date(2024, 11, 14)), TRI, ON_TRI),
    Case(
        "passport valid for the cruise and no longer, where nobody asks for more",
        traveller("KZ", document_expires=date(2024, 6, 9)),
        OWS,
        "free | free, closed",
    ),
    Case(
        "passport that ends on the last day but one",
        traveller("KZ", document_expires=date(2024, 6, 8)),
        OWS,
        "free | free, closed",
        "passport! insurance~",
        "passport_expires_too_early",
    ),
    Case(
        "passport of which no end is known",
        traveller("RU", document_expires=None),
        TRI,
        ON_TRI,
        passport="passport_expiry_unknown",
    ),
    Case(
        "Russian with an internal passport",
        traveller("RU", travel_passport=False),
        TRI,
        ON_TRI,
        "passport! insurance~",
        "passport_of_wrong_kind",
    ),
    Case(
        "Russian with an internal passport, to Kazakhstan and no further",
        traveller("RU", travel_passport=False, internal_passport=True, document_expires=None),
        TO_KAZAKHSTAN,
        "own | free",
        passport="passport_expiry_unknown",
    ),
    Case(
        "Russian child with a birth certificate, to Kazakhstan",
        traveller("RU", travel_passport=False, document_expires=None),
        TO_KAZAKHSTAN,
        "own | free",
        "passport! insurance~",
        "passport_of_wrong_kind",
    ),
    Case(
        "Kazakh child alone with one parent",
        traveller("KZ", birth_date=date(2015, 3, 1), adults_in_booking=1),
        TRI,
        KAZAKH_ON_TRI,
        "passport insurance~ birth_cert marriage_cert? consent",
    ),
    Case(
        "Kazakh child with two adults",
        traveller("KZ", birth_date=date(2015, 3, 1), adults_in_booking=2),
        TRI,
        KAZAKH_ON_TRI,
        "passport insurance~ birth_cert marriage_cert? consent?",
    ),
    Case(
        "Russian child alone on a voyage without a Turkmen visa",
        traveller("RU", birth_date=date(2010, 1, 1), adults_in_booking=0),
        OWS,
        "own | free, closed",
        "passport insurance~ birth_cert consent",
    ),
    Case(
        "eighteen on the first day",
        traveller("RU", birth_date=date(2006, 5, 7)),
        TRI,
        ON_TRI,
    ),
    Case(
        "eighteen a day after it",
        traveller("RU", birth_date=date(2006, 5, 8)),
        TRI,
        ON_TRI,
        "passport insurance~ birth_cert marriage_cert? consent",
    ),
    Case("Russian child at home", traveller("RU", birth_date=date(2015, 3, 1)), LVG, "own", ""),
]
CASES = [
    *TRI_CASES,
    *CAS5_CASES,
    *OTHER_VOYAGES,
    *DATES,
    *GROUPS_AND_STAYS,
    *PASSPORTS_AND_CHILDREN,
]


def expected(case: Case) -> list[tuple[str | None, Answer, Answer, frozenset[str], tuple[str, ...]]]:
    """For each entry: regime, visa, border, why, papers."""
    countries = [stop.country for stop in case.voyage.stops]
    stays = [country for i, country in enumerate(countries) if i == 0 or countries[i - 1] != country]
    told = []
    for place, text in enumerate(case.entries.split(" | ")):
        word, _comma, remarks = text.partition(", ")
        analogy = remarks.endswith("analogy")
        border = remarks.removesuffix("analogy").removesuffix(", ")
        passage, border_why = REMARKS[border] if border else (MET, frozenset())
        country, said = stays[place], WORDS[word]
        papers: tuple[str, ...] = ()
        if said.visa is NOT_MET:
            number = f".{stays[: place + 1].count(country)}" if stays.count(country) > 1 else ""
            papers = tuple(
                f"{paper.removesuffix('#')}.{country}" + (number if paper.endswith("#") else "")
                for paper in PAPERS.get((country, said.regime or ""), ())
            )
        why = said.why | border_why | (frozenset({"by_analogy"}) if analogy else frozenset())
        told.append((said.regime, said.visa, passage, why, papers))
    return told


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.voyage.code} {case.title}")
def test_who_may_land_where(case):
    found = findings(case.who, case.voyage, RULES)
    asked = requirements(case.who, case.voyage, RULES)

    of_entries = [item for item in asked if item.document in OF_ENTRIES]
    told = [
        (
            finding.regime.value if finding.regime else None,
            finding.visa,
            finding.passage,
            frozenset(reason.key for reason in finding.why),
            tuple(
                item.key
                for item in of_entries
                if item.country == finding.country
                and item.entry_number in (None, finding.entry.number)
                and finding.visa is NOT_MET
            ),
        )
        for finding in found
    ]
    assert told == expected(case)
    assert {key for *_rest, papers in told for key in papers} == {item.key for item in of_entries}
    general = [item for item in asked if item.document in OF_THE_VOYAGE]
    assert " ".join(item.document + MARKS[item.severity] for item in general) == case.papers
    if case.papers.startswith("passport"):
        assert general[0].reasons[0].key == case.passport


def test_there_are_as_many_cases_as_promised():
    assert len(CASES) >= 60
    assert len({(case.voyage, case.who.citizenship, case.title) for case in CASES}) == len(CASES)


@pytest.mark.parametrize(
    ("visa", "border", "answer"),
    [
        (MET, MET, MET),
        (MET, UNKNOWN, UNKNOWN),
        (MET, NOT_MET, NOT_MET),
        (UNKNOWN, NOT_MET, NOT_MET),
        (NOT_MET, UNKNOWN, NOT_MET),
    ],
)
def test_visa_and_border_together_are_met_only_when_both_are(visa, border, answer):
    answers = {(finding.visa, finding.passage): finding.answer for finding in _every_finding()}

    assert answers[(visa, border)] is answer


def _every_finding():
    for case in CASES:
        yield from findings(case.who, case.voyage, RULES)
