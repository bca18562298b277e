"""Runs the migrations in the application's own database."""

from alembic import context
from flask import current_app

from portal.database import Base

database = current_app.extensions["migrate"].db


def render_item(kind, item, autogen_context):
    """Our column types as the plain types that they are in the database."""
    if kind == "type" and type(item).__module__ == "portal.database":
        plain = item.impl_instance if hasattr(item, "impl_instance") else item.impl
        autogen_context.imports.add("import sqlalchemy as sa")
        return f"sa.{plain!r}" if not repr(plain).startswith("sa.") else repr(plain)
    return False


def run_migrations_online() -> None:
    """Each migration in a transaction of its own, on the application's engine."""
    with database.engine.connect().execution_options(writes=True) as connection:
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            render_item=render_item,
            transaction_per_migration=True,
            **current_app.extensions["migrate"].configure_args,
        )
        with context.begin_transaction():
            context.run_migrations()


run_migrations_online()
