"""Changes of entry rules: one proposes, another lets them in force, and whom they touch is seen before."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from portal.accounts.models import Role
from portal.audit.models import AuditEntry
from portal.database import db, transaction
from portal.kernel.errors import NotFound
from portal.visas.errors import (
    AnotherMustDecide,
    NothingToChange,
    NotTheAuthor,
    ProposalClosed,
    RulesMovedOn,
    WhyMissing,
)
from portal.visas.models import ChecklistItem, EntryRule, ItemState, ProposalState, RuleProposal
from portal.visas.proposals.impact import impact_of, rules_after
from portal.visas.proposals.queries import RuleFilters, history, live, proposal_page, rules_page
from portal.visas.proposals.services import Line, approve, decline, draft, lines_of, propose, take_back
from portal.visas.rule_file import RULES, read_rules
from portal.visas.rules import Rule
from portal.visas.services import load_rules, refresh_checklist
from portal.visas.terms import Confidence, Regime, SeaAccess
from tests.factories import NOON, announced, details, make_account, make_booking, make_season

pytestmark = pytest.mark.usefixtures("rules")


@pytest.fixture
def author(database):
    return make_account(Role.REVIEWER, name="Ayna Author")


@pytest.fixture
def other(database):
    return make_account(Role.REVIEWER, name="Oraz Other")


def rule(destination: str = "TM", nationality: str = "RU") -> Rule:
    return next(one for one in live() if (one.destination, one.nationality) == (destination, nationality))


def no_visa(old: Rule) -> Line:
    """As if the visa had been abolished."""
    return Line(
        old.id,
        replace(old, id=None, regime=Regime.VISA_FREE, usable_by_sea=SeaAccess.YES, invitation=None, authority=None),
    )


def proposed(author, *lines: Line) -> str:
    proposal = draft(author=author, lines=lines, why="By an agreement of today", now=NOON)
    propose(reference=proposal.reference, account=author, now=NOON)
    return proposal.reference


def state_of(reference: str) -> ProposalState:
    return db.session.scalars(select(RuleProposal.state).where(RuleProposal.reference == reference)).one()


def test_nothing_holds_before_another_person_has_approved_it(author, other):
    old = rule()
    reference = proposed(author, no_visa(old))
    assert rule() == old

    approve(reference=reference, account=other, now=NOON)

    assert rule().regime is Regime.VISA_FREE
    kept = db.session.get_one(EntryRule, old.id)
    assert kept.withdrawn_at == NOON
    assert state_of(reference) is ProposalState.APPROVED
    assert announced()[-1] == "visas.rules_changed"
    trail = select(AuditEntry.action).where(AuditEntry.subject_reference == reference).order_by(AuditEntry.id)
    assert db.session.scalars(trail).all() == ["rules.drafted", "rules.proposed", "rules.approved"]


def test_nobody_decides_on_a_proposal_of_his_own(author):
    reference = proposed(author, no_visa(rule()))

    with pytest.raises(AnotherMustDecide):
        approve(reference=reference, account=author, now=NOON)
    with pytest.raises(AnotherMustDecide):
        decline(reference=reference, account=author, answer="No", now=NOON)

    assert rule().regime is Regime.VISA_LOI


def test_the_database_itself_wants_two_persons(author):
    reference = proposed(author, no_visa(rule()))
    proposal = db.session.scalars(select(RuleProposal).where(RuleProposal.reference == reference)).one()

    with pytest.raises(IntegrityError), transaction():
        proposal.state, proposal.decided_by_id = ProposalState.APPROVED, author.id


@pytest.mark.parametrize("role", [Role.CUSTOMER, Role.OPERATOR, Role.FINANCE])
def test_who_may_not_edit_rules_approves_none(author, role):
    reference = proposed(author, no_visa(rule()))

    with pytest.raises(AnotherMustDecide):
        approve(reference=reference, account=make_account(role), now=NOON)


def test_a_draft_is_its_authors_alone_and_waits_for_him(author, other):
    drafted = draft(author=author, lines=[no_visa(rule())], why="To look at", now=NOON).reference

    with pytest.raises(ProposalClosed):
        approve(reference=drafted, account=other, now=NOON)
    with pytest.raises(NotTheAuthor):
        propose(reference=drafted, account=other, now=NOON)
    with pytest.raises(NotFound):
        proposal_page(drafted, other.id, NOON)
    take_back(reference=drafted, account=author, now=NOON)
    with pytest.raises(ProposalClosed):
        propose(reference=drafted, account=author, now=NOON)


def test_declining_says_why_and_changes_nothing(author, other):
    reference = proposed(author, no_visa(rule()))

    with pytest.raises(WhyMissing):
        decline(reference=reference, account=other, answer="  ", now=NOON)
    decline(reference=reference, account=other, answer="The agreement is not in force yet", now=NOON)

    assert state_of(reference) is ProposalState.DECLINED
    assert rule().regime is Regime.VISA_LOI
    with pytest.raises(ProposalClosed):
        approve(reference=reference, account=other, now=NOON)


def test_of_two_proposals_for_one_rule_the_second_must_be_made_anew(author, other):
    old = rule()
    first = proposed(author, no_visa(old))
    second = proposed(author, Line(old.id, replace(old, id=None, max_stay_days=20)))
    approve(reference=first, account=other, now=NOON)

    with pytest.raises(RulesMovedOn):
        approve(reference=second, account=other, now=NOON)

    assert state_of(second) is ProposalState.PROPOSED
    assert proposal_page(second, other.id, NOON).moved_on


def test_what_says_the_same_is_no_change_and_what_stands_already_is_not_added(author):
    old = rule()

    with pytest.raises(NothingToChange):
        draft(author=author, lines=[Line(old.id, replace(old, id=None))], why="Again", now=NOON)
    with pytest.raises(RulesMovedOn):
        draft(author=author, lines=[Line(None, replace(old, id=None))], why="Twice", now=NOON)
    with pytest.raises(WhyMissing):
        draft(author=author, lines=[no_visa(old)], why=" ", now=NOON)


def test_a_withdrawn_rule_leaves_the_passport_unknown_and_its_history_whole(author, other):
    old = rule("KZ", "RU")
    reference = proposed(author, Line(old.id, None))

    approve(reference=reference, account=other, now=NOON)

    assert not [one for one in live() if (one.destination, one.nationality) == ("KZ", "RU")]
    [version] = history("KZ", "RU")
    assert version.withdrawn_by is not None
    assert (version.withdrawn_by.author, version.withdrawn_by.decided_by) == ("Ayna Author", "Oraz Other")


def test_a_file_loaded_later_leaves_what_two_persons_decided(author, other):
    approve(reference=proposed(author, no_visa(rule())), account=other, now=NOON)

    again = load_rules(RULES, now=NOON + timedelta(days=1))

    assert (again.added, again.withdrawn) == (0, 0)
    assert rule().regime is Regime.VISA_FREE


def test_the_bookings_that_a_change_would_touch_are_counted_and_listed_before(author):
    season = make_season()
    booking = make_booking(
        season, passengers=(details(), details(citizenship="KZ")), customer=make_account(), now=NOON
    )
    make_booking(season, cabin=1, passengers=(details(citizenship="TM"),), customer=make_account(), now=NOON)

    impact = impact_of([no_visa(rule())], NOON)

    assert (impact.bookings, impact.passengers) == (1, 1)
    [row] = impact.rows
    assert (row.booking, row.citizenship) == (booking.reference, "RU")
    assert row.regimes == (("TM", Regime.VISA_LOI, Regime.VISA_FREE),)
    assert "Turkmen visa" in [name.by_locale["en"] for name in row.dropped]
    assert row.added == ()


def test_newer_evidence_for_the_same_touches_nobody(author):
    make_booking(make_season(), passengers=(details(),), customer=make_account(), now=NOON)
    old = rule()
    newer = replace(old, id=None, as_of=date(2024, 6, 1), confidence=Confidence.ONE_SOURCE, sources=("hgbg_embassies",))

    assert impact_of([Line(old.id, newer)], NOON).passengers == 0


def test_an_acceptance_that_would_fall_is_named(author):
    booking = make_booking(make_season(), passengers=(details(),), customer=make_account(), now=NOON)
    refresh_checklist(booking_id=booking.id, now=NOON)
    passport = db.session.scalars(select(ChecklistItem).where(ChecklistItem.key == "passport")).one()
    with transaction():
        passport.state = ItemState.ACCEPTED
    old = rule()
    longer = replace(old, id=None, passport_months=240)

    [row] = impact_of([Line(old.id, longer)], NOON).rows

    assert [name.by_locale["en"] for name in row.undone] == ["Passport, page with the photo"]


def test_a_rule_that_stands_for_others_reaches_them(author):
    make_booking(make_season(), passengers=(details(citizenship="BR"),), customer=make_account(), now=NOON)

    [row] = impact_of([no_visa(rule("TM", "DE"))], NOON).rows

    assert row.citizenship == "BR"


def test_who_has_sailed_is_not_touched(author):
    make_booking(make_season(days_ahead=30), passengers=(details(),), customer=make_account(), now=NOON)

    assert impact_of([no_visa(rule())], NOON + timedelta(days=60)).passengers == 0


def test_a_file_becomes_lines_and_only_a_complete_one_withdraws():
    rules = tuple(replace(one, id=number) for number, one in enumerate(read_rules(), 1))
    wanted = [replace(one, id=None) for one in rules]
    wanted[3] = replace(wanted[3], max_stay_days=60)
    new = replace(wanted[0], destination="KZ", nationality="CH", regime=Regime.VISA_FREE)

    part = lines_of(rules, [wanted[3], new], whole=False)
    whole = lines_of(rules, [*wanted[1:], new], whole=True)

    assert part == (Line(4, wanted[3]), Line(None, new))
    assert whole == (Line(4, wanted[3]), Line(None, new), Line(1, None))
    assert lines_of(rules, [replace(one, id=None) for one in rules], whole=True) == ()


def test_two_rules_of_one_passport_from_one_day_are_told_apart_by_their_regime():
    rules = tuple(replace(one, id=number) for number, one in enumerate(read_rules(), 1))
    group, alone = [one for one in rules if (one.destination, one.nationality) == ("IR", "RU")]
    longer = replace(alone, id=None, max_stay_days=45)

    assert lines_of(rules, [longer], whole=False) == (Line(alone.id, longer),)
    assert rules_after(rules, [Line(alone.id, longer)]) == (
        *(one for one in rules if one is not alone),
        longer,
    )
    assert group in rules_after(rules, [Line(alone.id, longer)])


def test_rules_are_found_by_country_passport_and_evidence(author):
    today = date(2024, 2, 15)

    page = rules_page(RuleFilters(country="AZ", check=True), today, author.id)

    assert page.total == 97
    assert {one.destination for one in page.rows} == {"AZ"}
    assert {one.nationality for one in page.rows} >= {"RU", "AM"}  # half a year old; worked out
    assert "DE" not in {one.nationality for one in page.rows}
