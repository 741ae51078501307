"""Run by Alembic inside `data.store.migration.migrate`, on the connection it is given."""

from alembic import context

from data.store import (  # noqa: F401  (puts their tables into the metadata)
    clock_tables,
    import_tables,
    label_tables,
    notification_tables,
    rectification_tables,
    sign_in_tables,
    supervision_tables,
    warning_tables,
)
from data.store.tables import Base

context.configure(connection=context.config.attributes["connection"], target_metadata=Base.metadata)
with context.begin_transaction():
    context.run_migrations()
