"""The gate's verdict over the databases: each thing that can be wrong is found, on the host where it is."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from loading import load

gate = load("plugins/filter/gate_findings.py")

UUID = "11111111-1111-1111-1111-111111111111"
STRANGER = "22222222-2222-2222-2222-222222222222"
TOKEN = "of-this-run"
REPLICAS = ("slave1", "slave2")
NAMES = ("maestro1", *REPLICAS)
PRODUCTS = "db_inventario.products"
Nodes = dict[str, dict[str, Any]]


def reading(source: bool = False) -> dict[str, Any]:
    return {
        "reached": True,
        "gtids": f"{UUID}:1-100",
        "writable": source,
        "super_read_only": not source,
        "channel": not source,
        "receiving": "" if source else "Yes",
        "applying": "" if source else "Yes",
        "error": "",
        "token": TOKEN,
        "databases": ["db_cluster", "db_inventario"],
        "schemas": {PRODUCTS: "definition"},
        "grants": {"'reader'@'%'": "GRANT SELECT"},
        "checksums": sums([[10000, "a"], [17, "b"]]),
        "agent": {"source": 200, "replica": 200} if source else {"source": 503, "replica": 200},
    }


def sums(chunks: list[list[Any]], last: int = 100, unfinished: bool = False) -> dict[str, Any]:
    gtids = f"{UUID}:1-{last}" if last else ""
    return {"gtids": gtids, "tables": {PRODUCTS: chunks}, "unfinished": [PRODUCTS] if unfinished else []}


@pytest.fixture
def nodes() -> Nodes:
    """What a sound cluster says, by node."""
    found: Nodes = {name: {"name": name, "read": {"reading": reading()}} for name in REPLICAS}
    found["maestro1"] = {
        "name": "maestro1",
        "mark": {"reading": {"writable": True, "gtids": f"{UUID}:1-100", "canary_error": ""}},
        "read": {"reading": reading(source=True)},
        "sets": {"reading": {"gtids": f"{UUID}:1-105"}},
    }
    return found


def judge(nodes: Nodes, token: str = TOKEN) -> dict[str, list[Any]]:
    verdict: dict[str, list[Any]] = gate.gate_database_findings(nodes.values(), token, NAMES)
    return verdict


def read_of(nodes: Nodes, name: str) -> dict[str, Any]:
    answer: dict[str, Any] = nodes[name]["read"]["reading"]
    return answer


def look_again(nodes: Nodes, source: dict[str, Any], replica: dict[str, Any]) -> None:
    nodes["maestro1"]["source_again"] = {"reading": {"checksums": source}}
    for name in REPLICAS:
        nodes[name]["again"] = {"reading": {"checksums": copy.deepcopy(source)}}
    nodes["slave2"]["again"] = {"reading": {"checksums": replica}}


def messages(verdict: dict[str, list[Any]]) -> list[tuple[str, str]]:
    return [(item["host"], item["message"]) for item in verdict["findings"]]


def test_a_sound_cluster_has_no_findings(nodes: Nodes) -> None:
    assert judge(nodes) == {"findings": [], "suspects": [], "again": [], "left": [], "unfinished": [], "rows": [10017]}


FAULTS: dict[str, tuple[dict[str, Any], str, str]] = {
    "no channel": ({"channel": False}, "mysql", "replicates from nobody"),
    "receiver": ({"receiving": "No", "error": "error 1236"}, "mysql", "receiver does not run (No) error 1236"),
    "receiver connects": ({"receiving": "Connecting"}, "mysql", "receiver does not run (Connecting)"),
    "applier": ({"applying": "No", "error": "error 1062"}, "mysql", "applier does not run (No) error 1062"),
    "lag or hole": ({"reached": False}, "mysql", "has not reached the source's transactions in time"),
    "canary": ({"token": "of-an-older-run"}, "mysql", "canary row written now has not arrived"),
    "no canary table": ({"token": None}, "mysql", "canary row written now has not arrived"),
    "errant": ({"gtids": f"{UUID}:1-100,{STRANGER}:1-2"}, "mysql", f"the source has not: {STRANGER}:1-2"),
    "ahead": ({"gtids": f"{UUID}:1-107"}, "mysql", f"the source has not: {UUID}:106-107"),
    "database": ({"databases": ["db_cluster"]}, "mysql", "source's databases: db_inventario"),
    "schema": ({"schemas": {PRODUCTS: "other"}}, "mysql", f"definition of {PRODUCTS} is not the source's"),
    "table missing": ({"schemas": {}}, "mysql", f"definition of {PRODUCTS} is not the source's"),
    "grant": ({"grants": {"'reader'@'%'": "GRANT ALL"}}, "mysql", "account 'reader'@'%' is not the source's"),
    "account missing": ({"grants": {}}, "mysql", "account 'reader'@'%' is not the source's"),
    "open": ({"super_read_only": False}, "db-health", "is not super_read_only"),
    "agent stale": ({"agent": {"source": 503, "replica": 503}}, "db-health", "its agent should offer it as a fresh"),
    "agent claims": ({"agent": {"source": 200, "replica": 200}}, "db-health", "its agent should offer it as a fresh"),
    "agent silent": ({"agent": {"source": 0, "replica": 0}}, "db-health", "its agent should offer it as a fresh"),
}


@pytest.mark.parametrize(("change", "unit", "message"), FAULTS.values(), ids=FAULTS)
def test_a_fault_of_a_replica_is_found(nodes: Nodes, change: dict[str, Any], unit: str, message: str) -> None:
    read_of(nodes, "slave2").update(change)
    (found,) = judge(nodes)["findings"]
    assert (found["host"], found["unit"]) == ("slave2", unit)
    assert message in found["message"]


def test_several_faults_are_said_at_once(nodes: Nodes) -> None:
    read_of(nodes, "slave1")["applying"] = "No"
    read_of(nodes, "slave2").update(super_read_only=False, schemas={})
    assert [host for host, _ in messages(judge(nodes))] == ["slave1", "slave2", "slave2"]


def test_transactions_that_arrived_between_two_questions_are_not_errant(nodes: Nodes) -> None:
    read_of(nodes, "slave2")["gtids"] = f"{UUID}:1-104"
    assert judge(nodes)["findings"] == []


def test_no_canary_is_looked_for_in_check_mode(nodes: Nodes) -> None:
    read_of(nodes, "slave1")["token"] = "of-an-older-run"
    assert judge(nodes, token="")["findings"] == []


def test_a_canary_that_could_not_be_written_is_the_sources_fault_alone(nodes: Nodes) -> None:
    nodes["maestro1"]["mark"]["reading"]["canary_error"] = "timed out"
    for name in REPLICAS:
        read_of(nodes, name)["token"] = "of-an-older-run"
    ((host, message),) = messages(judge(nodes))
    assert host == "maestro1"
    assert "canary row could not be written: timed out" in message


def test_a_source_that_its_agent_does_not_offer_is_found(nodes: Nodes) -> None:
    read_of(nodes, "maestro1")["agent"] = {"source": 503, "replica": 503}
    ((host, message),) = messages(judge(nodes))
    assert host == "maestro1"
    assert "takes writes, but its agent answers" in message


def two_writable(nodes: Nodes) -> list[str]:
    read_of(nodes, "slave1").update(writable=True, super_read_only=False)
    return ["maestro1", "slave1"]


def none_writable(nodes: Nodes) -> list[str]:
    read_of(nodes, "maestro1").update(writable=False, super_read_only=True)
    return list(NAMES)


@pytest.mark.parametrize("spoil", [two_writable, none_writable])
def test_a_cluster_without_exactly_one_source_is_refused(nodes: Nodes, spoil: Callable[[Nodes], list[str]]) -> None:
    at_fault = spoil(nodes)
    found = messages(judge(nodes))
    assert sorted(host for host, _ in found) == sorted(at_fault)
    assert all("one database node must take writes" in message for _, message in found)


@pytest.mark.parametrize("answer", [None, {}, {"unreachable": True}, {"failed": True, "msg": "no module"}])
def test_a_node_that_did_not_answer_is_named(nodes: Nodes, answer: dict[str, Any] | None) -> None:
    nodes["slave2"] = {"name": "slave2"} if answer is None else {"name": "slave2", "read": answer}
    ((host, message),) = messages(judge(nodes))
    assert host == "slave2"
    assert "unreachable" in message


def test_a_server_that_is_down_is_named_with_its_reason(nodes: Nodes) -> None:
    nodes["slave2"]["read"] = {"reading": {"failure": "MySQL does not answer: refused"}}
    assert messages(judge(nodes)) == [("slave2", "MySQL does not answer: refused")]


@pytest.mark.parametrize(
    ("marks", "source"),
    [
        ({"maestro1": True, "slave1": False}, "maestro1"),
        ({"maestro1": False, "slave1": True}, "slave1"),
        ({"maestro1": True, "slave1": True}, ""),
        ({"maestro1": False, "slave1": False}, ""),
        ({"maestro1": None, "slave1": True}, "slave1"),
    ],
)
def test_the_source_is_the_one_that_takes_writes(marks: dict[str, bool | None], source: str) -> None:
    records = [
        {"name": name, "mark": {"unreachable": True} if writable is None else {"reading": {"writable": writable}}}
        for name, writable in marks.items()
    ]
    assert gate.gate_source(records) == source


# --- rows -----------------------------------------------------------------------------------------------------------

DROPPED = [[10000, "a"], [16, "x"]]
WHOLE = [[10000, "a"], [17, "b"]]
ROWS = ("slave2", f"the rows of {PRODUCTS} are not the source's")


def test_a_dropped_row_is_found_and_looked_at_a_second_time(nodes: Nodes) -> None:
    read_of(nodes, "slave2")["checksums"] = sums(DROPPED)
    verdict = judge(nodes)
    assert messages(verdict) == [ROWS]
    assert verdict["suspects"] == verdict["again"] == [PRODUCTS]
    look_again(nodes, sums(WHOLE), sums(DROPPED))
    verdict = judge(nodes)
    assert messages(verdict) == [ROWS]
    assert verdict["again"] == []


def test_a_table_that_the_replica_has_not_differs(nodes: Nodes) -> None:
    read_of(nodes, "slave2")["checksums"] = {"gtids": f"{UUID}:1-100", "tables": {}, "unfinished": []}
    assert ROWS in messages(judge(nodes))


def test_a_table_that_only_the_replica_has_differs(nodes: Nodes) -> None:
    read_of(nodes, "slave2")["checksums"]["tables"]["db_inventario.strange"] = [[1, "z"]]
    assert ("slave2", "the rows of db_inventario.strange are not the source's") in messages(judge(nodes))


def test_a_commit_that_was_seen_before_its_gtid_is_cleared_by_the_second_look(nodes: Nodes) -> None:
    read_of(nodes, "maestro1")["checksums"] = sums([[10000, "a"], [18, "c"]])
    assert [host for host, _ in messages(judge(nodes))] == list(REPLICAS)
    look_again(nodes, sums([[10000, "a"], [18, "c"]], 101), sums([[10000, "a"], [18, "c"]], 101))
    verdict = judge(nodes)
    assert verdict["findings"] == verdict["again"] == []


@pytest.mark.parametrize("moment", [99, 0], ids=["another moment", "writes during the snapshot"])
def test_sums_of_different_moments_are_no_finding_but_taken_again(nodes: Nodes, moment: int) -> None:
    read_of(nodes, "slave2")["checksums"] = sums([[10000, "a"], [16, "x"]], moment)
    verdict = judge(nodes)
    assert verdict["findings"] == []
    assert verdict["again"] == verdict["left"] == [PRODUCTS]


def test_equal_sums_need_no_equal_moment(nodes: Nodes) -> None:
    read_of(nodes, "slave2")["checksums"] = sums(WHOLE, 0)
    assert judge(nodes)["again"] == []


# While writes go on, moments are never equal: what rested on the source between its two readings is compared.
BUSY: dict[str, tuple[list[list[Any]], list[list[Any]], list[list[Any]], bool, bool]] = {
    # first of the source, of the replica in between, last of the source; found, left
    "another table is written": (WHOLE, DROPPED, WHOLE, True, False),
    "written behind the dropped row": (
        [[10000, "a"], [17, "b"]],
        [[10000, "x"], [18, "c"]],
        [[10000, "a"], [19, "d"]],
        True,
        False,
    ),
    "written where it differs": (WHOLE, [[10000, "a"], [18, "c"]], [[10000, "a"], [19, "d"]], False, True),
    "equal at last": (WHOLE, [[10000, "a"], [19, "d"]], [[10000, "a"], [19, "d"]], False, False),
    "rows too many": (WHOLE, [*WHOLE, [3, "z"]], WHOLE, True, False),
    "chunk missing": (WHOLE, [[10000, "a"]], WHOLE, True, False),
    "emptied": (WHOLE, [], WHOLE, True, False),
}


@pytest.mark.parametrize(("first", "between", "last", "found", "left"), BUSY.values(), ids=BUSY)
def test_rows_that_rest_are_compared_while_others_are_written(
    nodes: Nodes,
    first: list[list[Any]],
    between: list[list[Any]],
    last: list[list[Any]],
    found: bool,
    left: bool,
) -> None:
    read_of(nodes, "maestro1")["checksums"] = sums(first, 0)
    read_of(nodes, "slave2")["checksums"] = sums([[5, "?"]], 0)
    look_again(nodes, sums(last, 0), sums(between, 0))
    verdict = judge(nodes)
    assert messages(verdict) == ([ROWS] if found else [])
    assert verdict["left"] == verdict["again"] == ([PRODUCTS] if left else [])


def test_a_difference_seen_at_one_moment_stays_one_when_the_second_look_tells_nothing(nodes: Nodes) -> None:
    read_of(nodes, "slave2")["checksums"] = sums(DROPPED)
    look_again(nodes, sums([[10000, "q"], [17, "b"]], 0), sums([[10000, "r"], [16, "x"]], 0))
    assert messages(judge(nodes)) == [ROWS]


def test_where_the_time_ran_out_the_common_part_is_compared_and_the_table_is_said(nodes: Nodes) -> None:
    read_of(nodes, "slave2")["checksums"] = sums(WHOLE[:1], unfinished=True)
    verdict = judge(nodes)
    assert verdict["findings"] == verdict["again"] == []
    assert verdict["unfinished"] == [PRODUCTS]


def test_a_difference_in_the_common_part_is_found_where_the_time_ran_out(nodes: Nodes) -> None:
    read_of(nodes, "slave2")["checksums"] = sums([[10000, "x"]], unfinished=True)
    assert messages(judge(nodes)) == [ROWS]
    look_again(nodes, sums(WHOLE, 0), sums([[10000, "x"]], 0, unfinished=True))
    assert messages(judge(nodes)) == [ROWS]


def test_a_run_without_database_nodes_expects_nothing_of_them() -> None:
    """They were left out by --limit; the load balancer is asked all the same."""
    found = gate.gate_database_findings([{"name": "maestro1"}, {"name": "slave1"}], "token", [])
    assert not found["findings"]
