"""Take statements of the bank and use their money: the only writers of statements, lines and allocations.

Money whose reference is certain is used at once, as far as its payment lacks it; whatever is left over or uncertain
waits for finance. A payment is received, by the service that receives all money, once its allocations cover it.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from flask import current_app
from sqlalchemy import delete, func, insert, select

from portal.accounts.models import Account
from portal.audit.services import record, record_move
from portal.booking.models import Booking
from portal.database import column_key, db, transaction
from portal.kernel.money import Money
from portal.kernel.references import LENGTH, plain, read_checked
from portal.kernel.sealing import fingerprint
from portal.kernel.states import move
from portal.ledger.models import LedgerAccount, PostingKind
from portal.ledger.services import post_unallocated
from portal.outbox.services import announce
from portal.payments.models import Method, Payment, PaymentState
from portal.payments.services import RECEIVED, receive_money
from portal.payments.statements.errors import (
    LineDecided,
    NoSuchPayment,
    OtherCurrency,
    SeveralPayments,
    StatementKnown,
    TooMuch,
)
from portal.payments.statements.formats import read_statement
from portal.payments.statements.lines import Line
from portal.payments.statements.matching import Book, Confidence, Ground, Match
from portal.payments.statements.models import (
    CONTENT,
    LINE_MOVES,
    BankAllocation,
    BankLine,
    BankStatement,
    LineState,
    Row,
    StatementState,
)
from portal.payments.statements.postings import post_found, post_gone
from portal.payments.statements.queries import SHOWN, awaited_transfers, came_for, counts_of, statement_by

PREVIEW_KEPT = timedelta(days=1)
AT_ONCE = 500  # rows for one statement of the database


def preview_statement(*, content: bytes, by: Account | None, now: datetime) -> str:
    """Read a file and keep its lines, sealed, until take_statement(); the reference of the statement.

    The same file a second time is the same statement. Raises BadStatement, and StatementKnown for a file that was
    taken; then nothing is written.
    """
    digest = hashlib.sha256(content).hexdigest()
    read = read_statement(content, current_app.config["INVOICE_PAYEE"]["account"])
    with transaction() as session:
        known = session.scalars(select(BankStatement).filter_by(digest=digest).with_for_update()).one_or_none()
        if known is not None and known.state is StatementState.TAKEN:
            raise StatementKnown(known.reference)
        if known is not None:
            return known.reference
        statement = BankStatement(
            digest=digest,
            format=read.format,
            account=read.account,
            currency=read.currency,
            first_day=read.first_day,
            last_day=read.last_day,
            incoming=len(read.lines),
            incoming_minor=read.incoming_minor,
            outgoing=read.outgoing,
            outgoing_minor=read.outgoing_minor,
            content=json.dumps([_row(line) for line in read.lines], ensure_ascii=False),
            made_at=now,
            made_by_id=by.id if by else None,
        )
        session.add(statement)
        session.flush()
        record("statement.read", subject="statement", reference=statement.reference, now=now, to_state="preview")
        return statement.reference


def take_statement(*, statement_id: int, now: datetime) -> None:
    """Take the lines of a statement over, and use what is certain. A second time nothing happens.

    Announces payments.statement_taken, payments.transfer_short and payments.transfer_over.
    """
    with transaction() as session:
        statement = session.get_one(BankStatement, statement_id, with_for_update=True)
        if statement.state is StatementState.TAKEN:
            return
        matched = match_lines(statement, now)
        statement.known = statement.incoming - len(matched)
        rows = [(_bank_line(statement, one), one.used) for one in matched]
        _lock_payments(row.payment_id for row, used in rows if used)
        for start in range(0, len(rows), AT_ONCE):
            session.add_all(row for row, _used in rows[start : start + AT_ONCE])
            session.flush()
        _allocate_all(rows, now)
        for row, _used in rows:
            _tell_guest(row)
        came = Money(sum(row.amount_minor for row, _used in rows), statement.currency)
        if came.minor:
            # Until it is known for which payments it is, all of it lies in suspense.
            post_unallocated(
                booking_id=None,
                payment_id=None,
                payment=statement.reference,
                amount=came,
                clearing=LedgerAccount.BANK,
                now=now,
            )
        statement.content = None
        statement.state = StatementState.TAKEN
        statement.taken_at = now
        record(
            "statement.taken",
            subject="statement",
            reference=statement.reference,
            now=now,
            from_state="preview",
            to_state="taken",
        )
        announce("payments.statement_taken", statement_id=statement.id)


@dataclass(frozen=True)
class Loaded:
    """What became of the lines of one statement."""

    new: int
    known: int
    waiting: int


def load_previewed(*, reference: str, now: datetime) -> Loaded:
    """Take a statement over and receive at once what it covers. Announces what take_statement() does."""
    statement = statement_by(reference)
    take_statement(statement_id=statement.id, now=now)
    complete_transfers(now)
    waiting = counts_of(statement.id).get(LineState.WAITING, (0, 0))[0]
    return Loaded(new=statement.incoming - statement.known, known=statement.known, waiting=waiting)


def discard_statement(*, statement_id: int, now: datetime) -> None:
    """Forget a file that was only looked at. Raises LineDecided for one that was taken."""
    with transaction() as session:
        statement = session.get_one(BankStatement, statement_id, with_for_update=True)
        if statement.state is not StatementState.PREVIEW:
            raise LineDecided
        record("statement.discarded", subject="statement", reference=statement.reference, now=now)
        session.delete(statement)


def forget_previews(now: datetime) -> int:
    """Files that nobody took after looking at them are not kept; how many."""
    with transaction() as session:
        gone = session.execute(
            delete(BankStatement).where(
                BankStatement.state == StatementState.PREVIEW, BankStatement.made_at < now - PREVIEW_KEPT
            )
        )
        return int(gone.rowcount)  # type: ignore[attr-defined]


def complete_transfers(now: datetime) -> int:
    """Receive every payment that its allocations cover; how many. What a crash left undone is done the next time."""
    came = func.sum(BankAllocation.amount_minor)
    covered = db.session.execute(
        select(Payment.id, Payment.amount_minor, Payment.currency, func.max(BankAllocation.made_by_id))
        .join(BankAllocation, BankAllocation.payment_id == Payment.id)
        .where(Payment.state.not_in(RECEIVED), BankAllocation.undone_at.is_(None))
        .group_by(Payment.id, Payment.amount_minor, Payment.currency)
        .having(came >= Payment.amount_minor)
        .order_by(Payment.id)
    ).all()
    for payment_id, minor, currency, by in covered:
        with transaction() as session:  # before the payment is received, so that a crash in between is mended next time
            for allocation in session.scalars(
                select(BankAllocation).filter_by(payment_id=payment_id, undone_at=None).order_by(BankAllocation.id)
            ):
                post_found(allocation, currency, now)
        receive_money(
            payment_id=payment_id, amount=Money(minor, currency), payment_intent=None, received_by_id=by, now=now
        )
    return len(covered)


def assign_line(*, line_id: int, written: str, minor: int, by: Account, now: datetime) -> Payment:
    """Use `minor` units of what is left of a line for a transfer; the rest waits on, so that a line can be split.

    written: the reference of the payment, or of a booking with one transfer, with or without its check letter.
    Raises NoSuchPayment, SeveralPayments, OtherCurrency, TooMuch or LineDecided.
    """
    found = payment_written(written)
    with transaction() as session:
        payment = session.get_one(Payment, found.id, with_for_update=True)
        line = _open_line(line_id, LineState.WAITING, LineState.SUSPENSE)
        if line.currency != payment.currency:
            raise OtherCurrency
        if not 0 < minor <= min(line.left_minor, payment.amount_minor - came_for(payment.id)):
            raise TooMuch
        line.left_minor -= minor
        line.payment_id = payment.id
        line.confidence = Confidence.ASSIGNED
        _move(line, LineState.WAITING if line.left_minor else LineState.USED, now, reason=payment.reference)
        _allocate(line, payment, minor, by, now)
        line.grounds = [Ground.LESS] if came_for(payment.id) < payment.amount_minor else []
        _tell_guest(line)
    complete_transfers(now)
    return payment


def set_aside(*, line_id: int, now: datetime) -> None:
    """What is left of a line goes to suspense until somebody knows whose it is. Raises LineDecided."""
    with transaction():
        _move(_open_line(line_id, LineState.WAITING), LineState.SUSPENSE, now)


def send_back(*, line_id: int, now: datetime) -> None:
    """What is left of a line is to go back to its payer, by a transfer that finance makes. Raises LineDecided."""
    with transaction():
        _move(_open_line(line_id, LineState.WAITING, LineState.SUSPENSE), LineState.RETURNING, now)


def keep_after_all(*, line_id: int, now: datetime) -> None:
    """It was not sent back yet and shall not be. Raises LineDecided."""
    with transaction():
        _move(_open_line(line_id, LineState.RETURNING), LineState.WAITING, now)


def note_sent_back(*, line_id: int, by: Account, now: datetime) -> None:
    """The transfer back was made. Raises LineDecided."""
    with transaction():
        line = _open_line(line_id, LineState.RETURNING)
        line.settled_at, line.settled_by_id = now, by.id
        post_gone(PostingKind.REFUND_SETTLED, f"returned:{line.reference}", line.left, now)
        _move(line, LineState.RETURNED, now)


def take_out(*, line_id: int, now: datetime) -> None:
    """Free what of a line is for payments that are not covered: their guests will not send the rest.

    Raises LineDecided where there is nothing to free.
    """
    with transaction() as session:
        line = session.get_one(BankLine, line_id)
        open_ = [one for one in line.allocations if one.undone_at is None]
        _lock_payments(one.payment_id for one in open_)
        line = session.get_one(BankLine, line_id, with_for_update=True)
        freed = [one for one in open_ if one.undone_at is None and one.payment.state not in RECEIVED]
        if not freed or line.state not in (LineState.USED, LineState.WAITING):
            raise LineDecided
        for one in freed:
            one.undone_at = now
            line.left_minor += one.amount_minor
        if line.state is LineState.USED:
            _move(line, LineState.WAITING, now, reason="taken out")


def payment_written(written: str) -> Payment:
    """The transfer that a person means. Raises NoSuchPayment or SeveralPayments."""
    reference = read_checked(written) or plain(written)
    if len(reference) != LENGTH:
        raise NoSuchPayment
    own = db.session.scalars(select(Payment).filter_by(reference=reference, method=Method.TRANSFER)).one_or_none()
    if own is not None:
        return own
    of_booking = db.session.scalars(
        select(Payment).join(Booking).where(Booking.reference == reference, Payment.method == Method.TRANSFER)
    ).all()
    waiting = [one for one in of_booking if one.state is PaymentState.OPEN] or list(of_booking)
    if not waiting:
        raise NoSuchPayment
    if len(waiting) > 1:
        raise SeveralPayments
    return waiting[0]


def _new_lines(statement: BankStatement) -> list[tuple[Line, str]]:
    """The lines of a statement that stood in no other file, each with its digest. One statement for all of them."""
    lines = [_line(row) for row in json.loads(statement.content or "[]")]
    digests = _digests(statement, lines)
    known: set[str] = set()
    for start in range(0, len(digests), AT_ONCE):
        some = digests[start : start + AT_ONCE]
        known |= set(db.session.scalars(select(BankLine.digest).where(BankLine.digest.in_(some))))
    return [(line, digest) for line, digest in zip(lines, digests, strict=True) if digest not in known]


@dataclass(frozen=True)
class MatchedLine:
    line: Line
    digest: str
    match: Match
    used: int  # so many minor units are used without asking anybody


def match_lines(statement: BankStatement, now: datetime) -> list[MatchedLine]:
    """The lines of a statement that stood in no other file, each with what it is for; nothing is written."""
    book = Book(awaited_transfers(now))
    matched = []
    for line, digest in _new_lines(statement):
        match = book.match(minor=line.minor, currency=statement.currency, purpose=line.purpose, payer=line.payer)
        used = _used_at_once(match, line.minor)
        if used and match.payment is not None:
            book.take(match.payment.reference, used)
        matched.append(MatchedLine(line, digest, match, used))
    return matched


@dataclass(frozen=True)
class PreviewLine:
    line: Line
    match: Match
    amount: Money
    used: Money


@dataclass(frozen=True)
class Preview:
    """What taking a statement over would do, now."""

    lines: tuple[PreviewLine, ...]  # what is not used whole first; SHOWN of them at most
    known: int  # stood in another file already
    whole: int  # used whole without asking anybody
    partly: int
    undecided: int
    used: Money


def preview(statement: BankStatement, now: datetime) -> Preview:
    """Three statements; nothing is written."""
    matched = match_lines(statement, now)
    whole = [one for one in matched if one.used == one.line.minor]
    partly = [one for one in matched if 0 < one.used < one.line.minor]
    undecided = [one for one in matched if not one.used]
    return Preview(
        lines=tuple(
            PreviewLine(
                one.line,
                one.match,
                amount=Money(one.line.minor, statement.currency),
                used=Money(one.used, statement.currency),
            )
            for one in [*undecided, *partly, *whole][:SHOWN]
        ),
        known=statement.incoming - len(matched),
        whole=len(whole),
        partly=len(partly),
        undecided=len(undecided),
        used=Money(sum(one.used for one in matched), statement.currency),
    )


def _used_at_once(match: Match, minor: int) -> int:
    """How many minor units of a line are used without asking anybody; none where finance decides."""
    payment = match.payment
    if payment is None or match.confidence is not Confidence.CERTAIN or Ground.ALREADY in match.grounds:
        return 0
    if Ground.LESS in match.grounds and not payment.open:
        return 0  # what it is for has ended: nobody will send the rest
    return min(minor, payment.minor)


def _digests(statement: BankStatement, lines: Sequence[Line]) -> list[str]:
    """The same for the same line of another file; of equal lines of one file each counts."""
    seen: Counter[str] = Counter()
    digests = []
    for line in lines:
        _number, *rest = _row(line)
        text = json.dumps([statement.account, statement.currency, *rest], ensure_ascii=False)
        seen[text] += 1
        digests.append(fingerprint(f"{text}#{seen[text]}", column_key()))
    return digests


def _row(line: Line) -> Row:
    values = [getattr(line, name) for name in CONTENT]
    return [value.isoformat() if isinstance(value, date) else value for value in values]


def _line(row: Row) -> Line:
    number, booked_on, *rest = row
    return Line(number, date.fromisoformat(booked_on), *rest)


def _bank_line(statement: BankStatement, matched: MatchedLine) -> BankLine:
    line, match = matched.line, matched.match
    left = line.minor - matched.used
    return BankLine(
        statement_id=statement.id,
        number=line.number,
        digest=matched.digest,
        booked_on=line.booked_on,
        amount_minor=line.minor,
        left_minor=left,
        currency=statement.currency,
        document=line.document,
        payer=line.payer,
        payer_account=line.payer_account,
        payer_inn=line.payer_inn,
        purpose=line.purpose,
        state=LineState.WAITING if left else LineState.USED,
        confidence=match.confidence,
        grounds=list(match.grounds),
        payment_id=match.payment.payment_id if match.payment else None,
    )


def _lock_payments(ids: Iterable[int | None]) -> None:
    """Nobody else uses money for these meanwhile."""
    wanted = sorted({id_ for id_ in ids if id_ is not None})
    for start in range(0, len(wanted), AT_ONCE):
        some = wanted[start : start + AT_ONCE]
        db.session.scalars(select(Payment).where(Payment.id.in_(some)).order_by(Payment.id).with_for_update()).all()


def _allocate_all(rows: Iterable[tuple[BankLine, int]], now: datetime) -> None:
    """What is certain of a whole statement, in few statements of the database."""
    found = [
        {"line_id": row.id, "payment_id": row.payment_id, "amount_minor": used, "made_at": now}
        for row, used in rows
        if used and Ground.BY_HAND not in row.grounds
    ]
    if found:
        db.session.execute(insert(BankAllocation), found)
    for row, used in rows:
        if used and Ground.BY_HAND in row.grounds:
            _allocate(row, db.session.get_one(Payment, row.payment_id), used, None, now)


def _allocate(line: BankLine, payment: Payment, minor: int, by: Account | None, now: datetime) -> None:
    allocation = BankAllocation(
        line_id=line.id, payment_id=payment.id, amount_minor=minor, made_at=now, made_by_id=by.id if by else None
    )
    db.session.add(allocation)
    db.session.flush()
    if payment.state in RECEIVED:  # marked by hand, and so in the books already
        post_found(allocation, line.currency, now)


def _tell_guest(line: BankLine) -> None:
    """Whose money is surely for a payment, and is not just what it lacked, is told so."""
    if line.payment_id is None or line.confidence not in (Confidence.CERTAIN, Confidence.ASSIGNED):
        return
    if line.left_minor:
        announce("payments.transfer_over", line_id=line.id)
    elif Ground.LESS in line.grounds:
        announce("payments.transfer_short", payment_id=line.payment_id, line_id=line.id)


def _open_line(line_id: int, *states: LineState) -> BankLine:
    line = db.session.get_one(BankLine, line_id, with_for_update=True)
    if line.state not in states:
        raise LineDecided
    return line


def _move(line: BankLine, state: LineState, now: datetime, reason: str | None = None) -> None:
    before = line.state
    if before is not state:
        line.state = move(before, state, LINE_MOVES)
    record_move("bank_line", line.reference, before, state, now=now, reason=reason)
