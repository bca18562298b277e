"""What the pages and the API of one sandbox share."""

from dataclasses import dataclass
from typing import cast

from flask import Flask, current_app

from sandbox.config import SandboxConfig
from sandbox.store import Store
from sandbox.webhooks import EventCourier
from sandbox.yookassa.notices import NoticeCourier


@dataclass(frozen=True)
class Services:
    config: SandboxConfig
    store: Store
    courier: EventCourier
    notifier: NoticeCourier


def services(app: Flask) -> Services:
    return cast(Services, app.extensions["sandbox"])


def current_services() -> Services:
    """Those of the sandbox that answers this request."""
    return services(current_app)
