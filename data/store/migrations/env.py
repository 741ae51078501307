"""Run by Alembic inside `data.store.migration.migrate`, on the connection it is given."""

from alembic import context

from data.store import notification_tables, warning_tables  # noqa: F401  (puts their tables into the metadata)
from data.store.tables import Base

context.configure(connection=context.config.attributes["connection"], target_metadata=Base.metadata)
with context.begin_transaction():
    context.run_migrations()
