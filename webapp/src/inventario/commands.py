"""Commands of `flask --app inventario`."""

from __future__ import annotations

import click
from flask import Flask
from flask.cli import with_appcontext

from inventario import settings
from inventario.services.release import ReleaseError, release


def register_commands(app: Flask) -> None:
    app.cli.add_command(_release)


@click.command("release")
@click.option("--check", is_flag=True, help="Say what would be done, and change nothing.")
@with_appcontext
def _release(check: bool) -> None:
    """Migrate the schema and make the first administrator: once a release, against the source.

    INVENTARIO_DATABASE_WRITE_URL must be that of an account that may change the schema. The last line of the
    output is `changed` or `unchanged`.
    """
    try:
        steps = release(settings.administrator(), check=check)
    except (ReleaseError, settings.SettingsError) as error:
        raise click.ClickException(str(error)) from error
    for step in steps:
        click.echo(step.would if check else step.done)
    click.echo("changed" if steps else "unchanged")
