"""What the modules of this cluster share: root's way into the local MySQL, and reading a node's state."""

from __future__ import annotations

import json
import os
import pathlib
import time
from typing import Any

try:
    import pymysql
    from pymysql.cursors import DictCursor

    HAS_PYMYSQL = True
except ImportError:
    HAS_PYMYSQL = False

SYSTEM_SCHEMAS = ("information_schema", "mysql", "performance_schema", "sys")
SOCKET = "/run/mysqld/mysqld.sock"


class NotAnswering(Exception):
    """MySQL can't be asked."""


class Server:
    """One connection; every statement is its own transaction."""

    def __init__(self, timeout: int = 30, **where: Any) -> None:
        if not HAS_PYMYSQL:
            raise NotAnswering("python3-pymysql is not installed")
        try:
            self.connection = pymysql.connect(
                connect_timeout=5,
                read_timeout=timeout,
                write_timeout=timeout,
                autocommit=True,
                charset="utf8mb4",
                cursorclass=DictCursor,
                **where,
            )
        except (pymysql.MySQLError, OSError) as error:
            raise NotAnswering(str(error)) from error

    @classmethod
    def local(cls, socket: str = SOCKET, timeout: int = 30) -> Server:
        return cls(timeout=timeout, unix_socket=socket, user="root")

    @classmethod
    def remote(cls, host: str, port: int, user: str, password: str, ca: str, timeout: int = 10) -> Server:
        return cls(timeout=timeout, host=host, port=port, user=user, password=password, ssl={"ca": ca})

    def rows(self, sql: str, *values: Any) -> list[dict[str, Any]]:
        with self.connection.cursor() as cursor:
            cursor.execute(sql, values or None)
            return list(cursor.fetchall())

    def value(self, sql: str, *values: Any) -> Any:
        rows = self.rows(sql, *values)
        return next(iter(rows[0].values())) if rows else None

    def run(self, sql: str, *values: Any) -> None:
        with self.connection.cursor() as cursor:
            cursor.execute(sql, values or None)

    def replica_status(self) -> dict[str, Any]:
        rows = self.rows("SHOW REPLICA STATUS")
        return rows[0] if rows else {}

    def lacks(self, whole: str, part: str) -> str:
        """The transactions of ``whole`` that ``part`` has not."""
        return str(self.value("SELECT GTID_SUBTRACT(%s, %s)", whole, part)).replace("\n", "")


def wait_for_server(socket: str, seconds: float) -> Server:
    """The local server, as soon as it answers."""
    until = time.monotonic() + seconds
    while True:
        try:
            return Server.local(socket)
        except NotAnswering:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)


def read_epoch(path: pathlib.Path) -> dict[str, Any]:
    """The epoch file; empty when there is none."""
    try:
        epoch = json.loads(path.read_text(encoding="utf-8"))
        return {"epoch": int(epoch["epoch"]), "source": str(epoch["source"])}
    except FileNotFoundError:
        return {}


def read_peers(path: pathlib.Path) -> dict[str, Any]:
    """Who is in the cluster as this node's health agent was told, and how many must answer; empty when it was not."""
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
        return {"names": [str(peer["name"]) for peer in held["peers"]], "wanted": int(held["wanted"])}
    except FileNotFoundError:
        return {}


def started_at(pid_file: pathlib.Path) -> float | None:
    """When the process of a pid file started, in seconds of the wall clock."""
    try:
        pid = int(pid_file.read_text(encoding="utf-8"))
        ticks = int(pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[19])
    except (OSError, ValueError):
        return None
    uptime = float(pathlib.Path("/proc/uptime").read_text(encoding="utf-8").split()[0])
    return time.time() - (uptime - ticks / os.sysconf("SC_CLK_TCK"))


def read_state(
    socket: str,
    datadir: pathlib.Path,
    epoch_file: pathlib.Path,
    peers_file: pathlib.Path,
    config_files: list[str],
    pid_file: str,
) -> dict[str, Any]:
    """Everything that discovery needs to know of this node."""
    epoch = read_epoch(epoch_file)
    state: dict[str, Any] = {
        "running": False,
        "reason": "",
        "initialised": (datadir / "mysql.ibd").exists(),
        "epoch": epoch.get("epoch", 0),
        "epoch_source": epoch.get("source", ""),
        "peers": read_peers(peers_file),
        "read_only": True,
        "super_read_only": True,
        "server_uuid": "",
        "gtid_executed": "",
        "gtid_received": "",
        "databases": [],
        "replica": {},
        "restart_wanted": False,
    }
    try:
        server = Server.local(socket, timeout=10)
    except NotAnswering as error:
        state["reason"] = str(error)
        return state
    globals_ = server.rows(
        "SELECT @@GLOBAL.read_only ro, @@GLOBAL.super_read_only sro, @@GLOBAL.gtid_executed gtids, "
        "@@GLOBAL.server_uuid uuid"
    )[0]
    status = server.replica_status()
    state.update(
        running=True,
        read_only=bool(globals_["ro"]),
        super_read_only=bool(globals_["sro"]),
        server_uuid=globals_["uuid"],
        gtid_executed=globals_["gtids"].replace("\n", ""),
        databases=sorted(
            row["name"]
            for row in server.rows("SELECT schema_name AS name FROM information_schema.schemata")
            if row["name"] not in SYSTEM_SCHEMAS
        ),
    )
    if status:
        state["gtid_received"] = status["Retrieved_Gtid_Set"].replace("\n", "")
        state["replica"] = {
            "host": status["Source_Host"],
            "receiving": status["Replica_IO_Running"],
            "applying": status["Replica_SQL_Running"],
            "lag_seconds": status["Seconds_Behind_Source"],
            "error": status["Last_IO_Error"] or status["Last_SQL_Error"],
        }
    start = started_at(pathlib.Path(pid_file))
    if start is not None:
        changes = [pathlib.Path(name).stat().st_mtime for name in config_files if pathlib.Path(name).exists()]
        state["restart_wanted"] = any(change > start + 0.5 for change in changes)
    return state
