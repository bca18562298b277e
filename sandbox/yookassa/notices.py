"""Takes YooKassa's notifications to the portal: unsigned, and for a day at the longest."""

import sqlite3

from sandbox.config import SandboxConfig
from sandbox.courier import Courier
from sandbox.store import Store
from sandbox.yookassa.payments import expire_overdue, settle_refunds


class NoticeCourier(Courier):
    queue = "yookassa_notice"
    overdue = (
        "EXISTS (SELECT 1 FROM yookassa_payment WHERE status = 'pending' AND expires_at <= :now)"
        " OR EXISTS (SELECT 1 FROM yookassa_refund WHERE settles_at <= :now)"
    )
    success = (200,)
    give_up_after_seconds = 24 * 60 * 60

    def __init__(self, store: Store, config: SandboxConfig) -> None:
        super().__init__(store, config.yookassa_url, threads=min(config.delivery_threads, 1))

    def settle(self, db: sqlite3.Connection, now: float) -> int:
        return expire_overdue(db, now=now) + settle_refunds(db, now=now)

    def letter(self, message: sqlite3.Row) -> tuple[bytes, dict[str, str]]:
        return message["body"].encode(), {"Content-Type": "application/json"}
