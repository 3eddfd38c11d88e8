from __future__ import annotations

import threading

import alembic.autogenerate
import pytest
from alembic.runtime.migration import MigrationContext
from click.testing import Result
from flask import Flask
from sqlalchemy import URL, create_engine
from sqlalchemy.pool import NullPool

from conftest import make_app
from inventario.models.base import Base
from inventario.services import passwords, people
from inventario.services import release as service
from mysql_server import Administrator


@pytest.fixture
def fresh(empty_database: URL, administrator: Administrator) -> Flask:
    administrator.execute(f"DROP DATABASE `{empty_database.database}`")
    administrator.execute(f"CREATE DATABASE `{empty_database.database}`")
    return make_app(empty_database)


@pytest.fixture
def named(monkeypatch: pytest.MonkeyPatch, password: str) -> None:
    monkeypatch.setenv("INVENTARIO_ADMIN_USERNAME", "primera")
    monkeypatch.setenv("INVENTARIO_ADMIN_PASSWORD", password)


def release(app: Flask, *arguments: str) -> Result:
    result: Result = app.test_cli_runner().invoke(args=["release", *arguments])
    assert result.exit_code == 0, result.output
    return result


def last(result: Result) -> str:
    return str(result.output.splitlines()[-1])


def test_the_first_run_changes_and_the_second_does_not(fresh: Flask, named: None, password: str) -> None:
    assert last(release(fresh)) == "changed"
    with fresh.test_request_context():
        (user,) = people.page("primera").users
        assert passwords.fits(user, password)
        assert user.role == "administrator"
        assert not user.must_change_password
    assert release(fresh).output == "unchanged\n"


def test_check_tells_and_changes_nothing(fresh: Flask, named: None) -> None:
    for _ in range(2):
        result = release(fresh, "--check")
        assert "would be migrated" in result.output
        assert "primera would be created" in result.output
        assert last(result) == "changed"
    release(fresh)
    assert release(fresh, "--check").output == "unchanged\n"


def test_an_existing_password_is_left_alone(
    fresh: Flask, named: None, password: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    release(fresh)
    monkeypatch.setenv("INVENTARIO_ADMIN_PASSWORD", "another password")
    assert last(release(fresh)) == "unchanged"
    with fresh.test_request_context():
        (user,) = people.page("primera").users
        assert passwords.fits(user, password)


def test_two_at_once_are_harmless(fresh: Flask) -> None:
    results: list[bool] = []
    start = threading.Barrier(2)

    def run() -> None:
        start.wait()
        with fresh.app_context():
            results.append(bool(service.release(("primera", "a long password"), check=False)))

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [False, True]


def test_a_schema_of_a_later_release_is_left_alone(
    fresh: Flask, empty_database: URL, administrator: Administrator
) -> None:
    release(fresh)
    administrator.execute(f"UPDATE `{empty_database.database}`.alembic_version SET version_num = '9999'")
    assert last(release(fresh)) == "unchanged"


def test_half_an_administrator_is_named(fresh: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INVENTARIO_ADMIN_USERNAME", "primera")
    result = fresh.test_cli_runner().invoke(args=["release"])
    assert result.exit_code == 1
    assert "INVENTARIO_ADMIN_PASSWORD" in result.output


def test_migrations_lead_to_the_models(database: URL) -> None:
    with create_engine(database, poolclass=NullPool).connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert alembic.autogenerate.compare_metadata(context, Base.metadata) == []
