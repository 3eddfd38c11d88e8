from __future__ import annotations

import concurrent.futures
import dataclasses
import threading
from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import URL

import people as persons
from conftest import USERNAME, make_app
from inventario.models.users import ADMINISTRATOR, OPERATOR, VIEWER
from inventario.services import accounts, people, tokens
from inventario.services.actors import Actor
from inventario.services.submissions import KeyReused, new_key
from mysql_server import Administrator

LUZ = people.NewUser("luz", OPERATOR, "a hash")


@pytest.fixture(autouse=True)
def _request(app: Flask) -> Iterator[None]:
    with app.test_request_context():
        yield


def create(actor: Actor, new: people.NewUser = LUZ) -> int:
    return people.create(new, actor=actor, submission_key=new_key())


def noted(administrator: Administrator, database: URL) -> list[tuple[object, ...]]:
    return administrator.execute(
        f"SELECT action, user_id, subject, changes FROM `{database.database}`.audit_entries ORDER BY id"
    )


def test_somebody_new_must_change_the_password(
    actor: Actor, administrator: Administrator, database: URL
) -> None:
    user = people.find(create(actor))
    assert (user.username, user.role, user.active, user.must_change_password) == ("luz", OPERATOR, True, True)
    assert noted(administrator, database) == [
        ("user.created", 1, "luz", '{"role": [null, "operator"]}'),
    ]


@pytest.mark.parametrize("name", ["luz", "LUZ", "Luz"])
def test_a_name_is_taken_once(actor: Actor, name: str) -> None:
    create(actor)
    with pytest.raises(people.NameTaken):
        create(actor, dataclasses.replace(LUZ, username=name))


def test_accents_make_another_name(actor: Actor) -> None:
    assert create(actor) != create(actor, dataclasses.replace(LUZ, username="lúz"))


def test_a_form_counts_once(actor: Actor) -> None:
    key = new_key()
    first = people.create(LUZ, actor=actor, submission_key=key)
    assert people.create(LUZ, actor=actor, submission_key=key) == first
    with pytest.raises(KeyReused):
        people.create(dataclasses.replace(LUZ, role=VIEWER), actor=actor, submission_key=key)
    version = people.find(first).version
    key = new_key()
    for _ in range(2):
        people.change_role(first, version, VIEWER, actor=actor, submission_key=key)
    assert people.find(first).version == version + 1


def test_pages_in_the_order_of_the_names(actor: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people, "PAGE_ROWS", 2)
    for name in ("carlos", "berta", "100%"):
        create(actor, dataclasses.replace(LUZ, username=name))
    first = people.page()
    assert [user.username for user in first.users] == ["100%", USERNAME]
    assert first.after == USERNAME
    assert [user.username for user in people.page(after=first.after).users] == ["berta", "carlos"]
    assert [user.username for user in people.page("AR").users] == ["carlos"]
    assert [user.username for user in people.page("%").users] == ["100%"]


def test_a_role_takes_effect_at_once_and_is_noted(
    actor: Actor, administrator: Administrator, database: URL
) -> None:
    luz = create(actor)
    people.change_role(luz, 1, VIEWER, actor=actor, submission_key=new_key())
    user = people.find(luz)
    assert (user.role, user.version, user.session_version) == (VIEWER, 2, 1)
    assert noted(administrator, database)[-1] == (
        "user.role_changed", 1, "luz", '{"role": ["operator", "viewer"]}',
    )  # fmt: skip


def test_whoever_leaves_is_out_for_good(app: Flask, actor: Actor) -> None:
    luz = create(actor)
    token = persons.token(app, "luz")
    people.set_active(luz, 1, False, actor=actor, submission_key=new_key())
    assert accounts.of_session(luz, "", 1) is None
    assert tokens.authenticate(token) is None
    people.set_active(luz, 2, True, actor=actor, submission_key=new_key())
    assert accounts.of_session(luz, "", 1) is None
    assert accounts.of_session(luz, "", 2) is not None
    assert tokens.authenticate(token) is None


def test_a_set_password_ends_the_sessions_and_is_in_no_log(
    actor: Actor, administrator: Administrator, database: URL
) -> None:
    luz = create(actor)
    people.set_password(luz, 1, "another hash", actor=actor, submission_key=new_key())
    user = people.find(luz)
    assert (user.password_hash, user.must_change_password, user.session_version) == ("another hash", True, 2)
    assert noted(administrator, database)[-1] == ("user.password_set", 1, "luz", None)


def test_nobody_is_overwritten(actor: Actor) -> None:
    luz = create(actor)
    people.change_role(luz, 1, VIEWER, actor=actor, submission_key=new_key())
    with pytest.raises(people.Outdated):
        people.change_role(luz, 1, OPERATOR, actor=actor, submission_key=new_key())
    with pytest.raises(people.Outdated):
        people.set_active(luz, 1, False, actor=actor, submission_key=new_key())
    with pytest.raises(people.Outdated):
        people.set_password(luz, 1, "x", actor=actor, submission_key=new_key())
    assert people.find(luz).role == VIEWER


def test_nobody_is_no_one(actor: Actor) -> None:
    with pytest.raises(people.NoSuchUser):
        people.find(999)
    with pytest.raises(people.NoSuchUser):
        people.change_role(999, 1, VIEWER, actor=actor, submission_key=new_key())
    with pytest.raises(people.NoSuchUser):
        people.end_sessions(999, actor=actor, submission_key=new_key())


def test_the_last_administrator_stays(actor: Actor) -> None:
    with pytest.raises(people.LastAdministrator):
        people.change_role(1, 1, OPERATOR, actor=actor, submission_key=new_key())
    with pytest.raises(people.LastAdministrator):
        people.set_active(1, 1, False, actor=actor, submission_key=new_key())
    other = create(actor, dataclasses.replace(LUZ, role=ADMINISTRATOR))
    people.set_active(other, 1, False, actor=actor, submission_key=new_key())
    with pytest.raises(people.LastAdministrator):
        people.change_role(1, 1, OPERATOR, actor=actor, submission_key=new_key())


@pytest.mark.parametrize("leaving", ["role", "state"])
def test_two_administrators_cannot_end_each_other(
    app: Flask, actor: Actor, database: URL, leaving: str
) -> None:
    """At the same moment, through two nodes."""
    other = create(actor, dataclasses.replace(LUZ, role=ADMINISTRATOR))
    start = threading.Barrier(2)

    def end(node: Flask, user_id: int) -> bool:
        with node.test_request_context():
            start.wait()
            try:
                if leaving == "role":
                    people.change_role(user_id, 1, VIEWER, actor=actor, submission_key=new_key())
                else:
                    people.set_active(user_id, 1, False, actor=actor, submission_key=new_key())
            except people.LastAdministrator:
                return False
            return True

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        ended = list(pool.map(end, [app, make_app(database)], [1, other]))
    assert sorted(ended) == [False, True]


def test_all_sessions_of_somebody_end(actor: Actor) -> None:
    luz = create(actor)
    key = new_key()
    for _ in range(2):
        assert people.end_sessions(luz, actor=actor, submission_key=key) == 2
    assert accounts.of_session(luz, "", 1) is None
