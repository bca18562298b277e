"""Which providers this portal has, and which of them can take a sum from somebody."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import cast

from flask import current_app

from portal.kernel.money import Money
from portal.payments.providers.base import GatewayUnavailable, Payer, Provider
from portal.payments.providers.stripe import StripeProvider
from portal.payments.providers.turkmenbank import TurkmenBankProvider
from portal.payments.providers.yookassa import YooKassaProvider

log = logging.getLogger(__name__)

# In the order in which they are offered.
KINDS: tuple[type[Provider], ...] = (YooKassaProvider, TurkmenBankProvider, StripeProvider)


def providers() -> Mapping[str, Provider]:
    """Those that the settings of the running app name, by name; built when first needed."""
    kept = current_app.extensions.get("payment_providers")
    if kept is None:
        made = [kind.configured(current_app.config) for kind in KINDS]
        kept = current_app.extensions["payment_providers"] = {one.name: one for one in made if one is not None}
    return cast("Mapping[str, Provider]", kept)


def provider(name: str | None) -> Provider:
    """Whoever took the money of a row; raises GatewayUnavailable where the settings do not name him any more."""
    found = providers().get(name or "")
    if found is None:
        log.critical("payments of %s are waited for, but this provider is not set up", name)
        raise GatewayUnavailable
    return found


def route(price: Money, payer: Payer) -> tuple[Provider, ...]:
    """Those who can take `price` from this payer, in the order in which they are offered."""
    return tuple(one for one in providers().values() if one.accepts(price, payer))
