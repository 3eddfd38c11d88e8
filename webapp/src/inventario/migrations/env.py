"""Alembic's entry. `flask release` hands over its locked connection; `flask db` asks the source itself."""

from __future__ import annotations

from alembic import context
from flask import current_app
from sqlalchemy import Connection, create_engine
from sqlalchemy.pool import NullPool

import inventario.models  # noqa: F401 - the tables
from inventario.database.connections import release_options
from inventario.models.base import Base


def run(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=Base.metadata, compare_type=True)
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    raise SystemExit("migrations run against a database only")
if "connection" in context.config.attributes:
    run(context.config.attributes["connection"])
else:
    options = release_options(current_app.extensions["inventario_database"])
    with create_engine(options.pop("url"), poolclass=NullPool, **options).connect() as own:
        run(own)
        own.commit()
