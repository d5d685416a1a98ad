"""Runs the migrations on the connection that it is handed, in that connection's transaction.

Must not import anything of the application, nor open, commit or close: the caller does.
"""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
