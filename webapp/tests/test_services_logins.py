from __future__ import annotations

import concurrent.futures
import threading
import time

import pytest
from flask import Flask
from sqlalchemy import URL

import people
from conftest import USERNAME, make_app
from faulty_network import Relay
from inventario.database import DatabaseUnavailable
from inventario.services import logins
from inventario.services.actors import Actor
from inventario.services.lockout import Locked, locked_seconds
from inventario.services.logins import Device, WrongPassword
from inventario.settings import LoginSettings
from mysql_server import Administrator

STRANGER = Device("0" * 32, ())
KNOWN = Device("1" * 32, (1,))
ORIGIN = Actor(None, "", "", "192.0.2.1", "test", "0123456789abcdef")


def log_in(app: Flask, username: str, password: str, device: Device = STRANGER) -> int:
    with app.test_request_context():
        return logins.log_in(username, password, device, origin=ORIGIN).id


def refuse(app: Flask, times: int, username: str = USERNAME, device: Device = STRANGER) -> None:
    for _ in range(times):
        with pytest.raises(WrongPassword):
            log_in(app, username, "wrong", device)


@pytest.fixture
def rows(administrator: Administrator, database: URL) -> Rows:
    return Rows(administrator, database)


class Rows:
    def __init__(self, administrator: Administrator, database: URL) -> None:
        self._administrator = administrator
        self._name = database.database

    def of(self, query: str) -> list[tuple[object, ...]]:
        return self._administrator.execute(query.replace("@", f"`{self._name}`."))


def test_the_right_password(app: Flask, password: str, rows: Rows) -> None:
    assert log_in(app, USERNAME, password) == 1
    assert rows.of("SELECT action, user_id, username, address FROM @audit_entries") == [
        ("session.started", 1, USERNAME, "192.0.2.1")
    ]
    assert rows.of("SELECT * FROM @login_failures") == []


@pytest.mark.parametrize("username", [USERNAME, "nadie", "' OR 1=1 -- ", "aná", "x" * 64, "😀"])
def test_anything_else_is_counted(app: Flask, username: str, rows: Rows) -> None:
    refuse(app, 1, username)
    assert rows.of("SELECT username, device, failures FROM @login_failures") == [(username, "", 1)]


@pytest.mark.parametrize("username", [USERNAME, "nadie"])
def test_the_fifth_locks_whoever_it_is(app: Flask, password: str, username: str) -> None:
    refuse(app, 4, username)
    with pytest.raises(Locked) as lock:
        log_in(app, username, "wrong")
    assert lock.value.seconds == 30
    with pytest.raises(Locked) as again:
        log_in(app, username, password)
    assert 28 <= again.value.seconds <= 30


def test_the_right_password_forgets_what_was_counted(app: Flask, password: str, rows: Rows) -> None:
    for _ in range(2):
        refuse(app, 4)
        log_in(app, USERNAME, password)
    assert rows.of("SELECT * FROM @login_failures") == []


def test_each_further_one_locks_for_twice_as_long(app: Flask, rows: Rows) -> None:
    refuse(app, 4)
    locks = []
    for _ in range(7):
        with pytest.raises(Locked) as lock:
            log_in(app, USERNAME, "wrong")
        locks.append(lock.value.seconds)
        rows.of("UPDATE @login_failures SET locked_until = utc_timestamp(6)")
    assert locks == [30, 60, 120, 240, 480, 900, 900]


def test_no_lock_is_longer_than_the_longest() -> None:
    policy = LoginSettings(free_failures=5, lock_seconds=30, lock_most_seconds=900)
    assert [locked_seconds(policy, failures) for failures in (0, 4, 5, 6, 10, 10**6)] == [
        0,
        0,
        30,
        60,
        900,
        900,
    ]


def test_settings_decide(database: URL, empty_tables: None) -> None:
    strict = make_app(database, login_free_failures="1", login_lock_seconds="7", login_lock_most_seconds="10")
    with pytest.raises(Locked) as lock:
        log_in(strict, USERNAME, "wrong")
    assert lock.value.seconds == 7


def test_strangers_do_not_lock_out_a_known_browser(app: Flask, password: str, rows: Rows) -> None:
    refuse(app, 4)
    with pytest.raises(Locked):
        log_in(app, USERNAME, "wrong")
    assert log_in(app, USERNAME, password, KNOWN) == 1
    # and do not get new guesses by it
    with pytest.raises(Locked):
        log_in(app, USERNAME, password)


def test_a_known_browser_is_locked_by_its_own_failures_alone(app: Flask, password: str) -> None:
    refuse(app, 4, device=KNOWN)
    with pytest.raises(Locked):
        log_in(app, USERNAME, "wrong", KNOWN)
    assert log_in(app, USERNAME, password, STRANGER) == 1


def test_a_browser_is_known_for_those_who_signed_in_with_it(app: Flask, rows: Rows) -> None:
    people.add(app, "luz", "viewer")
    refuse(app, 1, "luz", KNOWN)
    refuse(app, 1, "nadie", KNOWN)
    assert rows.of("SELECT DISTINCT device FROM @login_failures") == [("",)]


def test_all_nodes_count_together(app: Flask, database: URL) -> None:
    other = make_app(database)
    refuse(app, 2)
    refuse(other, 2)
    with pytest.raises(Locked):
        log_in(app, USERNAME, "wrong")
    with pytest.raises(Locked):
        log_in(other, USERNAME, "wrong")


def test_guesses_at_once_are_few(app: Flask, database: URL, password: str, rows: Rows) -> None:
    """Three nodes with eight threads each: one guess at a time a node, and none once it is locked."""
    nodes = [app, make_app(database), make_app(database)]
    start = threading.Barrier(24)

    def guess(number: int) -> str:
        start.wait()
        try:
            log_in(nodes[number % 3], USERNAME, f"guess {number}")
        except (WrongPassword, Locked) as refused:
            return type(refused).__name__
        return "in"

    with concurrent.futures.ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(guess, range(24)))
    assert answers.count("WrongPassword") == 4
    assert answers.count("Locked") == 20
    assert rows.of("SELECT failures FROM @login_failures") == [(5,)]
    # what came in between them would have been right: it is refused like the others
    with pytest.raises(Locked):
        log_in(nodes[2], USERNAME, password)


def test_whoever_was_deactivated_is_refused_as_for_a_wrong_password(app: Flask, rows: Rows) -> None:
    people.add(app, "luz", "viewer")
    rows.of("UPDATE @users SET active = 0 WHERE username = 'luz'")
    with pytest.raises(WrongPassword):
        log_in(app, "luz", people.PASSWORD)


def test_a_lock_is_noted_for_accounts_that_there_are(app: Flask, rows: Rows) -> None:
    for username in (USERNAME, "a password typed as a name"):
        refuse(app, 4, username)
        with pytest.raises(Locked):
            log_in(app, username, "wrong")
    assert rows.of("SELECT action, user_id, subject FROM @audit_entries") == [
        ("session.locked", None, USERNAME)
    ]


def test_old_failures_are_forgotten(app: Flask, rows: Rows) -> None:
    refuse(app, 4)
    refuse(app, 1, "nadie")
    rows.of("UPDATE @login_failures SET last_failed_at = last_failed_at - INTERVAL 13 HOUR")
    refuse(app, 4)
    assert rows.of("SELECT username, failures FROM @login_failures") == [(USERNAME, 4)]


@pytest.fixture
def cut_off(relays: tuple[Relay, Relay], database: URL, empty_tables: None) -> Flask:
    """A node whose source is away."""
    relays[0].refuse()
    return make_app(relays[0].url(database), database)


def test_the_right_password_needs_no_source(cut_off: Flask, password: str) -> None:
    began = time.monotonic()
    assert log_in(cut_off, USERNAME, password) == 1
    assert time.monotonic() - began < 2


def test_the_right_password_waits_little_for_a_source_that_hangs(
    relays: tuple[Relay, Relay], database: URL, empty_tables: None, password: str
) -> None:
    node = make_app(relays[0].url(database), database)
    log_in(node, USERNAME, password)
    relays[0].freeze()
    began = time.monotonic()
    assert log_in(node, USERNAME, password) == 1
    assert time.monotonic() - began < 3
    # those who come next do not wait for it again
    began = time.monotonic()
    assert log_in(node, USERNAME, password) == 1
    assert time.monotonic() - began < 1


def test_the_right_password_needs_no_writes(app: Flask, administrator: Administrator, password: str) -> None:
    with administrator.read_only():
        assert log_in(app, USERNAME, password) == 1


def test_a_failure_that_cannot_be_counted(cut_off: Flask) -> None:
    with pytest.raises(DatabaseUnavailable):
        log_in(cut_off, USERNAME, "wrong")


def test_a_lock_holds_while_the_source_is_away(app: Flask, cut_off: Flask, password: str) -> None:
    refuse(app, 4)
    with pytest.raises(Locked):
        log_in(app, USERNAME, "wrong")
    with pytest.raises(Locked):
        log_in(cut_off, USERNAME, password)


def test_a_session_ends_once(app: Flask, actor: Actor, rows: Rows) -> None:
    with app.test_request_context():
        for _ in range(2):
            logins.end_session("a" * 32, actor=actor)
    assert rows.of("SELECT session_id, user_id FROM @ended_sessions") == [("a" * 32, 1)]
    assert rows.of("SELECT action FROM @audit_entries") == [("session.ended",)]


def test_sessions_that_expired_by_themselves_are_forgotten(app: Flask, actor: Actor, rows: Rows) -> None:
    with app.test_request_context():
        logins.end_session("a" * 32, actor=actor)
        rows.of("UPDATE @ended_sessions SET ended_at = ended_at - INTERVAL 14 HOUR")
        logins.end_session("b" * 32, actor=actor)
    assert rows.of("SELECT session_id FROM @ended_sessions") == [("b" * 32,)]
