"""What the pages of entry rules need; nothing here writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload, selectinload

from portal.database import db
from portal.kernel.errors import NotFound
from portal.visas.models import EntryRule, ProposalState, ProposedRule, RuleProposal
from portal.visas.proposals.impact import Impact, impact_of
from portal.visas.proposals.services import OPEN, Line
from portal.visas.rule_file import WHOLE_COLUMNS, row_of, rule_of
from portal.visas.rules import Rule

DECIDED_SHOWN = 20


@dataclass(frozen=True)
class RuleFilters:
    country: str | None = None
    nationality: str | None = None
    check: bool = False  # only those that need another look


@dataclass(frozen=True)
class ProposalRow:
    reference: str
    state: ProposalState
    why: str
    author: str
    made_at: datetime
    lines: int
    decided_by: str | None
    decided_at: datetime | None


@dataclass(frozen=True)
class RulesPage:
    rows: tuple[Rule, ...]
    total: int  # of all that hold, whatever the filters
    to_check: int
    filters: RuleFilters
    countries: tuple[str, ...]
    nationalities: tuple[str, ...]
    open: tuple[ProposalRow, ...]
    decided: tuple[ProposalRow, ...]


@dataclass(frozen=True)
class Version:
    """One version of what a country asks of a passport, and who brought it and took it away."""

    rule: Rule
    loaded_at: datetime
    added_by: ProposalRow | None  # None: came with a file that was loaded
    withdrawn_at: datetime | None
    withdrawn_by: ProposalRow | None


@dataclass(frozen=True)
class Difference:
    column: str
    old: str
    new: str


@dataclass(frozen=True)
class LineView:
    old: Rule | None
    new: Rule | None
    differences: tuple[Difference, ...]

    @property
    def rule(self) -> Rule:
        rule = self.new or self.old
        assert rule is not None
        return rule


@dataclass(frozen=True)
class ProposalPage:
    row: ProposalRow
    author_id: int
    answer: str | None
    lines: tuple[LineView, ...]
    impact: Impact | None  # while it is open
    moved_on: bool  # a rule that it replaces has changed meanwhile

    @property
    def open(self) -> bool:
        return self.row.state in OPEN


def live() -> tuple[Rule, ...]:
    """Every rule in force, in the order of countries and passports."""
    rows = db.session.scalars(
        select(EntryRule)
        .where(EntryRule.withdrawn_at.is_(None))
        .order_by(EntryRule.destination, EntryRule.nationality, EntryRule.valid_from, EntryRule.id)
    )
    return tuple(row.as_rule() for row in rows)


def rules_page(filters: RuleFilters, today: date, viewer_id: int) -> RulesPage:
    """Three statements. A draft is shown to its author alone."""
    rules = live()
    to_check = [rule for rule in rules if rule.needs_check_on(today)]
    rows = to_check if filters.check else rules
    proposals = _proposals()
    seen = [row for row, author in proposals if row.state is not ProposalState.DRAFT or author == viewer_id]
    return RulesPage(
        rows=tuple(
            rule
            for rule in rows
            if filters.country in (None, rule.destination) and filters.nationality in (None, rule.nationality)
        ),
        total=len(rules),
        to_check=len(to_check),
        filters=filters,
        countries=tuple(sorted({rule.destination for rule in rules})),
        nationalities=tuple(sorted({rule.nationality for rule in rules})),
        open=tuple(row for row in seen if row.state in OPEN),
        decided=tuple(row for row in seen if row.state not in OPEN)[:DECIDED_SHOWN],
    )


def _proposals() -> list[tuple[ProposalRow, int]]:
    """The open ones and the latest decided, newest first."""
    counts = select(ProposedRule.proposal_id, func.count().label("lines")).group_by(ProposedRule.proposal_id).subquery()
    found = db.session.execute(
        select(RuleProposal, counts.c.lines)
        .join(counts, counts.c.proposal_id == RuleProposal.id)
        .options(joinedload(RuleProposal.author), joinedload(RuleProposal.decided_by))
        .order_by(RuleProposal.state.in_(OPEN).desc(), RuleProposal.id.desc())
        .limit(5 * DECIDED_SHOWN)
    )
    return [(_row(proposal, lines), proposal.author_id) for proposal, lines in found]


def _row(proposal: RuleProposal, lines: int) -> ProposalRow:
    return ProposalRow(
        reference=proposal.reference,
        state=proposal.state,
        why=proposal.why,
        author=proposal.author.name,
        made_at=proposal.made_at,
        lines=lines,
        decided_by=proposal.decided_by.name if proposal.decided_by else None,
        decided_at=proposal.decided_at,
    )


def live_rule(rule_id: int) -> Rule:
    """Raises NotFound for one that does not hold any more, too."""
    row = db.session.scalar(select(EntryRule).where(EntryRule.id == rule_id, EntryRule.withdrawn_at.is_(None)))
    if row is None:
        raise NotFound(rule_id)
    return row.as_rule()


def history(destination: str, nationality: str) -> tuple[Version, ...]:
    """Every version for one passport in one country, the newest first. Raises NotFound where there was none."""
    by = (EntryRule.added_by, EntryRule.withdrawn_by)
    rows = db.session.scalars(
        select(EntryRule)
        .where(EntryRule.destination == destination, EntryRule.nationality == nationality)
        .options(*(joinedload(one).joinedload(RuleProposal.author) for one in by))
        .options(*(joinedload(one).joinedload(RuleProposal.decided_by) for one in by))
        .order_by(EntryRule.id.desc())
    ).all()
    if not rows:
        raise NotFound(f"{destination} {nationality}")
    return tuple(
        Version(
            rule=row.as_rule(),
            loaded_at=row.loaded_at,
            added_by=_row(row.added_by, 0) if row.added_by else None,
            withdrawn_at=row.withdrawn_at,
            withdrawn_by=_row(row.withdrawn_by, 0) if row.withdrawn_by else None,
        )
        for row in rows
    )


def proposal_page(reference: str, viewer_id: int, now: datetime) -> ProposalPage:
    """Raises NotFound; another's draft is not found either."""
    proposal = db.session.scalar(
        select(RuleProposal)
        .where(RuleProposal.reference == reference)
        .options(
            joinedload(RuleProposal.author),
            joinedload(RuleProposal.decided_by),
            selectinload(RuleProposal.lines).joinedload(ProposedRule.old),
        )
    )
    if proposal is None or (proposal.state is ProposalState.DRAFT and proposal.author_id != viewer_id):
        raise NotFound(reference)
    lines = tuple(_line(line) for line in proposal.lines)
    is_open = proposal.state in OPEN
    return ProposalPage(
        row=_row(proposal, len(lines)),
        author_id=proposal.author_id,
        answer=proposal.answer,
        lines=lines,
        impact=impact_of(_as_lines(proposal.lines), now) if is_open else None,
        moved_on=is_open and any(line.old and line.old.withdrawn_at for line in proposal.lines),
    )


def _as_lines(lines: Sequence[ProposedRule]) -> tuple[Line, ...]:
    return tuple(Line(line.old_id, rule_of(line.content) if line.content else None) for line in lines)


def _line(line: ProposedRule) -> LineView:
    old = line.old.as_rule() if line.old else None
    new = rule_of(line.content) if line.content else None
    before, after = row_of(old) if old else {}, row_of(new) if new else {}
    return LineView(
        old=old,
        new=new,
        differences=tuple(
            Difference(column, before.get(column, ""), after.get(column, ""))
            for column in WHOLE_COLUMNS
            if old is not None and new is not None and before.get(column, "") != after.get(column, "")
        ),
    )
