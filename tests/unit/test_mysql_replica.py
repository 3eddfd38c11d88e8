"""Seeding a replica: nodes that join at once take turns, and what is wrong with a copy is not waited for."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pymysql
import pytest
from loading import load

# on a host Ansible puts it there
sys.modules["ansible.module_utils.mysql_node"] = load("plugins/module_utils/mysql_node.py")
replica = load("plugins/modules/mysql_replica.py")

SOURCE = {"source_host": "192.0.2.31", "source_port": 3306, "user": "replicator", "password": "x", "socket": "s"}
BUSY = pymysql.err.InternalError(
    3862, "Clone Donor Error: 3634 : Too many concurrent clone operations. Maximum allowed - 1.."
)
FORBIDDEN = pymysql.err.InternalError(3862, "Clone Donor Error: 1045 : Access denied for user.")
RESTARTING = pymysql.err.OperationalError(2013, "Lost connection to MySQL server during query")


class Seeded:
    """A blank server; each CLONE fails as told."""

    def __init__(self, *failures: Exception) -> None:
        self._failures: Iterator[Exception] = iter(failures)
        self.copies = 0

    def run(self, sql: str, *_values: Any) -> None:
        if sql.startswith("CLONE"):
            self.copies += 1
            failure = next(self._failures, None)
            if failure:
                raise failure


def seed(monkeypatch: pytest.MonkeyPatch, server: Seeded, clone_timeout: int = 60) -> None:
    monkeypatch.setattr(replica.time, "sleep", lambda _seconds: None)
    monkeypatch.setattr(replica, "wait_for_server", lambda _socket, _seconds: server)
    monkeypatch.setattr(replica, "is_blank", lambda _server: False)
    replica.seed(server, {**SOURCE, "clone_timeout": clone_timeout})


def test_a_source_that_gives_a_copy_to_another_node_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Seeded(BUSY, BUSY, RESTARTING)
    seed(monkeypatch, server)
    assert server.copies == 3


def test_it_is_not_waited_for_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(replica.Refused, match=r"192\.0\.2\.31 has been giving its data to another node"):
        seed(monkeypatch, Seeded(BUSY), clone_timeout=0)


def test_another_failure_of_the_source_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Seeded(FORBIDDEN)
    with pytest.raises(pymysql.MySQLError, match="Access denied"):
        seed(monkeypatch, server)
    assert server.copies == 1
