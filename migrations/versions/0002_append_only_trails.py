"""What only triggers can keep: trails that are only ever added to, and no review of one's own upload."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TRAILS = ("audit_entry", "review")
OWN_UPLOAD = """
    EXISTS (
        SELECT 1 FROM submission
        WHERE submission.id = NEW.submission_id AND submission.submitted_by = 'account:' || NEW.reviewer_id
    )
"""


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("""
            CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
            END $$
        """)
        for table in TRAILS:
            op.execute(
                f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
                "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
            )
        op.execute(f"""
            CREATE FUNCTION refuse_own_review() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF {OWN_UPLOAD} THEN
                    RAISE EXCEPTION 'nobody reviews what he handed in' USING ERRCODE = 'check_violation';
                END IF;
                RETURN NEW;
            END $$
        """)
        op.execute(
            "CREATE TRIGGER review_not_by_uploader BEFORE INSERT ON review "
            "FOR EACH ROW EXECUTE FUNCTION refuse_own_review()"
        )
        return
    for table in TRAILS:
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
    op.execute(
        f"CREATE TRIGGER review_not_by_uploader BEFORE INSERT ON review WHEN {OWN_UPLOAD} "
        "BEGIN SELECT RAISE(ABORT, 'nobody reviews what he handed in'); END"
    )


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for table in TRAILS:
            op.execute(f"DROP TRIGGER {table}_append_only ON {table}")
        op.execute("DROP FUNCTION refuse_change()")
        op.execute("DROP TRIGGER review_not_by_uploader ON review")
        op.execute("DROP FUNCTION refuse_own_review()")
        return
    op.execute("DROP TRIGGER review_not_by_uploader")
    for table in TRAILS:
        for verb in ("update", "delete"):
            op.execute(f"DROP TRIGGER {table}_no_{verb}")
