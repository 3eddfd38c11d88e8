"""What a new release does to the database, once, on the source: migrations and the first administrator."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import alembic.command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import current_app
from sqlalchemy import Connection, create_engine, inspect, select, text
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from inventario.database.connections import release_options
from inventario.database.extension import MIGRATIONS
from inventario.models import ProductTerm, User
from inventario.models.users import ADMINISTRATOR
from inventario.services import imports, submissions, terms
from inventario.services.passwords import hash_password

_LOCK = "inventario.release"
_LOCK_SECONDS = 120


class ReleaseError(RuntimeError):
    """The release could not be done; the message says why."""


@dataclass(frozen=True)
class Step:
    """Something that the release does, or would do."""

    done: str
    would: str


def release(administrator: tuple[str, str] | None, *, check: bool) -> list[Step]:
    """Bring the schema to this release and make the first administrator. Never touches one that exists."""
    options = release_options(current_app.extensions["inventario_database"])
    engine = create_engine(options.pop("url"), poolclass=NullPool, **options)
    with engine.connect() as connection:
        if check:
            return _steps(connection, administrator, check=True)
        with _alone(connection):
            steps = _steps(connection, administrator, check=False)
            submissions.purge(connection)
            imports.purge(connection)
            return steps


def _steps(connection: Connection, administrator: tuple[str, str] | None, *, check: bool) -> list[Step]:
    return [
        *_migrate(connection, check=check),
        *_index_products(connection, check=check),
        *_first_administrator(connection, administrator, check=check),
    ]


@contextmanager
def _alone(connection: Connection) -> Iterator[None]:
    """Two releases at once: the second waits, and then finds nothing to do."""
    lock = {"name": f"{_LOCK}.{connection.engine.url.database}"[:64], "seconds": _LOCK_SECONDS}
    if connection.execute(text("SELECT GET_LOCK(:name, :seconds)"), lock).scalar_one() != 1:
        raise ReleaseError(f"another release has been running for {_LOCK_SECONDS} s; look at it first")
    try:
        yield
    finally:
        connection.rollback()
        connection.execute(text("SELECT RELEASE_LOCK(:name)"), lock)


def _migrate(connection: Connection, *, check: bool) -> list[Step]:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    script = ScriptDirectory.from_config(config)
    head = script.get_current_head()
    current = MigrationContext.configure(connection).get_current_revision()
    # a schema that a later release has expanded serves this one as well
    later = current is not None and current not in {revision.revision for revision in script.walk_revisions()}
    if current == head or later:
        return []
    if not check:
        config.attributes["connection"] = connection
        alembic.command.upgrade(config, "head")
        connection.commit()
    path = f"from {current or 'nothing'} to {head}"
    return [Step(done=f"schema migrated {path}", would=f"schema would be migrated {path}")]


def _index_products(connection: Connection, *, check: bool) -> list[Step]:
    """Let all products be found by their words, also those that the release before registered."""
    if not inspect(connection).has_table(ProductTerm.__tablename__) or not terms.missing(connection):
        return []
    if check:
        return [Step(done="", would="products would be made findable")]
    done = terms.catch_up(connection)
    return [Step(done=f"{done} products made findable", would="")]


def _first_administrator(
    connection: Connection, administrator: tuple[str, str] | None, *, check: bool
) -> list[Step]:
    if administrator is None:
        return []
    username, password = administrator
    if check and not inspect(connection).has_table(User.__tablename__):
        exists = False
    else:
        exists = bool(connection.execute(select(User.id).where(User.username == username)).first())
    if exists:
        return []
    if not check:
        with Session(connection) as session:
            session.add(User(username=username, password_hash=hash_password(password), role=ADMINISTRATOR))
            session.commit()
        connection.commit()
    return [Step(done=f"administrator {username} created", would=f"administrator {username} would be created")]
