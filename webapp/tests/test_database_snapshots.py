"""What was read is kept for as long as the server that was asked has executed nothing since."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from sqlalchemy import URL, event

from browser import Browser
from conftest import make_app
from inventario.database import as_of, db, reads, saw, writes
from inventario.database.connections import REPLICA
from inventario.database.extension import engine
from inventario.models import Category
from inventario.services import finding
from inventario.services.finding import Criteria
from mysql_server import Administrator

PRODUCT = (
    "INSERT INTO `{}`.products (code, name, description, unit_code, created_by_id)"
    " VALUES ('{}', 'Tornillo', '', 'ud', 1)"
)
GTIDS = "d07bd510-e840-11f1-917a-0242ac110002:1-78"


@pytest.fixture
def add(administrator: Administrator, database: URL) -> Callable[[str], None]:
    """A product by nobody that this process knows of, as another node would."""

    def inserted(code: str) -> None:
        administrator.execute(PRODUCT.format(database.database, code))

    return inserted


@pytest.fixture
def statements(app: Flask) -> Iterator[list[str]]:
    """What the replica's engine executes."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        seen.append(statement)

    with app.app_context():
        side = engine(REPLICA)
    event.listen(side, "before_cursor_execute", note)
    yield seen
    event.remove(side, "before_cursor_execute", note)


def test_a_list_that_nobody_changed_is_read_once(
    browser: Browser, add: Callable[[str], None], statements: list[str]
) -> None:
    add("A-1")
    first = browser.get("/products").text
    statements.clear()
    assert "A-1" in first
    assert browser.get("/products").text.count("A-1") == first.count("A-1")
    # who asks, and as of when: every request begins with it
    assert len(statements) == 1
    assert "gtid_executed" in statements[0]


def test_another_ones_change_is_seen_by_the_next_request(browser: Browser, add: Callable[[str], None]) -> None:
    add("A-1")
    assert "A-2" not in browser.get("/products").text
    add("A-2")
    assert "A-2" in browser.get("/products").text


def test_nothing_is_kept_where_the_moment_is_unknown(app: Flask, add: Callable[[str], None]) -> None:
    with app.test_request_context():
        assert as_of() is None
        add("A-1")
        assert finding.find(Criteria()).total == 1
        add("A-2")
        assert finding.find(Criteria()).total == 2


def test_a_server_without_gtids_has_no_moments(app: Flask) -> None:
    with app.test_request_context():
        saw("")
        assert as_of() is None


def test_a_unit_that_writes_has_no_moment(app: Flask) -> None:
    @writes()
    def write() -> object:
        saw(GTIDS)
        db.session.add(Category(name="una"))
        return as_of()

    with app.test_request_context():
        assert write() is None


def test_a_moment_does_not_outlive_its_connection(app: Flask) -> None:
    @reads
    def read() -> None:
        saw(GTIDS)

    with app.test_request_context():
        read()
        assert as_of() is not None
        db.session.remove()
        assert as_of() is None


def test_two_applications_share_no_moment(app: Flask, database: URL) -> None:
    moments = []
    for one in (app, make_app(database)):
        with one.test_request_context():
            saw(GTIDS)
            moments.append(as_of())
    assert moments[0] != moments[1]
