"""Commands of `flask --app wsgi`, each calling one service."""

from pathlib import Path

import click
from flask import Flask, current_app
from flask.cli import AppGroup, with_appcontext
from flask_migrate import upgrade

from portal.accounts.demonstration import prepare_accounts
from portal.accounts.models import Role
from portal.accounts.services import create_staff
from portal.files.services import rotate_key
from portal.kernel.clock import now
from portal.kernel.errors import Refused
from portal.kernel.text import LANGUAGES
from portal.payments.books import check_books
from portal.payments.plans.services import load_plans
from portal.payments.statements.services import load_previewed, preview_statement
from portal.pricing.season import BadSeasonFile, load_season
from portal.visas.errors import BadRules
from portal.visas.rule_file import RULES
from portal.visas.services import load_rules

season = AppGroup("season", help="The season that is sold.")
rules = AppGroup("rules", help="What each country asks of each passport.")
statement = AppGroup("statement", help="Statements of our bank account.")
documents = AppGroup("documents", help="What guests handed in.")
staff = AppGroup("accounts", help="Accounts of staff.")
ledger = AppGroup("ledger", help="The double-entry ledger.")


@season.command("load")
@click.argument("path", type=click.Path(path_type=Path))
def load(path: Path) -> None:
    """Load a season file; a second time nothing changes."""
    try:
        done = load_season(path, now=now())
    except BadSeasonFile as bad:
        raise click.ClickException(f"{path.name}: {bad}. Nothing was changed.") from None
    plans = load_plans(now())
    click.echo(
        f"{done.sailings_new} sailings new, {done.sailings_kept} kept, {done.fares_new} fares new, {plans} plans new"
    )


@rules.command("load")
@click.argument("path", type=click.Path(path_type=Path), default=RULES)
def load_entry_rules(path: Path) -> None:
    """Make the entry rules those of a CSV file; a second time nothing changes."""
    try:
        done = load_rules(path, now=now())
    except BadRules as bad:
        raise click.ClickException(f"{path.name}: {bad}. Nothing was changed.") from None
    click.echo(f"{done.added} rules new, {done.kept} kept, {done.withdrawn} withdrawn")


@statement.command("load")
@click.argument("path", type=click.Path(path_type=Path, exists=True, dir_okay=False))
def load_bank_statement(path: Path) -> None:
    """Take a statement over and use what is certain; the rest waits for finance on its page."""
    try:
        reference = preview_statement(content=path.read_bytes(), by=None, now=now())
        done = load_previewed(reference=reference, now=now())
    except Refused as refusal:
        raise click.ClickException(f"{path.name}: {refusal.message}") from None
    click.echo(f"{reference}: {done.new} lines new, {done.known} known, {done.waiting} to be decided by finance")


@documents.command("rotate-key")
def rotate() -> None:
    """Wrap the keys of all documents anew with FILES_KEY; until it is done FILES_KEY_BEFORE must stay set."""
    click.echo(f"{rotate_key()} keys wrapped anew")


@staff.command("create-staff")
@click.argument("email")
@click.argument("role", type=click.Choice([role.value for role in Role if role is not Role.CUSTOMER]))
@click.argument("name")
@click.option("--language", type=click.Choice(LANGUAGES), default="ru")
@click.password_option()
def create(email: str, role: str, name: str, language: str, password: str) -> None:
    """Open an account for a colleague; the password is asked for and never shown."""
    try:
        create_staff(email=email, role=Role(role), name=name, language=language, now=now(), password=password)
    except Refused as refusal:
        raise click.ClickException(str(refusal.message)) from None
    click.echo(f"{email} may sign in as {role}")


@click.command("setup")
@click.argument("season_file", type=click.Path(path_type=Path))
@click.pass_context
@with_appcontext
def setup(context: click.Context, season_file: Path) -> None:
    """All that a database needs before the portal is of use; what is there already stays as it is."""
    upgrade()
    context.invoke(load, path=season_file)
    context.invoke(load_entry_rules, path=RULES)
    if current_app.config["PORTAL_ENV"] == "demonstration":
        accounts = prepare_accounts(current_app.config["PORTAL_DATA"], now())
        click.echo(f"{len(accounts)} demonstration accounts")


@ledger.command("check")
def check() -> None:
    """Compare the ledger with bookings, payments and refunds; fails where anything differs."""
    found = check_books(now())
    for one in found:
        click.echo(f"{one.kind} {one.reference}: {one.found} {one.currency}, not {one.expected}")
    if found:
        raise click.ClickException(f"{len(found)} differences")
    click.echo("the books agree")


def init_app(app: Flask) -> None:
    for command in (setup, season, rules, documents, statement, staff, ledger):
        app.cli.add_command(command)
