"""The user's own writes travel in a cookie, or in a header with programs that send a token of theirs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, g
from sqlalchemy import URL, event

from browser import Browser
from conftest import make_app
from faulty_network import Relay
from inventario.database import db, must_see, reads, writes
from inventario.database.connections import REPLICA
from inventario.database.extension import engine
from inventario.database.own_writes import ASK_SOURCE, COOKIE, HEADER, after
from inventario.models import Category

TOKEN = {"Authorization": "Bearer x"}


@writes()
def add(name: str) -> None:
    db.session.add(Category(name=name))


@reads
def side() -> str:
    return str(db.session.info["side"])


def answer_after(
    app: Flask, work: Callable[[], object], headers: dict[str, str] | None = None
) -> dict[str, str]:
    """The headers with which a request ends in which this is done."""
    with app.test_request_context(headers=headers):
        work()
        return dict(app.process_response(app.response_class()).headers)


def test_a_browser_gets_a_cookie_and_no_header(app: Flask) -> None:
    headers = answer_after(app, lambda: add("una"))
    assert headers["Set-Cookie"].startswith(f"{COOKIE}=")
    assert HEADER not in headers


def test_a_program_gets_a_header_and_no_cookie(app: Flask) -> None:
    headers = answer_after(app, lambda: add("una"), headers=TOKEN)
    assert headers[HEADER]
    assert COOKIE not in headers.get("Set-Cookie", "")


@pytest.mark.parametrize("request_headers", [{}, TOKEN])
def test_only_writes_send_either(app: Flask, request_headers: dict[str, str]) -> None:
    headers = answer_after(app, side, headers=request_headers)
    assert HEADER not in headers
    assert COOKIE not in headers.get("Set-Cookie", "")


def test_what_was_written_is_asked_for_in_the_next_request(app: Flask) -> None:
    sent = answer_after(app, lambda: add("una"), headers=TOKEN)[HEADER]
    with app.test_request_context(headers={HEADER: sent}):
        assert ":1-" in after()
        assert side() == "replica"


@pytest.mark.parametrize("forged", ["x", "source.AAAA.BBBB", "';DROP TABLE products", "a" * 4000])
def test_a_forged_header_is_ignored(app: Flask, forged: str) -> None:
    with app.test_request_context(headers={HEADER: forged}):
        assert after() == ""


def test_a_replica_that_lacks_them_does_not_answer(
    app: Flask, database: URL, relays: tuple[Relay, Relay], password: str
) -> None:
    node = make_app(relays[0].url(database), relays[1].url(database), database_replica_wait="0.05")
    with node.test_request_context():
        must_see("3e11fa47-71ca-11e1-9e33-c80aa9429562:1-9")
        assert side() == "source"


def test_what_must_be_seen_adds_to_what_was_written(app: Flask) -> None:
    sent = answer_after(app, lambda: add("una"), headers=TOKEN)[HEADER]
    with app.test_request_context(headers={HEADER: sent}):
        own = after()
        must_see("3e11fa47-71ca-11e1-9e33-c80aa9429562:1-9")
        assert after() == f"{own},3e11fa47-71ca-11e1-9e33-c80aa9429562:1-9"
        must_see(ASK_SOURCE)
        assert after() == ASK_SOURCE
        must_see(own)
        assert after() == ASK_SOURCE


def test_a_read_before_does_not_let_a_replica_that_lacks_them_answer(app: Flask) -> None:
    """As when the person was looked up first."""
    sent = answer_after(app, lambda: add("una"), headers=TOKEN)[HEADER]
    with app.test_request_context(headers={HEADER: sent}):
        assert side() == "replica"
        must_see("3e11fa47-71ca-11e1-9e33-c80aa9429562:1-9")
        assert side() == "source"


def test_the_log_says_which_side_answered(app: Flask, browser: Browser) -> None:
    with app.test_request_context():
        assert g.get("read_side") is None
        assert side() == g.read_side == "replica"
        must_see(ASK_SOURCE)
        assert side() == g.read_side == "source"


def test_a_connection_is_asked_once_what_it_has(app: Flask) -> None:
    sent = answer_after(app, lambda: add("una"), headers=TOKEN)[HEADER]
    asked: list[str] = []

    def listen(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        asked.append(statement)

    with app.app_context():
        replica = engine(REPLICA)
    # one connection, that nothing was asked of before
    replica.dispose()
    event.listen(replica, "before_cursor_execute", listen)
    try:
        for _ in range(3):
            with app.test_request_context(headers={HEADER: sent}):
                assert side() == "replica"
        assert len(asked) == 1
        replica.dispose()
        with app.test_request_context(headers={HEADER: sent}):
            assert side() == "replica"
        assert len(asked) == 2
    finally:
        event.remove(replica, "before_cursor_execute", listen)


def test_what_one_connection_lacks_is_asked_again(app: Flask, database: URL) -> None:
    node = make_app(database, database, database_replica_wait="0.05")
    for _ in range(2):
        with node.test_request_context():
            must_see("3e11fa47-71ca-11e1-9e33-c80aa9429562:1-9")
            assert side() == "source"
