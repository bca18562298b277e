"""Commands of `flask --app wsgi`, each calling one service."""

from pathlib import Path

import click
from flask import Flask, current_app
from flask.cli import AppGroup

from portal.accounts.demonstration import prepare_accounts
from portal.kernel.clock import now
from portal.pricing.season import BadSeasonFile, load_season

season = AppGroup("season", help="The season that is sold.")
demo = AppGroup("demo", help="The demonstration.")


@season.command("load")
@click.argument("path", type=click.Path(path_type=Path))
def load(path: Path) -> None:
    """Load a season file; a second time nothing changes."""
    try:
        done = load_season(path, now=now())
    except BadSeasonFile as bad:
        raise click.ClickException(f"{path.name}: {bad}. Nothing was changed.") from None
    click.echo(f"{done.sailings_new} sailings new, {done.sailings_kept} kept, {done.fares_new} fares new")


@demo.command("prepare")
def prepare() -> None:
    """Make the demonstration's accounts; a second time they stay as they are."""
    accounts = prepare_accounts(current_app.config["PORTAL_DATA"], now())
    click.echo(f"{len(accounts)} accounts")


def init_app(app: Flask) -> None:
    for group in (season, demo):
        app.cli.add_command(group)
