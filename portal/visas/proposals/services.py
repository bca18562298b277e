"""Draft, propose, approve and decline changes of entry rules: the only writers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.accounts.access import GRANTED, Permission
from portal.accounts.models import Account
from portal.audit.services import record
from portal.catalogue.versions import CATALOGUE, bump
from portal.database import transaction
from portal.kernel.errors import NotFound
from portal.outbox.services import announce
from portal.visas.errors import (
    AnotherMustDecide,
    NothingToChange,
    NotTheAuthor,
    ProposalClosed,
    RulesMovedOn,
    WhyMissing,
)
from portal.visas.models import EntryRule, ProposalState, ProposedRule, RuleProposal
from portal.visas.rule_file import digest_of, row_of, rule_of, write_rules
from portal.visas.rules import Rule
from portal.visas.services import stored_rule

OPEN = (ProposalState.DRAFT, ProposalState.PROPOSED)


@dataclass(frozen=True)
class Line:
    """A rule that goes (`new` is None), one that comes (`old_id` is None), or one in place of another."""

    old_id: int | None
    new: Rule | None


def lines_of(live: Iterable[Rule], wanted: Iterable[Rule], *, whole: bool) -> tuple[Line, ...]:
    """What changes when `wanted` becomes true: pure.

    A wanted rule takes the place of the one for the same passport from the same day; where there are several such,
    of that with the same regime. whole: what `wanted` does not name goes.
    """
    kept = {digest_of(rule): rule for rule in live}
    asked = {digest_of(rule): rule for rule in wanted}
    left = [rule for digest, rule in kept.items() if digest not in asked]
    lines = []
    for digest, rule in asked.items():
        if digest in kept:
            continue
        same = [old for old in left if _place(old) == _place(rule)]
        old = next((old for old in same if old.regime is rule.regime), same[0] if len(same) == 1 else None)
        if old is not None:
            left.remove(old)
        lines.append(Line(old.id if old else None, rule))
    gone = [Line(old.id, None) for old in left] if whole else []
    return (*lines, *gone)


def _place(rule: Rule) -> tuple[object, ...]:
    return (rule.destination, rule.nationality, rule.valid_from)


def draft(*, author: Account, lines: Sequence[Line], why: str, now: datetime) -> RuleProposal:
    """Keep a change for its author to look at. Raises WhyMissing, NothingToChange or RulesMovedOn; then nothing is
    written. What a line leaves as it is falls out of it.
    """
    why = why.strip()[:500]
    if not why:
        raise WhyMissing
    with transaction() as session:
        live = _live(session)
        real = [line for line in lines if not _says_the_same(line, live)]
        if not real:
            raise NothingToChange
        _check(real, live)
        proposal = RuleProposal(why=why, author_id=author.id, made_at=now)
        session.add(proposal)
        session.flush()
        for line in real:
            row = row_of(line.new) if line.new else None
            session.add(ProposedRule(proposal_id=proposal.id, old_id=line.old_id, content=row))
        session.flush()
        record("rules.drafted", subject="rules", reference=proposal.reference, now=now)
    return proposal


def propose(*, reference: str, account: Account, now: datetime) -> None:
    """Put a draft before the others. Raises NotFound, NotTheAuthor or ProposalClosed."""
    with transaction() as session:
        proposal = _locked(session, reference)
        if proposal.author_id != account.id:
            raise NotTheAuthor
        if proposal.state is not ProposalState.DRAFT:
            raise ProposalClosed
        proposal.move_to(ProposalState.PROPOSED)
        record("rules.proposed", subject="rules", reference=reference, now=now, to_state=proposal.state)


def take_back(*, reference: str, account: Account, now: datetime) -> None:
    """Give a draft or a proposal up. Raises NotFound, NotTheAuthor or ProposalClosed."""
    with transaction() as session:
        proposal = _locked(session, reference)
        if proposal.author_id != account.id:
            raise NotTheAuthor
        if proposal.state not in OPEN:
            raise ProposalClosed
        proposal.move_to(ProposalState.TAKEN_BACK)
        record("rules.taken_back", subject="rules", reference=reference, now=now, to_state=proposal.state)


def approve(*, reference: str, account: Account, now: datetime) -> None:
    """Let a proposal in force: its old rules are withdrawn and kept, its new ones hold.

    Raises NotFound, AnotherMustDecide, ProposalClosed, or RulesMovedOn where a rule that it replaces has changed
    meanwhile; then nothing is written. Announces visas.rules_changed.
    """
    with transaction() as session:
        proposal = _for_decision(session, reference, account)
        live = _live(session)
        lines = [Line(line.old_id, rule_of(line.content) if line.content else None) for line in proposal.lines]
        _check(lines, live)
        for line in lines:
            if line.old_id is not None:
                old = live[line.old_id]
                old.withdrawn_at, old.withdrawn_by_id = now, proposal.id
        session.flush()  # what goes makes room for what comes
        for line in lines:
            if line.new is not None:
                rule = stored_rule(line.new, digest_of(line.new), now)
                rule.added_by_id = proposal.id
                session.add(rule)
        _decide(proposal, ProposalState.APPROVED, account, None, now)
        announce("visas.rules_changed", moment=now.isoformat())
        bump(CATALOGUE)


def decline(*, reference: str, account: Account, answer: str, now: datetime) -> None:
    """Say no, and why. Raises NotFound, AnotherMustDecide, ProposalClosed or WhyMissing."""
    answer = answer.strip()[:500]
    if not answer:
        raise WhyMissing
    with transaction() as session:
        proposal = _for_decision(session, reference, account)
        _decide(proposal, ProposalState.DECLINED, account, answer, now)


def take_out(*, now: datetime) -> str:
    """Every rule in force as a file; that it was taken is written down."""
    with transaction() as session:
        live = session.scalars(
            select(EntryRule)
            .where(EntryRule.withdrawn_at.is_(None))
            .order_by(EntryRule.destination, EntryRule.nationality, EntryRule.valid_from, EntryRule.id)
        )
        content = write_rules(row.as_rule() for row in live)
        record("rules.exported", subject="rules", reference=f"{now:%Y-%m-%d}", now=now)
    return content


def _locked(session: Session, reference: str) -> RuleProposal:
    proposal = session.scalar(
        select(RuleProposal)
        .where(RuleProposal.reference == reference)
        .with_for_update(of=RuleProposal)
        .execution_options(populate_existing=True)
    )
    if proposal is None:
        raise NotFound(reference)
    return proposal


def _for_decision(session: Session, reference: str, account: Account) -> RuleProposal:
    proposal = _locked(session, reference)
    if proposal.author_id == account.id or Permission.RULES_EDIT not in GRANTED[account.role]:
        raise AnotherMustDecide
    if proposal.state is not ProposalState.PROPOSED:
        raise ProposalClosed
    return proposal


def _decide(
    proposal: RuleProposal, state: ProposalState, account: Account, answer: str | None, now: datetime
) -> None:
    proposal.move_to(state)
    proposal.decided_by_id, proposal.decided_at, proposal.answer = account.id, now, answer
    record(f"rules.{state}", subject="rules", reference=proposal.reference, now=now, to_state=state)


def _live(session: Session) -> dict[int, EntryRule]:
    rows = session.scalars(
        select(EntryRule)
        .where(EntryRule.withdrawn_at.is_(None))
        .order_by(EntryRule.id)
        .with_for_update(of=EntryRule)
        .execution_options(populate_existing=True)
    )
    return {row.id: row for row in rows}


def _says_the_same(line: Line, live: dict[int, EntryRule]) -> bool:
    if line.new is None or line.old_id not in live:
        return False
    return replace(live[line.old_id].as_rule(), id=None) == replace(line.new, id=None)


def _check(lines: Sequence[Line], live: dict[int, EntryRule]) -> None:
    """Every rule that goes is there, each goes once, and none that comes is there already. Raises RulesMovedOn."""
    going = [line.old_id for line in lines if line.old_id is not None]
    staying = {row.digest for row in live.values() if row.id not in going}
    coming = [digest_of(line.new) for line in lines if line.new is not None]
    if len(set(going)) < len(going) or not set(going) <= set(live) or staying & set(coming):
        raise RulesMovedOn
