"""What pages about accounts show."""

from __future__ import annotations

from portal.accounts.models import Account, Role
from portal.database import db
from portal.kernel.errors import NotFound


def staff_account(account_id: int) -> Account:
    """An account of a colleague, never a customer's. Raises NotFound."""
    account = db.session.get(Account, account_id)
    if account is None or account.role is Role.CUSTOMER:
        raise NotFound(account_id)
    return account
