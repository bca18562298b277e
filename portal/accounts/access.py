"""Who may open which view."""

from collections.abc import Callable
from enum import StrEnum
from functools import wraps
from typing import Any, cast

from flask import abort, current_app
from flask_login import current_user

from portal.accounts.models import Account, Role
from portal.web.public import View, public

__all__ = ["GRANTED", "Permission", "access", "current_account", "may", "public", "signed_in"]


class Permission(StrEnum):
    ACCOUNT = "account:own"
    STAFF = "staff:enter"
    SAILING_READ = "sailing:read"
    SAILING_EDIT = "sailing:edit"
    BOOKING_READ = "booking:read"
    PAYMENT_RECEIVE = "payment:receive"
    SUBMISSION_REVIEW = "submission:review"
    READINESS = "sailing:readiness"  # who of a sailing is ready for its countries, with whom to call
    VISA_CASES = "visa:cases"  # what is asked of authorities, and lists for them with whole document numbers
    REVIEW_LEAD = "review:lead"  # waive a paper, settle what two reviewers see differently, see their load
    RULES_EDIT = "rules:edit"  # propose changes of entry rules, and decide on those of others
    PASSENGER_LIST = "passenger:list"  # with whole document numbers, as ports ask for them
    LEDGER_READ = "ledger:read"
    AGENCY_MANAGE = "agency:manage"  # whom we give credit, and how much
    AUDIT_READ = "audit:read"
    ACCOUNT_MANAGE = "account:manage"


GRANTED: dict[Role, frozenset[Permission]] = {
    Role.CUSTOMER: frozenset({Permission.ACCOUNT}),
    Role.OPERATOR: frozenset(
        {
            Permission.ACCOUNT,
            Permission.STAFF,
            Permission.SAILING_READ,
            Permission.SAILING_EDIT,
            Permission.BOOKING_READ,
            Permission.AGENCY_MANAGE,
            Permission.PASSENGER_LIST,
            Permission.READINESS,
            Permission.VISA_CASES,
        }
    ),
    Role.REVIEWER: frozenset(
        {
            Permission.ACCOUNT,
            Permission.STAFF,
            Permission.SAILING_READ,
            Permission.SUBMISSION_REVIEW,
            Permission.RULES_EDIT,
        }
    ),
    Role.LEAD: frozenset(
        {
            Permission.ACCOUNT,
            Permission.STAFF,
            Permission.SAILING_READ,
            Permission.SUBMISSION_REVIEW,
            Permission.RULES_EDIT,
            Permission.REVIEW_LEAD,
            Permission.READINESS,
            Permission.VISA_CASES,
        }
    ),
    Role.FINANCE: frozenset(
        {
            Permission.ACCOUNT,
            Permission.STAFF,
            Permission.SAILING_READ,
            Permission.BOOKING_READ,
            Permission.PAYMENT_RECEIVE,
            Permission.AGENCY_MANAGE,
            Permission.LEDGER_READ,
        }
    ),
    Role.ADMINISTRATOR: frozenset(Permission),
}



def current_account() -> Account:
    """The account signed in; views behind `access` always have one."""
    return cast(Account, current_user._get_current_object())


def signed_in() -> Account | None:
    """The account signed in, if any."""
    return current_account() if current_user.is_authenticated else None


def may(permission: Permission) -> bool:
    """Whether whoever is asking has `permission`."""
    account = signed_in()
    return account is not None and permission in GRANTED[account.role]


def access(permission: Permission) -> Callable[[View], View]:
    """Let in accounts whose role grants `permission`; others get 403, strangers the sign-in page."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            if not current_user.is_authenticated:
                return current_app.login_manager.unauthorized()  # type: ignore[attr-defined]
            if not may(permission):
                abort(403)
            return view(*args, **kwargs)

        guarded.access = permission  # type: ignore[attr-defined]
        return guarded

    return decorate
