"""The release command: `flask --app guestbook release` makes the table. It may be repeated."""

from __future__ import annotations

import os

import click
from sqlalchemy import TIMESTAMP, Column, Integer, MetaData, String, Table, func, inspect

TABLE = Table(
    "entries",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("author", String(80), nullable=False),
    Column("message", String(500), nullable=False),
    Column("written_at", TIMESTAMP, nullable=False, server_default=func.current_timestamp()),
)


@click.command()
@click.option("--check", is_flag=True, help="Say what would be done, and do nothing.")
def release(check: bool) -> None:
    """Make what the application needs in its database. The last line is "changed" or "unchanged"."""
    from guestbook import engine

    # the cluster gives this command an account that may change tables
    with engine(os.environ["DATABASE_URL"]).begin() as connection:
        missing = not inspect(connection).has_table(TABLE.name)
        if missing and not check:
            TABLE.create(connection)
    click.echo("changed" if missing else "unchanged")
