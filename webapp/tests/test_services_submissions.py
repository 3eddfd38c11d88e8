from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import URL, create_engine, func, select

from conftest import make_app
from inventario.database import db, reads, writes
from inventario.models import Submission
from inventario.services import submissions
from inventario.services.submissions import AlreadyCounted, KeyOfAnother, KeyReused, fingerprint, new_key
from mysql_server import Administrator


@pytest.fixture(autouse=True)
def context(app: Flask) -> Iterator[None]:
    with app.test_request_context():
        yield


@writes(repeatable=True)
def send(key: str, subject: str = "T-1", *, user_id: int = 1, content: str | None = None) -> str:
    """A unit of work that does nothing else."""
    try:
        submissions.count(key, user_id, subject, content and fingerprint(content))
    except AlreadyCounted as earlier:
        return f"earlier {earlier.subject}"
    return subject


@reads
def counted() -> int:
    return db.session.scalars(select(func.count()).select_from(Submission)).one()


def test_the_second_time_tells_what_came_of_the_first() -> None:
    key = new_key()
    assert send(key, "T-1") == "T-1"
    assert send(key, "T-2") == "earlier T-1"
    assert counted() == 1


def test_what_is_known_only_later_can_be_told() -> None:
    @writes(repeatable=True)
    def send_then_tell(key: str) -> None:
        submissions.count(key, 1, "")
        submissions.tell(key, "7")

    key = new_key()
    send_then_tell(key)
    assert send(key) == "earlier 7"


@pytest.mark.parametrize(
    ("first", "second", "is_refused"),
    [("a", "a", False), ("a", "b", True), ("a", None, False), (None, "b", False)],
)
def test_the_same_key_with_another_content(first: str | None, second: str | None, is_refused: bool) -> None:
    key = new_key()
    send(key, content=first)
    if is_refused:
        with pytest.raises(KeyReused):
            send(key, content=second)
    else:
        assert send(key, content=second) == "earlier T-1"


def test_the_key_of_another_user_is_refused(administrator: Administrator, database: URL) -> None:
    administrator.execute(
        f"INSERT INTO `{database.database}`.users (id, username, password_hash, role) "
        "VALUES (2, 'eva', '', 'viewer')"
    )
    key = new_key()
    send(key)
    with pytest.raises(KeyOfAnother):
        send(key, user_id=2)


def test_the_same_form_at_once_through_several_nodes(database: URL) -> None:
    nodes = [make_app(database) for _ in range(4)]
    start = threading.Barrier(len(nodes))
    key = new_key()
    answers: list[str] = []

    def work(node: Flask) -> None:
        with node.test_request_context():
            start.wait()
            answers.append(send(key))

    threads = [threading.Thread(target=work, args=(node,)) for node in nodes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == ["T-1", "earlier T-1", "earlier T-1", "earlier T-1"]
    assert counted() == 1


def test_only_old_ones_are_forgotten(
    administrator: Administrator, database: URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submissions, "_PURGE_ROWS", 2)
    for days in (0, 29, 31, 40, 50):
        administrator.execute(
            f"INSERT INTO `{database.database}`.submissions (`key`, user_id, subject, created_at) "
            f"VALUES ('{new_key()}', 1, '{days}', UTC_TIMESTAMP(6) - INTERVAL {days} DAY)"
        )
    engine = create_engine(database)
    with engine.connect() as connection:
        assert submissions.purge(connection) == 3
        assert submissions.purge(connection) == 0
    engine.dispose()
    assert counted() == 2


def test_purging_ends(administrator: Administrator, database: URL, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(submissions, "_PURGE_ROWS", 1)
    monkeypatch.setattr(submissions, "_PURGE_ROUNDS", 2)
    for _ in range(3):
        administrator.execute(
            f"INSERT INTO `{database.database}`.submissions (`key`, user_id, subject, created_at) "
            f"VALUES ('{new_key()}', 1, '', UTC_TIMESTAMP(6) - INTERVAL 31 DAY)"
        )
    engine = create_engine(database)
    with engine.connect() as connection:
        assert submissions.purge(connection) == 2
    engine.dispose()
    assert counted() == 1


def test_a_release_forgets_old_ones(app: Flask, administrator: Administrator, database: URL) -> None:
    administrator.execute(
        f"INSERT INTO `{database.database}`.submissions (`key`, user_id, subject, created_at) "
        f"VALUES ('{new_key()}', 1, '', UTC_TIMESTAMP(6) - INTERVAL 31 DAY)"
    )
    result = app.test_cli_runner().invoke(args=["release"])
    # what it forgets is nobody's change
    assert result.output.splitlines()[-1] == "unchanged"
    assert counted() == 0
