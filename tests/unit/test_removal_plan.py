"""Which node may leave a cluster, and what its operator is told."""

from __future__ import annotations

from typing import Any

import pytest
from loading import load

removal = load("plugins/filter/removal_plan.py")

UUID = "ea59d13f-e700-11f1-98d0-0242ac1e021f"
GROUPS = {
    "app_nodes": ["app", "app1"],
    "database": ["maestro1", "slave1", "slave2"],
    "loadbalancers": ["nginx"],
    "all": ["nginx", "app", "app1", "maestro1", "slave1", "slave2"],
}


def database(source: str = "maestro1", dead: tuple[str, ...] = (), closed: bool = False) -> list[dict[str, Any]]:
    """Every database node as it answers."""
    records: list[dict[str, Any]] = []
    for name in GROUPS["database"]:
        if name in dead:
            records.append({"name": name, "reading": {"unreachable": True}})
            continue
        writable = name == source and not closed
        state = {
            "running": True,
            "epoch": 2,
            "epoch_source": source,
            "read_only": not writable,
            "super_read_only": not writable,
            "gtid_executed": f"{UUID}:1-10",
            "databases": ["db_inventario"],
            "replica": {} if name == source else {"host": "x", "receiving": "Yes", "applying": "Yes"},
        }
        records.append({"name": name, "reading": {"state": state}})
    return records


def planned(name: str, records: list[dict[str, Any]] | None = None, acknowledgements: int = 1, **groups: Any) -> Any:
    records = database() if records is None else records
    return removal.removal_plan(name, GROUPS | groups, records, ["maestro1"], acknowledgements)


@pytest.mark.parametrize(("name", "part"), [("app1", "leaving_app"), ("slave1", "leaving_replica")])
def test_a_node_may_leave(name: str, part: str) -> None:
    found = planned(name)
    assert found["action"] == "remove"
    assert found["parts"][:2] == [{"name": name, "part": "leaving"}, {"name": name, "part": part}]
    assert f"delete {name}" in found["afterwards"][0]


def test_the_databases_count_anew_when_one_of_them_leaves_and_only_then() -> None:
    counting = [{"name": name, "part": "counting"} for name in ("maestro1", "slave2")]
    assert planned("slave1")["parts"][2:] == counting
    assert planned("app1")["parts"][2:] == []


def test_a_host_of_two_tiers_is_not_removed_for_one_of_them() -> None:
    found = planned("maestro1", app_nodes=["app", "maestro1"])
    assert found["action"] == "refuse"
    assert "maestro1 belongs to app_nodes and database" in found["message"]


def test_data_are_left_to_the_operator() -> None:
    assert "data were left" in planned("slave1")["afterwards"][-1]


def test_a_dead_replica_may_leave() -> None:
    assert planned("slave1", database(dead=("slave1",)))["action"] == "remove"


def test_an_app_node_needs_no_database_to_leave() -> None:
    assert planned("app", database(dead=("maestro1", "slave1", "slave2")))["action"] == "remove"


def test_the_source_of_before_may_leave_and_its_group_needs_another() -> None:
    found = planned("maestro1", database(source="slave1"))
    assert found["action"] == "remove"
    assert any("slave1 into db_source" in line for line in found["afterwards"])


@pytest.mark.parametrize(
    ("name", "records", "acknowledgements", "said"),
    [
        ("", None, 1, "-e node=NAME (app nodes: app, app1; database nodes: maestro1, slave1, slave2)"),
        ("app9", None, 1, "node=app9 is no host of this inventory"),
        ("nginx", None, 1, "nginx is a load balancer"),
        ("maestro1", None, 1, "switchover.yml -e new_source=NODE (slave1, slave2)"),
        ("maestro1", database(closed=True), 1, "maestro1 is the source"),
        ("slave1", database(dead=("maestro1",)), 1, "failover.yml"),
        ("slave1", database(dead=("slave2",)), 1, "slave2 must answer too"),
        ("slave1", None, 2, "without slave1 there are 1 replicas"),
    ],
)
def test_what_is_refused(name: str, records: list[dict[str, Any]] | None, acknowledgements: int, said: str) -> None:
    refused = planned(name, records, acknowledgements)
    assert refused["action"] == "refuse"
    assert said in refused["message"]
    assert not refused["parts"]


def test_the_last_app_node_is_refused() -> None:
    refused = planned("app", app_nodes=["app"])
    assert refused["action"] == "refuse"
    assert "last app node" in refused["message"]
