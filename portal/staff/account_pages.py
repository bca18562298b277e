"""Accounts of colleagues."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from portal.accounts.models import Account, Role
from portal.database import db
from portal.staff.paging import PAGE, Paging, paging


@dataclass(frozen=True)
class AccountsPage:
    rows: tuple[Account, ...]
    paging: Paging


def accounts_page(page: int) -> AccountsPage:
    """Colleagues, those shut out last. Two statements."""
    staff = Account.role != Role.CUSTOMER
    at = paging(page, db.session.scalar(select(func.count(Account.id)).where(staff)) or 0)
    rows = db.session.scalars(
        select(Account)
        .where(staff)
        .order_by(Account.active.desc(), Account.name, Account.id)
        .limit(PAGE)
        .offset(at.offset)
    ).all()
    return AccountsPage(tuple(rows), at)
