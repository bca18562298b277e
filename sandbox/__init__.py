"""A payment sandbox: speaks what the portal uses of the APIs of its providers, with test cards and no money."""

from flask import Flask
from jinja2 import StrictUndefined

from sandbox import api, mailbox, pages
from sandbox.bank import api as bank_api
from sandbox.bank import pages as bank_pages
from sandbox.config import SandboxConfig, SandboxForbidden, SandboxMisconfigured, read_config
from sandbox.services import Services, services
from sandbox.store import Store
from sandbox.webhooks import EventCourier
from sandbox.yookassa import api as yookassa_api
from sandbox.yookassa import pages as yookassa_pages
from sandbox.yookassa.notices import NoticeCourier

__all__ = ["SandboxConfig", "SandboxForbidden", "SandboxMisconfigured", "create_sandbox", "read_config", "services"]


def create_sandbox(config: SandboxConfig | None = None) -> Flask:
    """The sandbox over its SQLite file, with its couriers at work.

    Without `config` it is read from the environment; raises SandboxForbidden in production either way.
    """
    from_environment = read_config()
    config = config or from_environment
    store = Store(config.database)
    courier, notifier = EventCourier(store, config), NoticeCourier(store, config)
    app = Flask(__name__)
    app.extensions["sandbox"] = Services(config, store, courier, notifier)
    app.config["MAX_CONTENT_LENGTH"] = 1024 * 1024
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    for pages_of in (api, pages, mailbox, yookassa_api, yookassa_pages, bank_api, bank_pages):
        app.register_blueprint(pages_of.bp)
    app.after_request(pages.secure)
    courier.start()
    notifier.start()
    return app
