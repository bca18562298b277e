"""Money that goes back, and the guard that never more goes back than came."""

from alembic import op
import sqlalchemy as sa

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


TOO_MUCH = """
    NEW.state <> 'failed' AND
    (SELECT coalesce(sum(other.amount_minor), 0) FROM refund AS other
     WHERE other.payment_id = NEW.payment_id AND other.state <> 'failed' AND other.id <> NEW.id) + NEW.amount_minor
    > (SELECT payment.amount_minor FROM payment WHERE payment.id = NEW.payment_id)
"""


def upgrade() -> None:
    op.create_table('refund',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('reference', sa.String(length=8), nullable=False),
    sa.Column('payment_id', sa.Integer(), nullable=False),
    sa.Column('state', sa.Enum('requested', 'sent', 'succeeded', 'failed', name='refundstate', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('reason', sa.Enum('cancelled', 'no_cabin', name='refundreason', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('amount_minor', sa.BigInteger(), nullable=False),
    sa.Column('attempt', sa.Integer(), nullable=False),
    sa.Column('requested_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('provider_id', sa.String(length=120), nullable=True),
    sa.Column('settled_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('settled_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint("state <> 'succeeded' OR settled_at IS NOT NULL", name=op.f('ck_refund_succeeded_with_time')),
    sa.CheckConstraint('amount_minor > 0', name=op.f('ck_refund_amount_positive')),
    sa.ForeignKeyConstraint(['payment_id'], ['payment.id'], name=op.f('fk_refund_payment_id')),
    sa.ForeignKeyConstraint(['settled_by_id'], ['account.id'], name=op.f('fk_refund_settled_by_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_refund')),
    sa.UniqueConstraint('provider_id', name=op.f('uq_refund_provider_id')),
    sa.UniqueConstraint('reference', name=op.f('uq_refund_reference'))
    )
    with op.batch_alter_table('refund', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_refund_payment_id'), ['payment_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_refund_state'), ['state'], unique=False)

    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"""
            CREATE FUNCTION refuse_too_much() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF {TOO_MUCH} THEN
                    RAISE EXCEPTION 'more would go back than came' USING ERRCODE = 'check_violation';
                END IF;
                RETURN NEW;
            END $$
        """)
        op.execute(
            "CREATE TRIGGER refund_within_payment BEFORE INSERT OR UPDATE ON refund "
            "FOR EACH ROW EXECUTE FUNCTION refuse_too_much()"
        )
        return
    # The insert is looked at afterwards, when the row has its id; the statement is undone all the same.
    for moment in ("AFTER INSERT", "BEFORE UPDATE"):
        op.execute(
            f"CREATE TRIGGER refund_within_payment_{moment.split()[1].lower()} {moment} ON refund WHEN {TOO_MUCH} "
            "BEGIN SELECT RAISE(ABORT, 'more would go back than came'); END"
        )



def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER refund_within_payment ON refund")
        op.execute("DROP FUNCTION refuse_too_much()")
    with op.batch_alter_table('refund', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_refund_state'))
        batch_op.drop_index(batch_op.f('ix_refund_payment_id'))

    op.drop_table('refund')
