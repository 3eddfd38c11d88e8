"""The release command: `flask --app guestbook release` makes the table. It may be repeated."""

from __future__ import annotations

import os

import click

TABLE = """
CREATE TABLE entries (
    id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    author VARCHAR(80) NOT NULL,
    message VARCHAR(500) NOT NULL,
    written_at TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3)
)
"""


@click.command()
@click.option("--check", is_flag=True, help="Say what would be done, and do nothing.")
def release(check: bool) -> None:
    """Make what the application needs in its database. The last line is "changed" or "unchanged"."""
    from sqlalchemy import inspect, text

    from guestbook import engine

    # the cluster gives this command an account that may change tables
    with engine(os.environ["DATABASE_URL"]).begin() as connection:
        missing = not inspect(connection).has_table("entries")
        if missing and not check:
            connection.execute(text(TABLE))
    click.echo("changed" if missing else "unchanged")
