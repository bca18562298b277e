"""Settings of the sandbox, read once from the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


class SandboxForbidden(RuntimeError):
    """The sandbox pays with money that does not exist, so it has no place in production."""


class SandboxMisconfigured(RuntimeError):
    """The environment contradicts itself."""


@dataclass(frozen=True)
class SandboxConfig:
    """Where the sandbox keeps its state and whom it tells.

    delivery_threads: 0 delivers nothing by itself; then call Courier.deliver_due.
    settle_after_seconds: how long a delayed payment or refund stays undecided.
    yookassa_url: where YooKassa's notifications go; they are not signed.
    redirect_wait_seconds: how long the customer's redirect waits for the first delivery of the event, as with Stripe.
    """

    database: Path = Path("instance/sandbox.db")
    mail: Path = Path("instance/mail")
    webhook_url: str | None = None
    webhook_secret: str | None = None
    yookassa_url: str | None = None
    public_url: str | None = None
    delivery_threads: int = 4
    settle_after_seconds: int = 20
    redirect_wait_seconds: float = 5.0


def read_config(environ: Mapping[str, str] = os.environ) -> SandboxConfig:
    """Settings from SANDBOX_*; raises SandboxForbidden in production and SandboxMisconfigured without a secret."""
    if environ.get("PORTAL_ENV") == "production":
        raise SandboxForbidden("The payment sandbox never runs in production: PORTAL_ENV is 'production'.")
    url, secret = environ.get("SANDBOX_WEBHOOK_URL"), environ.get("SANDBOX_WEBHOOK_SECRET")
    if url and not secret:
        raise SandboxMisconfigured("SANDBOX_WEBHOOK_URL is set, so SANDBOX_WEBHOOK_SECRET must be set too.")
    return SandboxConfig(
        database=Path(environ.get("SANDBOX_DATA") or SandboxConfig.database),
        mail=Path(environ.get("SANDBOX_MAIL") or SandboxConfig.mail),
        webhook_url=url or None,
        webhook_secret=secret or None,
        yookassa_url=environ.get("SANDBOX_YOOKASSA_URL") or None,
        public_url=environ.get("SANDBOX_PUBLIC_URL") or None,
        settle_after_seconds=int(environ.get("SANDBOX_SETTLE_SECONDS") or SandboxConfig.settle_after_seconds),
    )
