"""Everything that asks a database runs on a real MySQL.

Which one, in this order:
  INVENTARIO_TEST_MYSQL_URL     a running server: mysql+pymysql://USER:PASSWORD@HOST:PORT, may do everything
  INVENTARIO_TEST_MYSQL_IMAGE   a local image with mysqld in it, from which a throw-away server is started
  the newest local image `inventario-database`, which `make images` bakes
"""

from __future__ import annotations

import os
import secrets
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import URL, make_url

from browser import Browser
from faulty_network import Relay
from inventario import create_app
from inventario.models.users import ADMINISTRATOR
from inventario.services import sizes
from inventario.services.actors import Actor
from inventario.settings import Settings, load
from mysql_server import Administrator, MysqlServer, ServerDidNotStart, start_container
from program import Program, new_token

USERNAME = "ana"


@pytest.fixture(scope="session")
def password() -> str:
    return secrets.token_urlsafe(12)


@pytest.fixture(scope="session")
def server() -> Iterator[MysqlServer]:
    given = os.environ.get("INVENTARIO_TEST_MYSQL_URL")
    if given:
        yield MysqlServer(make_url(given))
        return
    image = _image()
    try:
        with start_container(image) as container:
            yield container
    except ServerDidNotStart as error:
        pytest.fail(f"image {image}: {error}", pytrace=False)


@pytest.fixture(scope="session")
def administrator(server: MysqlServer) -> Iterator[Administrator]:
    with Administrator(server) as connected:
        yield connected


@pytest.fixture(scope="session")
def empty_database(server: MysqlServer, administrator: Administrator) -> Iterator[URL]:
    """For the tests of the release command, which fill it."""
    with administrator.database(f"inventario_release_{os.getpid()}") as url:
        yield url


@pytest.fixture(scope="session")
def database(administrator: Administrator, password: str) -> Iterator[URL]:
    """The schema of this release with one user, made by the release command itself."""
    with administrator.database(f"inventario_test_{os.getpid()}") as url:
        os.environ |= {"INVENTARIO_ADMIN_USERNAME": USERNAME, "INVENTARIO_ADMIN_PASSWORD": password}
        result = create_app(settings_for(url)).test_cli_runner().invoke(args=["release"])
        del os.environ["INVENTARIO_ADMIN_USERNAME"], os.environ["INVENTARIO_ADMIN_PASSWORD"]
        assert result.exit_code == 0, result.output
        yield url


@pytest.fixture(scope="session")
def first_units(administrator: Administrator, database: URL) -> list[tuple[Any, ...]]:
    """The units as the release leaves them."""
    return administrator.execute(f"SELECT * FROM `{database.database}`.`units` ORDER BY code")


@pytest.fixture(scope="session")
def shared_app(database: URL) -> Flask:
    return make_app(database)


@pytest.fixture
def app(shared_app: Flask, empty_tables: None) -> Flask:
    # what was counted of the rows of an earlier test
    shared_app.extensions["inventario_figures"].forget()
    with shared_app.app_context():
        sizes.forget()
    return shared_app


@pytest.fixture
def empty_tables(administrator: Administrator, database: URL, first_units: list[tuple[Any, ...]]) -> None:
    """Only the first user and the units that come with the schema are left from an earlier test."""
    for table in (
        "import_rows",
        "import_jobs",
        "api_tokens",
        "ended_sessions",
        "login_failures",
        "audit_entries",
        "movements",
        "submissions",
        "products",
        "categories",
    ):
        administrator.execute(f"DELETE FROM `{database.database}`.`{table}`")
    administrator.execute(f"DELETE FROM `{database.database}`.`users` WHERE id <> 1")
    administrator.execute(
        f"UPDATE `{database.database}`.`users` SET role = '{ADMINISTRATOR}', active = 1, session_version = 1, "
        "must_change_password = 0, language = NULL, time_zone = NULL, version = 1"
    )
    units = f"`{database.database}`.`units`"
    if administrator.execute(f"SELECT * FROM {units} ORDER BY code") != first_units:
        administrator.execute(f"DELETE FROM {units}")
        administrator.execute(f"INSERT INTO {units} VALUES {', '.join(map(str, first_units))}")


@pytest.fixture
def relays(server: MysqlServer) -> Iterator[tuple[Relay, Relay]]:
    """The ways to the source and to the replicas."""
    source, replica = Relay(server.address), Relay(server.address)
    yield source, replica
    source.close()
    replica.close()


@pytest.fixture
def anonymous(app: Flask) -> Browser:
    return Browser(app)


@pytest.fixture
def browser(app: Flask, password: str) -> Browser:
    """Somebody who is signed in."""
    browser = Browser(app)
    browser.login(USERNAME, password)
    return browser


@pytest.fixture
def actor(app: Flask, password: str) -> Actor:
    """The first user, at work."""
    return Actor(1, USERNAME, ADMINISTRATOR, "192.0.2.1", "test", "0123456789abcdef")


@pytest.fixture
def program(app: Flask, actor: Actor) -> Program:
    """A program with a token of the first user that may write."""
    return Program(app, new_token(app, actor))


def settings_for(write: URL, read: URL | None = None, **variables: str) -> Settings:
    """Settings as the environment would give them; keyword `log_level` stands for INVENTARIO_LOG_LEVEL."""
    environment = {
        "INVENTARIO_SECRET_KEY": "the same on every node of a test",
        "INVENTARIO_NODE_NAME": "test",
        "INVENTARIO_DATABASE_WRITE_URL": write.render_as_string(hide_password=False),
        "INVENTARIO_DATABASE_READ_URL": (read or write).render_as_string(hide_password=False),
    }
    return load(environment | {f"INVENTARIO_{name.upper()}": value for name, value in variables.items()})


def make_app(write: URL, read: URL | None = None, **variables: str) -> Flask:
    app = create_app(settings_for(write, read, **variables))
    app.config["TESTING"] = True
    return app


def _image() -> str:
    given = os.environ.get("INVENTARIO_TEST_MYSQL_IMAGE")
    if given:
        return given
    try:
        images = subprocess.run(
            ["docker", "image", "ls", "--format", "{{.Repository}}:{{.Tag}}", "inventario-database"],
            capture_output=True,
            check=True,
            text=True,
        ).stdout.split()
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.fail(
            f"no MySQL to test on: set INVENTARIO_TEST_MYSQL_URL, or start Docker ({error})", pytrace=False
        )
    if not images:
        pytest.fail(
            "no MySQL to test on: there is no local image inventario-database. Bake it (make images), or set "
            "INVENTARIO_TEST_MYSQL_IMAGE or INVENTARIO_TEST_MYSQL_URL",
            pytrace=False,
        )
    return images[0]
