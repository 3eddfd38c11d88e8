"""Stock moves while the database moves: one movement or none, and the right answer."""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from decimal import Decimal
from types import TracebackType
from typing import TypeVar

import pymysql
import pytest
from flask import Flask
from sqlalchemy import URL

from conftest import make_app
from faulty_network import Relay
from inventario.database import DatabaseUnavailable, OutcomeUnknown
from inventario.models.stock import IN, OUT
from inventario.services import products, stock
from inventario.services.actors import Actor
from inventario.services.products import Details
from inventario.services.stock import Moved
from inventario.services.submissions import new_key
from mysql_server import Administrator, MysqlServer

T = TypeVar("T")

COMMIT = b"\x03COMMIT"
IN_THE_MIDDLE = b"INSERT INTO movements"


class Faults(logging.Handler):
    """The faults that writes met, and what is to happen at the first one."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[logging.LogRecord] = []
        self.first: Callable[[], object] | None = None

    def emit(self, record: logging.LogRecord) -> None:
        self.seen.append(record)
        first, self.first = self.first, None
        if first:
            first()

    @property
    def names(self) -> list[str]:
        return [str(vars(record)["fault"]) for record in self.seen]


@pytest.fixture
def faults() -> Iterator[Faults]:
    handler = Faults()
    logger = logging.getLogger("inventario.database.units")
    logger.addHandler(handler)
    yield handler
    logger.removeHandler(handler)


@pytest.fixture
def source(relays: tuple[Relay, Relay]) -> Relay:
    return relays[0]


@pytest.fixture
def node(relays: tuple[Relay, Relay], database: URL, empty_tables: None) -> Iterator[Flask]:
    """An application whose connections go through the relays."""
    # statements that the relay can read
    write = relays[0].url(database).update_query_dict({"ssl_disabled": "true"})
    app = make_app(write, relays[1].url(database), database_write_budget="6", database_write_timeout="4")
    with app.test_request_context():
        yield app


class Shelf:
    """A product with ten pieces of it."""

    def __init__(self, administrator: Administrator, actor: Actor, schema: str) -> None:
        self.administrator, self._actor, self.schema = administrator, actor, schema
        products.register(Details("T-1", "Tornillo", "", "ud", ""), actor=actor, submission_key=new_key())
        self.id = int(administrator.execute(f"SELECT id FROM `{schema}`.products")[0][0])
        stock.move(actor, self.id, IN, Decimal(10), "purchase", "", new_key())

    def take(self, key: str = "") -> Moved:
        return stock.move(self._actor, self.id, OUT, Decimal(1), "sale", "", key or new_key())

    @property
    def taken(self) -> int:
        """How often; fails unless quantity, movements, submissions and audit entries agree."""
        (row,) = self.administrator.execute(
            f"SELECT (SELECT 10 - quantity FROM `{self.schema}`.products),"
            f" (SELECT COUNT(*) - 1 FROM `{self.schema}`.movements),"
            f" (SELECT COUNT(*) - 2 FROM `{self.schema}`.submissions),"
            f" (SELECT COUNT(*) - 1 FROM `{self.schema}`.audit_entries WHERE family = 'stock')"
        )
        (times,) = {int(number) for number in row}
        return times


@pytest.fixture
def shelf(node: Flask, administrator: Administrator, actor: Actor, database: URL) -> Shelf:
    return Shelf(administrator, actor, database.database or "")


class Other:
    """Another transaction on the source, which holds locks."""

    def __init__(self, server: MysqlServer, schema: str) -> None:
        host, port = server.address
        self._connection = pymysql.connect(
            host=host, port=port, user=server.url.username, password=server.url.password or "", database=schema
        )

    def __enter__(self) -> Other:
        return self

    def __exit__(self, *_error: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._connection.close()

    def execute(self, statement: str) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute(statement)

    def end(self) -> None:
        self._connection.rollback()


@pytest.fixture
def other(server: MysqlServer, database: URL) -> Iterator[Other]:
    with Other(server, database.database or "") as connected:
        yield connected


@contextmanager
def failing(administrator: Administrator, schema: str, code: int) -> Iterator[Callable[[], object]]:
    """The server answers the INSERT of a movement with this error, until what is yielded is called."""
    lock = f"{schema}.fault"
    administrator.execute(f"SELECT GET_LOCK('{lock}', 5)")
    administrator.execute(
        f"CREATE TRIGGER `{schema}`.fault BEFORE INSERT ON `{schema}`.movements FOR EACH ROW BEGIN "
        f"IF IS_USED_LOCK('{lock}') IS NOT NULL THEN "
        f"SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = {code}, MESSAGE_TEXT = 'as the server would'; END IF; END"
    )
    try:
        yield lambda: administrator.execute(f"SELECT RELEASE_LOCK('{lock}')")
    finally:
        administrator.execute(f"SELECT RELEASE_LOCK('{lock}')")
        administrator.execute(f"DROP TRIGGER `{schema}`.fault")


def until(condition: Callable[[], bool], seconds: float = 5) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        # InnoDB renews its list of transactions only for those who have not just asked
        time.sleep(0.15)


CODES = {
    1290: "READ_ONLY",
    1836: "READ_ONLY",
    3100: "READ_ONLY",
    1205: "CONFLICT",
    1213: "CONFLICT",
    3101: "CONFLICT",
    1053: "LOST",
    1927: "LOST",
    1317: "BUSY",
}


@pytest.mark.parametrize("code", CODES)
def test_an_error_that_passes(shelf: Shelf, faults: Faults, code: int) -> None:
    with failing(shelf.administrator, shelf.schema, code) as passes:
        faults.first = passes
        assert shelf.take().balance == 9
    assert faults.names == [CODES[code]]
    assert shelf.taken == 1


@pytest.mark.parametrize("code", CODES)
def test_an_error_that_stays(shelf: Shelf, faults: Faults, database: URL, code: int) -> None:
    key = new_key()
    with failing(shelf.administrator, shelf.schema, code):
        impatient = make_app(database, database_write_budget="1")
        with impatient.test_request_context(), pytest.raises(DatabaseUnavailable) as failed:
            shelf.take(key)
        assert failed.value.writing
        assert not isinstance(failed.value, OutcomeUnknown)
        assert len(faults.seen) > 1
        assert shelf.taken == 0
    assert shelf.take(key).balance == 9
    assert shelf.taken == 1


@pytest.mark.parametrize("statement", [IN_THE_MIDDLE, COMMIT])
def test_the_source_goes_read_only_and_another_comes(
    shelf: Shelf, source: Relay, faults: Faults, administrator: Administrator, statement: bytes
) -> None:
    source.before(statement, lambda: administrator.execute("SET GLOBAL super_read_only = ON"))
    faults.first = administrator.writable
    try:
        assert shelf.take().balance == 9
    finally:
        administrator.writable()
    assert faults.names == ["READ_ONLY"]
    assert shelf.taken == 1


def test_the_source_stays_read_only(
    shelf: Shelf, node: Flask, source: Relay, administrator: Administrator
) -> None:
    hurry(node, write_budget=1)
    source.before(COMMIT, lambda: administrator.execute("SET GLOBAL super_read_only = ON"))
    key = new_key()
    try:
        with pytest.raises(DatabaseUnavailable) as failed:
            shelf.take(key)
    finally:
        administrator.writable()
    # a COMMIT that is refused was not made
    assert not isinstance(failed.value, OutcomeUnknown)
    assert shelf.taken == 0
    assert shelf.take(key).balance == 9
    assert shelf.taken == 1


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("statement", [IN_THE_MIDDLE, COMMIT])
@pytest.mark.parametrize("how", ["killed", "cut"])
def test_a_lost_connection(
    shelf: Shelf, source: Relay, faults: Faults, how: str, statement: bytes, moment: str
) -> None:
    def lose() -> None:
        if how == "cut":
            source.cut()
        else:
            assert shelf.administrator.kill_connections(shelf.schema) >= 1

    getattr(source, moment)(statement, lose)
    moved = shelf.take()
    assert not source.waits
    assert (int(moved.quantity), int(moved.balance)) == (-1, 9)
    assert shelf.taken == 1
    # whoever is killed after its COMMIT still gets its answer
    assert faults.names == ([] if (how, statement, moment) == ("killed", COMMIT, "after") else ["LOST"])


def test_a_commit_that_arrives_late(shelf: Shelf, node: Flask, source: Relay, faults: Faults) -> None:
    """Nobody waits for it any more; its locks keep the repetition from being a second movement."""
    hurry(node, write_timeout=0.5)
    source.before(COMMIT, source.freeze)
    faults.first = source.restore
    assert shelf.take().balance == 9
    assert faults.names[0] == "TIMED_OUT"
    assert shelf.taken == 1


@pytest.mark.parametrize(("moment", "was_made"), [("before", 0), ("after", 1)])
def test_a_commit_without_an_answer_and_a_source_that_stays_away(
    shelf: Shelf, node: Flask, source: Relay, moment: str, was_made: int
) -> None:
    hurry(node, write_budget=1)
    getattr(source, moment)(COMMIT, source.refuse)
    key = new_key()
    with pytest.raises(OutcomeUnknown):
        shelf.take(key)
    source.restore()
    assert shelf.taken == was_made
    assert shelf.take(key).balance == 9
    assert shelf.taken == 1


def test_a_deadlock(shelf: Shelf, node: Flask, faults: Faults, other: Other) -> None:
    # the one that has changed less is the victim
    names = ", ".join(f"('{number}')" for number in range(50))
    other.execute(f"INSERT INTO categories (name) VALUES {names}")
    other.execute(f"SELECT * FROM products WHERE id = {shelf.id} FOR UPDATE")
    with ThreadPoolExecutor() as threads:
        moved = threads.submit(inside, node, shelf.take)
        until(lambda: waiting_for_locks(shelf.administrator) == 1)
        other.execute("UPDATE users SET version = version + 1 WHERE id = 1")
        other.end()
        assert moved.result(10).balance == 9
    assert faults.names == ["CONFLICT"]
    assert "Deadlock" in vars(faults.seen[0])["error"]
    assert shelf.taken == 1


def test_a_lock_that_is_held_for_long(shelf: Shelf, faults: Faults, other: Other) -> None:
    other.execute(f"SELECT * FROM products WHERE id = {shelf.id} FOR UPDATE")
    faults.first = other.end
    assert shelf.take().balance == 9
    assert "Lock wait timeout" in vars(faults.seen[0])["error"]
    assert shelf.taken == 1


def test_a_lock_whose_holder_froze_keeps_reads_going(
    shelf: Shelf, relays: tuple[Relay, Relay], database: URL, other: Other
) -> None:
    """Eight threads as gunicorn has them, and more movements of one product than that."""
    app = make_app(relays[0].url(database), relays[1].url(database), database_retrying_writers="4")
    with ThreadPoolExecutor(8) as threads:
        other.execute(f"SELECT * FROM products WHERE id = {shelf.id} FOR UPDATE")
        waiting = [threads.submit(inside, app, shelf.take) for _ in range(4)]
        until(lambda: waiting_for_locks(shelf.administrator) == 4)
        until(lambda: app.extensions["inventario_writers"].slow() == 4)
        began = time.monotonic()
        others = [threads.submit(outcome, app, shelf.take) for _ in range(20)]
        read = threads.submit(inside, app, lambda: stock.find(shelf.id))
        assert read.result(5).quantity == 10
        assert [future.result(5) for future in others] == ["DatabaseUnavailable"] * 20
        # one that waited for the lock would take that long
        assert time.monotonic() - began < 3
        assert not any(future.done() for future in waiting)
        other.end()
        assert sorted(int(future.result(10).balance) for future in waiting) == [6, 7, 8, 9]
    assert shelf.taken == 4


def test_reads_go_on_while_the_source_is_away(shelf: Shelf, relays: tuple[Relay, Relay], database: URL) -> None:
    app = make_app(relays[0].url(database), relays[1].url(database), database_retrying_writers="3")
    with ThreadPoolExecutor(8) as threads:
        relays[0].refuse()
        answers: list[Future[str]] = [threads.submit(outcome, app, shelf.take) for _ in range(8)]
        until(lambda: sum(answer.done() for answer in answers) == 5)
        assert {answer.result() for answer in answers if answer.done()} == {"DatabaseUnavailable"}
        for _ in range(20):
            assert threads.submit(inside, app, lambda: stock.find(shelf.id)).result(1).quantity == 10
        relays[0].restore()
        assert sorted(answer.result(10) for answer in answers) == ["DatabaseUnavailable"] * 5 + ["moved"] * 3
    assert shelf.taken == 3


def hurry(node: Flask, **seconds: float) -> None:
    """Shorter limits than the application began with."""
    name = "inventario_database"
    node.extensions[name] = dataclasses.replace(node.extensions[name], **seconds)


def inside(app: Flask, work: Callable[[], T]) -> T:
    with app.test_request_context():
        return work()


def outcome(app: Flask, work: Callable[[], Moved]) -> str:
    try:
        inside(app, work)
    except DatabaseUnavailable as error:
        return type(error).__name__
    return "moved"


def waiting_for_locks(administrator: Administrator) -> int:
    return int(
        administrator.execute(
            "SELECT COUNT(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'"
        )[0][0]
    )
