from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import URL

import people as persons
from inventario.models import User
from inventario.models.users import VIEWER
from inventario.services import accounts, logins, people
from inventario.services.actors import Actor
from inventario.services.submissions import new_key
from mysql_server import Administrator


@pytest.fixture(autouse=True)
def _request(app: Flask) -> Iterator[None]:
    with app.test_request_context():
        yield


@pytest.fixture
def luz(app: Flask) -> User:
    return people.find(persons.add(app, "luz", VIEWER, must_change_password=True).id)


@pytest.fixture
def herself(luz: User, actor: Actor) -> Actor:
    return dataclasses.replace(actor, user_id=luz.id, username="luz", role=VIEWER)


def test_a_session_is_of_its_user_in_its_version(luz: User) -> None:
    found = accounts.of_session(luz.id, "a" * 32, 1)
    assert found is not None
    assert found.username == "luz"
    assert accounts.of_session(luz.id, "a" * 32, 2) is None
    assert accounts.of_session(999, "a" * 32, 1) is None


def test_one_session_ends_and_the_others_do_not(luz: User, herself: Actor) -> None:
    logins.end_session("a" * 32, actor=herself)
    assert accounts.of_session(luz.id, "a" * 32, 1) is None
    assert accounts.of_session(luz.id, "b" * 32, 1) is not None


def test_another_password_ends_all_sessions(
    luz: User, herself: Actor, administrator: Administrator, database: URL
) -> None:
    key = new_key()
    for _ in range(2):
        assert accounts.change_password(luz, "another hash", actor=herself, submission_key=key) == 2
    user = people.find(luz.id)
    assert (user.password_hash, user.must_change_password, user.version) == ("another hash", False, 2)
    assert accounts.of_session(luz.id, "a" * 32, 1) is None
    assert administrator.execute(f"SELECT action, changes FROM `{database.database}`.audit_entries") == [
        ("user.password_changed", None)
    ]


def test_a_password_that_was_set_meanwhile_stays(luz: User, herself: Actor, actor: Actor) -> None:
    people.set_password(luz.id, 1, "the administrator's", actor=actor, submission_key=new_key())
    with pytest.raises(accounts.SessionOver):
        accounts.change_password(luz, "her own", actor=herself, submission_key=new_key())
    assert people.find(luz.id).password_hash == "the administrator's"


def test_preferences(luz: User, herself: Actor) -> None:
    accounts.save_preferences("en", "Europe/Madrid", actor=herself)
    user = people.find(luz.id)
    assert (user.language, user.time_zone) == ("en", "Europe/Madrid")
    accounts.save_preferences(None, None, actor=herself)
    user = people.find(luz.id)
    assert (user.language, user.time_zone) == (None, None)
