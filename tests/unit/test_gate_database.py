"""What the gate asks of one database node: bounded, whatever the server does."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest
from loading import load

# on a host Ansible puts it there
sys.modules["ansible.module_utils.mysql_node"] = load("plugins/module_utils/mysql_node.py")
gate: ModuleType = load("plugins/modules/gate_database.py")


class Server:
    """A server that answers by what a statement contains."""

    def __init__(self, applier: str = "Yes", reached_after: int = 1, canary: Exception | None = None) -> None:
        self.applier = applier
        self.reached_after = reached_after
        self.canary = canary
        self.waits = 0
        self.ran: list[str] = []

    def value(self, sql: str, *_values: Any) -> Any:
        if "WAIT_FOR_EXECUTED_GTID_SET" in sql:
            self.waits += 1
            return 0 if self.waits >= self.reached_after else 1
        return "uuid:1-7,\nuuid2:1" if "gtid_executed" in sql else 0

    def replica_status(self) -> dict[str, str]:
        return {"Replica_SQL_Running": self.applier}

    def run(self, sql: str, *_values: Any) -> None:
        self.ran.append(sql)
        if self.canary and "INSERT" in sql:
            raise self.canary


PARAMS = {"timeout": 30, "canary_database": "db_cluster", "token": "of-this-run"}


def test_a_replica_that_is_behind_is_waited_for() -> None:
    server = Server(reached_after=3)
    assert gate.reach(server, "uuid:1-7", 30)
    assert server.waits == 3


def test_the_wait_is_bounded() -> None:
    assert not gate.reach(Server(reached_after=99), "uuid:1-7", 0)


def test_an_applier_that_stopped_is_not_waited_for() -> None:
    server = Server(applier="No", reached_after=99)
    assert not gate.reach(server, "uuid:1-7", 3600)
    assert server.waits == 1


def test_nothing_is_waited_for_without_transactions() -> None:
    assert gate.reach(Server(reached_after=99), "", 30)


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Server:
    """The session that writes the canary row."""
    server = Server()
    monkeypatch.setattr(gate.Server, "local", lambda **_: server)
    return server


def test_the_canary_row_is_written_with_its_own_database_selected(session: Server) -> None:
    assert gate.mark(Server(), PARAMS, False) == {"writable": True, "gtids": "uuid:1-7,uuid2:1", "canary_error": ""}
    assert session.ran[0] == "USE `db_cluster`"
    assert "INSERT INTO canary" in session.ran[1]


def test_check_mode_writes_nothing(session: Server) -> None:
    assert gate.mark(Server(), PARAMS, True)["writable"]
    assert session.ran == []


def test_a_commit_that_nobody_acknowledges_is_told_and_holds_nothing_up(session: Server) -> None:
    session.canary = gate.NotAnswering("Lost connection (timed out)")
    assert gate.mark(Server(), PARAMS, False)["canary_error"] == "Lost connection (timed out)"


@pytest.mark.parametrize(
    ("answers", "asked"),
    [
        ([{"source": 503, "replica": 200}], 1),
        ([{"source": 503, "replica": 503}, {"source": 503, "replica": 200}], 2),
    ],
)
def test_an_agent_is_given_a_moment(monkeypatch: pytest.MonkeyPatch, answers: list[dict[str, int]], asked: int) -> None:
    left = list(answers)
    monkeypatch.setattr(gate, "ask_agent", lambda _url, _context: left.pop(0))
    monkeypatch.setattr(gate.ssl, "create_default_context", lambda **_: None)
    monkeypatch.setattr(gate.time, "sleep", lambda _seconds: None)
    assert gate.agent("https://node", "ca.pem", {"source": 503, "replica": 200}) == {"source": 503, "replica": 200}
    assert len(answers) - len(left) == asked


def test_an_agent_that_does_not_come_round_is_told_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "AGENT_SECONDS", 0)
    monkeypatch.setattr(gate, "ask_agent", lambda _url, _context: {"source": 0, "replica": 0})
    monkeypatch.setattr(gate.ssl, "create_default_context", lambda **_: None)
    assert gate.agent("https://node", "ca.pem", {"source": 200}) == {"source": 0, "replica": 0}


def test_a_name_can_not_leave_its_quotes() -> None:
    assert gate.quote("a`b") == "`a``b`"
