"""Snapshots as compressed bytes.

Must not import anything of the application. What the old table held is not carried over: the log
gives it again.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Brings the schema to this revision."""
    op.drop_table("snapshots")
    op.create_table(
        "snapshots",
        sa.Column("host", sa.Text, primary_key=True),
        sa.Column("seq", _BIG, primary_key=True, autoincrement=False),
        sa.Column("at_ns", _BIG, nullable=False),
        sa.Column("format", sa.Integer, nullable=False),
        sa.Column("state", sa.LargeBinary, nullable=False),
        sqlite_strict=True,
    )
