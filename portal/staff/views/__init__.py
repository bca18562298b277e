"""Routes of the staff's side, one module for each part of it."""

from portal.staff.views import (
    accounts,
    assignment,
    audit,
    bookings,
    home,
    ledger,
    lists,
    operations,
    payments,
    plans,
    promotions,
    readiness,
    reservations,
    reviews,
    sailings,
    statements,
    waiting,
)
from portal.staff.views.blueprint import bp

__all__ = [
    "accounts",
    "assignment",
    "audit",
    "bookings",
    "bp",
    "home",
    "ledger",
    "lists",
    "operations",
    "payments",
    "plans",
    "promotions",
    "readiness",
    "reservations",
    "reviews",
    "sailings",
    "statements",
    "waiting",
]
