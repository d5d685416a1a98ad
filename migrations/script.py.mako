"""${message}.

Must not import anything of the application: what it writes today must be written the same in
ten years. Must not batch ``events``: Alembic would drop its triggers without a word.
"""

from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    """Brings the schema to this revision."""
    ${upgrades if upgrades else "pass"}
