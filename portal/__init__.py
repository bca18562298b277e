"""The booking portal."""

from typing import Any

from flask import Flask, request
from flask_babel import gettext as _
from flask_login import current_user
from jinja2 import StrictUndefined
from werkzeug.middleware.proxy_fix import ProxyFix

from portal import cli
from portal.accounts import drafts, sessions
from portal.accounts import tasks as accounts_tasks
from portal.accounts import views as accounts
from portal.accounts.access import Permission, may
from portal.booking import passenger_tasks, passenger_views, quote_views
from portal.booking import tasks as booking_tasks
from portal.booking import views as booking
from portal.booking.waiting import tasks as waiting_tasks
from portal.booking.waiting import views as waiting
from portal.config import ROOT, read_config
from portal.database import db
from portal.demonstration import start_clock
from portal.extensions import babel, compress, csrf, limiter, migrate
from portal.files import tasks as files_tasks
from portal.inventory import guarantee_views
from portal.inventory import views as inventory
from portal.inventory.reservations import tasks as reservation_tasks
from portal.inventory.reservations import views as reservations
from portal.kernel.acting import acting
from portal.kernel.clock import business_shift, today
from portal.outbox.jobs import build_queue
from portal.payments import change_views
from portal.payments import tasks as payments_tasks
from portal.payments import views as payments
from portal.payments.agencies import tasks as agencies_tasks
from portal.payments.agencies import views as agencies
from portal.payments.cancellations import tasks as cancellations_tasks
from portal.payments.intake import Intake
from portal.payments.operations import tasks as operations_tasks
from portal.payments.operations import views as operations
from portal.payments.papers import tasks as paper_tasks
from portal.payments.plans import documents as plans_documents
from portal.payments.plans import tasks as plans_tasks
from portal.payments.shares import tasks as shares_tasks
from portal.payments.shares import views as shares
from portal.payments.statements import tasks as statement_tasks
from portal.privacy import tasks as privacy_tasks
from portal.privacy import views as privacy
from portal.staff import views as staff
from portal.visas import tasks as visas_tasks
from portal.visas import views as visas
from portal.visas.cases import tasks as cases_tasks
from portal.web import addresses, assets, errors, filters, headers, locale
from portal.web import views as web

# Imported so that what they follow up is registered.
TASKS = (
    accounts_tasks,
    files_tasks,
    reservation_tasks,
    booking_tasks,
    passenger_tasks,
    waiting_tasks,
    payments_tasks,
    paper_tasks,
    operations_tasks,
    agencies_tasks,
    cancellations_tasks,
    plans_tasks,
    shares_tasks,
    statement_tasks,
    visas_tasks,
    cases_tasks,
    privacy_tasks,
)
VIEWS = (guarantee_views, waiting, operations)  # pages that stand beside others of their package
PAPERS = (plans_documents,)  # what later packages add to papers of earlier ones


def create_app(**overrides: Any) -> Flask:
    """The application, configured by the environment; `overrides` are for tests."""
    app = Flask(__name__, template_folder=str(ROOT / "templates"), static_folder=str(ROOT / "static"))
    app.config.update(read_config())
    app.config.update(overrides)
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.add_extension("jinja2.ext.do")
    app.jinja_env.policies["ext.i18n.trimmed"] = True  # as babel.cfg gathers them
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    if app.config["PROXIES"]:  # so many stand in front and say truly who asks and how
        hops = app.config["PROXIES"]
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    start_clock(app)
    db.init_app(app)
    migrate.init_app(app, db)
    csrf.init_app(app)
    limiter.init_app(app)
    babel.init_app(app, locale_selector=locale.choose_locale)
    compress.init_app(app)
    for plumbing in (addresses, sessions, locale, filters, assets, errors, drafts, headers, cli):
        plumbing.init_app(app)
    build_queue(app)
    for blueprint in (
        web.root,
        web.bp,
        accounts.bp,
        inventory.catalogue,
        inventory.bp,
        booking.bp,
        passenger_views.bp,
        quote_views.bp,
        payments.bp,
        change_views.bp,
        shares.shares,
        agencies.bp,
        reservations.bp,
        visas.bp,
        privacy.bp,
        staff.bp,
        staff.reviews.bp,
        staff.rules.bp,
    ):
        app.register_blueprint(blueprint)
    app.wsgi_app = Intake(app, app.wsgi_app)  # type: ignore[method-assign]
    _prepare_templates(app)

    @app.before_request
    def name_the_actor() -> None:
        """For the audit trail: whoever asks, before any rule is applied."""
        if request.endpoint not in ("static", "root.healthz"):
            acting.set(f"account:{current_user.id}" if _has_session() and current_user.is_authenticated else "guest")

    return app


def _has_session() -> bool:
    """Without a session cookie nobody is signed in, and asking would begin a session."""
    return "session" in request.cookies


def _prepare_templates(app: Flask) -> None:
    def demo_notice() -> str | None:
        """Shown on each page of the demonstration, where time is not the world's."""
        if not business_shift():
            return None
        day = filters.day(today())
        return str(_("Demonstration: today is %(day)s here, no money moves and no cruise will sail.", day=day))

    app.jinja_env.globals.update(
        theme=web.chosen_theme,
        demo_notice=demo_notice,
        may=may,
        Permission=Permission,
    )
