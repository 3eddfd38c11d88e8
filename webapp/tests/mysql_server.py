"""A MySQL server for the tests, and what its administrator does to it."""

from __future__ import annotations

import contextlib
import secrets
import subprocess
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Any

import pymysql
from sqlalchemy import URL

# the image carries neither a data directory nor the folder for files: no statement reads or writes any
_START = """
mkdir -p /run/mysqld /var/lib/mysql/data && chown -R mysql:mysql /run/mysqld /var/lib/mysql &&
mysqld --no-defaults --secure-file-priv=NULL --user=mysql --datadir=/var/lib/mysql/data --initialize-insecure &&
exec mysqld --no-defaults --secure-file-priv=NULL --user=mysql --datadir=/var/lib/mysql/data \
    --socket=/run/mysqld/mysqld.sock \
    --gtid-mode=ON --enforce-gtid-consistency=ON --server-id=1 --log-bin=mysql-bin --sync-binlog=0 \
    --innodb-flush-log-at-trx-commit=0 --innodb-buffer-pool-size=64M --performance-schema=OFF --mysqlx=OFF
"""
_SOCKET = "--socket=/run/mysqld/mysqld.sock"


class ServerDidNotStart(RuntimeError):
    """The message holds the end of the server's log."""


class MysqlServer:
    def __init__(self, url: URL) -> None:
        self.url = url

    @property
    def address(self) -> tuple[str, int]:
        return self.url.host or "127.0.0.1", self.url.port or 3306


@contextlib.contextmanager
def start_container(image: str) -> Iterator[MysqlServer]:
    """A server that lives in memory for as long as the tests run."""
    container = _docker(
        "run", "--detach", "--publish", "127.0.0.1::3306", "--label", "inventario.test=mysql",
        "--tmpfs", "/var/lib/mysql", "--tmpfs", "/run", "--entrypoint", "/bin/sh", image, "-c", _START,
    )  # fmt: skip
    try:
        _wait_until_up(container)
        password = secrets.token_hex(16)
        _docker(
            "exec", "--interactive", container, "mysql", _SOCKET,
            input=f"CREATE USER tests@'%' IDENTIFIED BY '{password}'; GRANT ALL ON *.* TO tests@'%';",
        )  # fmt: skip
        port = int(_docker("port", container, "3306/tcp").splitlines()[0].rpartition(":")[2])
        yield MysqlServer(URL.create("mysql+pymysql", "tests", password, "127.0.0.1", port))
    finally:
        _docker("rm", "--force", "--volumes", container)


class Administrator:
    """One connection that does to the server what operators and accidents do."""

    def __init__(self, server: MysqlServer) -> None:
        self._server = server
        host, port = server.address
        self._connection = pymysql.connect(
            host=host, port=port, user=server.url.username, password=server.url.password or "", autocommit=True
        )

    def __enter__(self) -> Administrator:
        return self

    def __exit__(self, *_error: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._connection.close()

    def execute(self, statement: str) -> list[tuple[Any, ...]]:
        with self._connection.cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall())

    @contextlib.contextmanager
    def database(self, name: str) -> Iterator[URL]:
        self.execute(f"CREATE DATABASE `{name}`")
        try:
            yield self._server.url.set(database=name)
        finally:
            self.execute(f"DROP DATABASE `{name}`")

    def kill_connections(self, database: str | None) -> int:
        """End every connection to this database, as a crash of the server would."""
        own = self.execute("SELECT CONNECTION_ID()")[0][0]
        found = self.execute("SELECT id, db FROM information_schema.processlist")
        victims = [number for number, name in found if name == database and number != own]
        for number in victims:
            with contextlib.suppress(pymysql.err.OperationalError):  # it ended by itself
                self.execute(f"KILL {number}")
        return len(victims)

    @contextlib.contextmanager
    def read_only(self) -> Iterator[None]:
        self.execute("SET GLOBAL super_read_only = ON")
        try:
            yield
        finally:
            self.writable()

    def writable(self) -> None:
        self.execute("SET GLOBAL super_read_only = OFF")
        self.execute("SET GLOBAL read_only = OFF")


def _docker(*arguments: str, input: str | None = None) -> str:  # noqa: A002 - as subprocess names it
    return subprocess.run(
        ["docker", *arguments], input=input, capture_output=True, check=True, text=True
    ).stdout.strip()


def _wait_until_up(container: str, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        ping = subprocess.run(
            ["docker", "exec", container, "mysqladmin", _SOCKET, "ping"], capture_output=True, check=False
        )
        if ping.returncode == 0:
            return
        if _docker("inspect", "--format", "{{.State.Running}}", container) != "true":
            break
        time.sleep(0.2)
    logs = subprocess.run(["docker", "logs", container], capture_output=True, check=False, text=True)
    raise ServerDidNotStart(f"MySQL does not start in this image:\n{logs.stderr[-2000:]}")
