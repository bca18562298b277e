"""The migrations build exactly what the models say, and can be undone."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask_migrate import downgrade, upgrade
from sqlalchemy import inspect, text

from portal.database import Base, db
from portal.extensions import MIGRATIONS


def test_the_migrations_build_exactly_the_models(app):
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})

        assert compare_metadata(context, Base.metadata) == []


def test_the_constraints_of_the_models_stand_in_the_database(app):
    with db.engine.connect() as connection:
        inspector = inspect(connection)
        for table in Base.metadata.sorted_tables:
            named = {check["name"] for check in inspector.get_check_constraints(table.name)}
            wanted = {str(c.name) for c in table.constraints if type(c).__name__ == "CheckConstraint"}
            assert wanted <= named, table.name


def test_the_migrations_go_down_to_nothing_and_up_again(app):
    db.session.remove()
    downgrade(directory=str(MIGRATIONS), revision="base")
    left = set(inspect(db.engine).get_table_names()) - {"alembic_version"}

    upgrade(directory=str(MIGRATIONS))

    assert left == set()
    assert set(Base.metadata.tables) <= set(inspect(db.engine).get_table_names())
    assert db.session.execute(text("SELECT count(*) FROM audit_entry")).scalar() == 0
