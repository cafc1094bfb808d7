"""Alembic's entry: runs the scripts on the connection that ``migrate`` opened, within its transaction."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transaction_per_migration=False)
with context.begin_transaction():
    context.run_migrations()
