"""Pages of orders and shipments keep room for the versions that each row will have."""

from alembic import op

revision = "c3f1a07e5b92"
down_revision = "8792acfa6c7d"
branch_labels = None
depends_on = None
kind = "expand"


def upgrade() -> None:
    op.execute("ALTER TABLE orders SET (fillfactor = 70)")
    op.execute("ALTER TABLE shipments SET (fillfactor = 60)")


def downgrade() -> None:
    op.execute("ALTER TABLE shipments RESET (fillfactor)")
    op.execute("ALTER TABLE orders RESET (fillfactor)")
