"""Reads and writes over connections that are killed, frozen or cut, and on a server that went read-only."""

from __future__ import annotations

import datetime
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pymysql
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from flask import Flask, g
from sqlalchemy import URL, exc, select, text

from conftest import make_app
from faulty_network import Relay
from inventario.database import (
    DatabaseUnavailable,
    OutcomeUnknown,
    connections,
    db,
    long_write,
    read_is_stale,
    reads,
    writes,
)
from inventario.database.connections import BoundedConnection
from inventario.database.extension import engine
from inventario.models import Category
from mysql_server import Administrator, MysqlServer


@reads
def names() -> list[str]:
    return list(db.session.scalars(select(Category.name).order_by(Category.name)))


@reads
def server_side() -> str:
    return str(db.session.info["side"])


@writes()
def add(name: str) -> None:
    db.session.add(Category(name=name))


@writes(repeatable=True)
def ensure(name: str) -> None:
    if not db.session.scalars(select(Category).where(Category.name == name)).first():
        db.session.add(Category(name=name))


@pytest.fixture
def source(relays: tuple[Relay, Relay]) -> Relay:
    return relays[0]


@pytest.fixture
def replica(relays: tuple[Relay, Relay]) -> Relay:
    return relays[1]


@pytest.fixture
def node(relays: tuple[Relay, Relay], database: URL, empty_tables: None) -> Iterator[Flask]:
    """An application whose connections go through the relays."""
    app = make_app(
        relays[0].url(database), relays[1].url(database), database_write_budget="2", database_write_timeout="1"
    )
    with app.test_request_context():
        yield app


def within(seconds: float, work: Callable[[], object]) -> object:
    began = time.monotonic()
    try:
        return work()
    finally:
        assert time.monotonic() - began < seconds


def later(seconds: float, work: Callable[[], object]) -> threading.Timer:
    timer = threading.Timer(seconds, work)
    timer.start()
    return timer


def fresh() -> None:
    """As between two requests."""
    db.session.remove()


def test_reads_ask_a_replica_and_writes_the_source(node: Flask) -> None:
    assert server_side() == "replica"
    add("una")
    assert names() == ["una"]


def test_reads_of_one_request_share_a_connection(node: Flask) -> None:
    @reads
    def connection_id() -> int:
        return int(db.session.execute(text("SELECT CONNECTION_ID()")).scalar_one())

    assert connection_id() == connection_id()


def test_a_connection_to_the_source_is_kept_while_it_is_used_and_renewed_after_idle_seconds(
    node: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server closes it when it was idle for 4 s; used again and again, it is the same for longer."""

    @writes()
    def connection_id() -> int:
        return int(db.session.execute(text("SELECT CONNECTION_ID()")).scalar_one())

    now = time.monotonic()
    monkeypatch.setattr(connections, "time", SimpleNamespace(monotonic=lambda: now))
    first = connection_id()
    for _ in range(4):
        now += 2
        assert connection_id() == first
    now += 3.5
    assert connection_id() != first


def test_a_query_outside_of_a_unit_is_a_mistake(node: Flask) -> None:
    with pytest.raises(RuntimeError, match="outside of a unit"):
        db.session.execute(text("SELECT 1"))


def test_a_write_inside_of_a_read_is_a_mistake(node: Flask) -> None:
    with pytest.raises(RuntimeError, match="only reads"):
        reads(lambda: add("una"))()


def test_a_failed_write_leaves_nothing(node: Flask) -> None:
    @writes()
    def half() -> None:
        db.session.add(Category(name="una"))
        db.session.flush()
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 - any
        half()
    assert names() == []


def test_killed_connections_fail_neither_reads_nor_writes(
    node: Flask, administrator: Administrator, database: URL
) -> None:
    add("una")
    assert names() == ["una"]
    fresh()
    assert administrator.kill_connections(database.database) >= 2
    assert names() == ["una"]
    add("dos")
    assert names() == ["dos", "una"]


class Refused(Exception):
    """A service says no."""


def test_a_source_that_is_gone_when_a_unit_ends_changes_nothing_of_what_it_says(
    node: Flask, administrator: Administrator, database: URL
) -> None:
    @writes()
    def refuse() -> None:
        db.session.add(Category(name="Uno"))
        db.session.flush()
        assert administrator.kill_connections(database.database)
        raise Refused

    with pytest.raises(Refused):
        refuse()
    add("Dos")
    assert names() == ["Dos"]


def test_a_connection_killed_between_two_reads_of_a_request(
    node: Flask, administrator: Administrator, database: URL
) -> None:
    assert names() == []
    administrator.kill_connections(database.database)
    assert names() == []


def test_a_frozen_replica_delays_a_read_and_does_not_fail_it(node: Flask, replica: Relay) -> None:
    names()
    fresh()
    replica.freeze()
    assert within(2.5, names) == []
    assert server_side() == "source"


def test_replicas_that_refuse_leave_the_source(node: Flask, replica: Relay) -> None:
    replica.refuse()
    assert within(1, names) == []


def test_reads_go_on_without_the_source(node: Flask, source: Relay) -> None:
    source.refuse()
    assert within(1, names) == []
    source.restore()


def test_without_any_server_a_read_ends_within_its_budget(node: Flask, source: Relay, replica: Relay) -> None:
    names()
    fresh()
    source.freeze()
    replica.freeze()
    with pytest.raises(DatabaseUnavailable) as failed:
        within(2.8, names)
    assert not failed.value.writing


def test_a_server_that_the_authority_did_not_sign_for_is_not_spoken_to(
    database: URL, tmp_path: Path, empty_tables: None
) -> None:
    authority = tmp_path / "ca.pem"
    authority.write_bytes(certificate_of_a_stranger())
    app = make_app(database, database_ca=str(authority), database_read_budget="0.3")
    with app.test_request_context(), pytest.raises(DatabaseUnavailable) as failed:
        names()
    assert "CERTIFICATE_VERIFY_FAILED" in str(failed.value.__cause__)


def certificate_of_a_stranger() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a stranger")])
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
    )
    certificate = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    return certificate.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def test_a_write_waits_for_a_source_that_is_away(node: Flask, source: Relay) -> None:
    source.refuse()
    timer = later(0.7, source.restore)
    within(3, lambda: add("una"))
    timer.join()
    assert names() == ["una"]


def test_a_source_that_stays_read_only_ends_a_write_within_its_budget(
    node: Flask, administrator: Administrator
) -> None:
    add("una")
    with administrator.read_only(), pytest.raises(DatabaseUnavailable) as failed:
        within(2.5, lambda: add("dos"))
    assert failed.value.writing
    add("tres")
    assert names() == ["tres", "una"]


def test_a_write_goes_on_once_the_source_is_writable(
    node: Flask, server: MysqlServer, administrator: Administrator
) -> None:
    with administrator.read_only():
        timer = later(0.5, administrator.writable)
        within(3, lambda: add("una"))
        timer.join()
    assert names() == ["una"]


def test_waiting_writers_are_capped(database: URL, server: MysqlServer, empty_tables: None) -> None:
    relay = Relay(server.address)
    app = make_app(relay.url(database), database, database_retrying_writers="0")
    relay.refuse()
    with app.test_request_context(), pytest.raises(DatabaseUnavailable):
        within(5, lambda: add("una"))  # of a budget of 15
    relay.close()


def test_a_deadlock_is_run_again(node: Flask) -> None:
    runs = []

    @writes()
    def conflicting() -> None:
        runs.append(1)
        if len(runs) == 1:
            db.session.execute(
                text("SIGNAL SQLSTATE '40001' SET MYSQL_ERRNO = 1213, MESSAGE_TEXT = 'Deadlock'")
            )
        db.session.add(Category(name="una"))

    conflicting()
    assert len(runs) == 2
    assert names() == ["una"]


def test_a_node_frozen_in_a_transaction_keeps_its_locks_for_4_seconds(database: URL, node: Flask) -> None:
    """The load balancer leaves it after 3 s and asks another node, which must not wait for it much longer."""
    frozen = make_app(database, database)
    with frozen.app_context(), engine("source").connect() as connection:
        connection.execute(text("INSERT INTO categories (name) VALUES ('una')"))
        within(6, lambda: add("una"))
        # as a node finds it that goes on
        with pytest.raises(exc.OperationalError):
            connection.execute(text("SELECT 1"))
    close_connections(frozen)
    assert names() == ["una"]


def test_a_long_write_may_be_busy_with_something_else_for_longer(node: Flask) -> None:
    with long_write() as session:
        assert session.execute(text("SELECT @@wait_timeout")).scalar_one() == 30
        add("una")
    assert names() == ["una"]

    @writes()
    def idle_seconds() -> int:
        return int(db.session.execute(text("SELECT @@wait_timeout")).scalar_one())

    assert idle_seconds() == 4


@pytest.fixture
def lost_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next COMMIT is done by the server and its answer is lost."""
    commit = BoundedConnection.commit

    def once(connection: BoundedConnection) -> None:
        monkeypatch.undo()
        commit(connection)
        connection.close()
        raise pymysql.err.OperationalError(2013, "Lost connection to MySQL server during query")

    monkeypatch.setattr(BoundedConnection, "commit", once)


def test_a_commit_whose_answer_is_lost_is_not_repeated(node: Flask, lost_commit: None) -> None:
    with pytest.raises(OutcomeUnknown):
        add("una")
    assert names() == ["una"]


def test_a_unit_that_recognises_itself_is_repeated(node: Flask, lost_commit: None) -> None:
    ensure("una")
    assert names() == ["una"]


def test_a_replica_that_lags_leaves_own_writes_to_the_source(
    database: URL, empty_tables: None, administrator: Administrator
) -> None:
    """A second schema stands for the replica that has not got the write, a future GTID for the write."""
    with administrator.database(f"{database.database}_lagging") as lagging:
        administrator.execute(
            f"CREATE TABLE `{lagging.database}`.categories LIKE `{database.database}`.categories"
        )
        app = make_app(database, lagging, database_replica_wait="0.1")
        with app.test_request_context():
            add("una")
        uuid = administrator.execute("SELECT @@server_uuid")[0][0]
        with app.test_request_context():
            assert names() == []
        with app.test_request_context():
            g.read_after = f"{uuid}:1-999999999"
            assert names() == ["una"]
            assert not read_is_stale()
        close_connections(app)


def test_own_writes_are_missing_only_when_the_source_is_away(
    database: URL, server: MysqlServer, empty_tables: None, administrator: Administrator
) -> None:
    relay = Relay(server.address)
    app = make_app(relay.url(database), database, database_replica_wait="0.1")
    uuid = administrator.execute("SELECT @@server_uuid")[0][0]
    relay.refuse()
    with app.test_request_context():
        g.read_after = f"{uuid}:1-999999999"
        assert names() == []
        assert read_is_stale()
    relay.close()


def close_connections(app: Flask) -> None:
    with app.app_context():
        for engine in db.engines.values():
            engine.dispose()
