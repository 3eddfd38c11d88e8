"""Engines and connections: TLS, time-outs, and what each session of MySQL is told."""

from __future__ import annotations

import contextvars
import ssl
import time
from typing import Any, cast

import pymysql
from pymysql.constants import CLIENT
from sqlalchemy import Engine, event, exc
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry

from inventario.database import session_state
from inventario.settings import DatabaseSettings

SOURCE = "source"
REPLICA = "replica"

# a node that is frozen in the middle of a transaction keeps its row locks for so long. Whoever waits for them
# has waited for the node itself before, as long as the load balancer did: the sum is to stay below 5 s
_SOURCE_IDLE_SECONDS = 4
_SOURCE_LOCK_WAIT_SECONDS = 3
# one that the server is about to close for that is not used any more
_SOURCE_USED_WITHIN_SECONDS = _SOURCE_IDLE_SECONDS - 1
# connections are renewed, so that reads spread again over replicas that came back
_RECYCLE_SECONDS = 60


class Deadline:
    """The moment at which a unit of work must have ended."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    @property
    def remaining(self) -> float:
        return max(0.0, self._end - time.monotonic())

    @property
    def expired(self) -> bool:
        return self.remaining < 0.05


# new connections are opened deep inside the pool: this tells them how long they may take
current_deadline: contextvars.ContextVar[Deadline | None] = contextvars.ContextVar("deadline", default=None)


class BoundedConnection(pymysql.connections.Connection):
    """A connection whose handshake is bounded too, and whose time-out can be narrowed for one unit of work."""

    # what the source had executed at the last COMMIT here, if it told: its answer to that carries it
    executed = ""

    def commit(self) -> None:
        self.executed = ""
        super().commit()

    def _read_ok_packet(self) -> Any:
        ok = super()._read_ok_packet()  # type: ignore[misc]  # the stubs leave it out
        if ok.server_status & session_state.CHANGED:
            self.executed = session_state.gtids(ok.message)
        return ok

    def limit(self, seconds: float) -> None:
        self._read_timeout = self._write_timeout = max(seconds, 0.05)


def engine_options(settings: DatabaseSettings) -> dict[str, dict[str, Any]]:
    """What Flask-SQLAlchemy gives to create_engine, by name of the side."""
    common: dict[str, Any] = {
        "connect_args": {"charset": "utf8mb4", **_tls(settings)},
        "hide_parameters": True,
        "max_overflow": 2,
        "pool_size": settings.pool_size,
        "pool_timeout": settings.connect_timeout,
        "pool_use_lifo": True,
    }
    return {
        SOURCE: {
            **common,
            "url": settings.write_url,
            "isolation_level": "READ COMMITTED",
            "pool_recycle": _RECYCLE_SECONDS,
            # a unit of work ends in COMMIT or ROLLBACK by itself: the pool need not ask for another one
            "pool_reset_on_return": None,
        },
        REPLICA: {
            **common,
            "url": settings.read_url,
            # reads are single statements: no BEGIN and no ROLLBACK to wait for
            "isolation_level": "AUTOCOMMIT",
            "skip_autocommit_rollback": True,
            "pool_recycle": _RECYCLE_SECONDS,
        },
    }


def release_options(settings: DatabaseSettings) -> dict[str, Any]:
    """A migration may take long and runs once: a connection to the source without a time-out."""
    return {
        "url": settings.write_url,
        "connect_args": {"charset": "utf8mb4", "connect_timeout": 10, **_tls(settings)},
        "hide_parameters": True,
    }


def bound(engine: Engine, side: str, settings: DatabaseSettings) -> None:
    """Every connection of this engine is opened within its time-out and tells MySQL its limits."""
    if side == SOURCE:
        timeout = settings.write_timeout
        init = (
            f"SET SESSION wait_timeout = {_SOURCE_IDLE_SECONDS}, "
            f"innodb_lock_wait_timeout = {_SOURCE_LOCK_WAIT_SECONDS}, "
            # own writes need no statement of their own then
            "session_track_gtids = ALL_GTIDS, "
            f"max_execution_time = {int(timeout * 1000)}"
        )
    else:
        timeout = settings.read_timeout
        # the server stops a query that nobody waits for any more
        init = f"SET SESSION wait_timeout = {2 * _RECYCLE_SECONDS}, max_execution_time = {int(timeout * 1000)}"

    @event.listens_for(engine, "do_connect")
    def connect(_dialect: Any, _record: Any, _arguments: Any, parameters: dict[str, Any]) -> BoundedConnection:
        deadline = current_deadline.get()
        within = min(settings.connect_timeout, deadline.remaining) if deadline else settings.connect_timeout
        within = max(within, 0.05)
        connection = BoundedConnection(
            **parameters | {"client_flag": parameters.get("client_flag", 0) | CLIENT.SESSION_TRACK},
            connect_timeout=within,
            read_timeout=within,
            write_timeout=within,
            init_command=init,
        )
        connection.limit(timeout)
        return connection

    if side == SOURCE:
        _renew_idle(engine)


def _renew_idle(engine: Engine) -> None:
    """A connection that lay idle is opened anew; one in use is kept: to open one costs as much as a write."""

    @event.listens_for(engine, "checkin")
    def note(_connection: Any, record: ConnectionPoolEntry) -> None:
        record.info["used_at"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def renew(_connection: Any, record: ConnectionPoolEntry, _proxy: Any) -> None:
        used_at = record.info.get("used_at")
        if used_at is not None and time.monotonic() - used_at > _SOURCE_USED_WITHIN_SECONDS:
            raise exc.DisconnectionError("idle for too long")


def narrow(session: Session, seconds: float) -> BoundedConnection:
    """Bound each statement of this session's connection, taking the connection from the pool if need be."""
    driver = cast(BoundedConnection, session.connection().connection.dbapi_connection)
    driver.limit(seconds)
    return driver


def _tls(settings: DatabaseSettings) -> dict[str, Any]:
    if not settings.ca:
        return {}
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(settings.ca)
    return {"ssl": context}
