"""Who the source is: every situation that a run may find."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from loading import load

decision = load("plugins/filter/mysql_source_decision.py")
plan = load("plugins/filter/mysql_promotion_plan.py")

NAMES = ["maestro1", "slave1", "slave2", "slave3"]
UUID = "ea59d13f-e700-11f1-98d0-0242ac1e021f"
OTHER = "0a59d13f-e700-11f1-98d0-0242ac1e0220"


def state(**changes: Any) -> dict[str, Any]:
    return {
        "running": True,
        "reason": "",
        "initialised": True,
        "epoch": 1,
        "epoch_source": "maestro1",
        "read_only": True,
        "super_read_only": True,
        "gtid_executed": f"{UUID}:1-10",
        "gtid_received": "",
        "databases": ["db_inventario"],
        "replica": {},
    } | changes


def replica(**changes: Any) -> dict[str, Any]:
    channel = {"host": "192.0.2.31", "receiving": "Yes", "applying": "Yes", "lag_seconds": 0, "error": ""}
    return state(replica=channel | changes.pop("channel", {}), **changes)


def source(**changes: Any) -> dict[str, Any]:
    return state(read_only=False, super_read_only=False, **changes)


EMPTY = state(epoch=0, epoch_source="", gtid_executed="", databases=[])
NEW_HOST = EMPTY | {"running": False, "initialised": False}
DOWN = state(running=False, gtid_executed="", databases=[], reason="Can't connect")
GONE = None


def cluster(*states: dict[str, Any] | None) -> list[dict[str, Any]]:
    return [
        {"name": name} | ({"reading": {"state": one}} if one else {"reading": {"unreachable": True}})
        for name, one in zip(NAMES, states, strict=False)
    ]


def decide(*states: dict[str, Any] | None) -> dict[str, Any]:
    return decision.source_decision(cluster(*states), ["maestro1"])


def test_new_cluster_starts_where_the_inventory_says() -> None:
    assert decide(EMPTY, EMPTY, EMPTY, EMPTY) | {"message": ""} == {
        "action": "bootstrap",
        "source": "maestro1",
        "epoch": 1,
        "message": "",
    }


def test_new_hosts_count_as_empty_in_check_mode() -> None:
    assert decide(NEW_HOST, NEW_HOST, EMPTY, NEW_HOST)["action"] == "bootstrap"


@pytest.mark.parametrize("silent", [GONE, DOWN | {"epoch": 0, "epoch_source": ""}])
def test_new_cluster_waits_for_every_node(silent: dict[str, Any] | None) -> None:
    refused = decide(EMPTY, EMPTY, EMPTY, silent)
    assert refused["action"] == "refuse"
    assert "slave3" in refused["message"]


def test_new_cluster_needs_one_initial_source() -> None:
    assert decision.source_decision(cluster(EMPTY, EMPTY), [])["action"] == "refuse"
    assert decision.source_decision(cluster(EMPTY, EMPTY), ["maestro1", "slave1"])["action"] == "refuse"


def test_foreign_data_are_not_a_new_cluster() -> None:
    refused = decide(EMPTY, EMPTY | {"databases": ["shop"]}, EMPTY, EMPTY)
    assert refused["action"] == "refuse"
    assert "slave1" in refused["message"]


def test_interrupted_bootstrap_goes_on() -> None:
    begun = EMPTY | {"epoch": 1, "epoch_source": "maestro1"}
    assert decide(begun, begun, EMPTY, EMPTY)["source"] == "maestro1"
    assert decide(EMPTY, EMPTY, begun, EMPTY)["source"] == "maestro1"


def test_the_writable_node_is_the_source() -> None:
    found = decide(replica(epoch=2, epoch_source="slave1"), source(epoch=2, epoch_source="slave1"), replica(), GONE)
    assert (found["action"], found["source"], found["epoch"]) == ("continue", "slave1", 2)


def test_a_new_replica_does_not_move_the_source() -> None:
    assert decide(source(), EMPTY, replica(), replica())["source"] == "maestro1"


def test_two_writable_nodes_are_refused() -> None:
    refused = decide(source(), source(), replica(), replica())
    assert refused["action"] == "refuse"
    assert "maestro1, slave1" in refused["message"]


def test_a_writable_but_empty_node_is_refused() -> None:
    empty = EMPTY | {"read_only": False, "super_read_only": False}
    refused = decide(empty, replica(), replica(), replica())
    assert refused["action"] == "refuse"
    assert "failover.yml" in refused["message"]


def test_a_promotion_cut_short_is_named() -> None:
    refused = decide(source(), replica(epoch=2, epoch_source="slave1"), replica(), replica())
    assert refused["action"] == "refuse"
    assert "switchover.yml -e new_source=slave1" in refused["message"]
    refused = decide(
        state(epoch=2, epoch_source="slave1"), replica(epoch=2, epoch_source="slave1"), replica(), replica()
    )
    assert "switchover.yml -e new_source=slave1" in refused["message"]


def test_none_writable_the_highest_epoch_decides() -> None:
    closed = state(epoch=2, epoch_source="slave1")
    found = decide(state(), closed, replica(epoch=2, epoch_source="slave1"), replica())
    assert (found["source"], found["epoch"]) == ("slave1", 2)


@pytest.mark.parametrize("dead", [GONE, DOWN])
def test_a_dead_source_is_never_replaced_by_itself(dead: dict[str, Any] | None) -> None:
    refused = decide(dead, replica(), replica(), replica())
    assert refused["action"] == "refuse"
    assert "failover.yml -e new_source=" in refused["message"]


@pytest.mark.parametrize("wiped", [EMPTY, NEW_HOST])
def test_a_wiped_source_never_opens_over_full_replicas(wiped: dict[str, Any]) -> None:
    refused = decide(wiped, replica(), replica(), replica())
    assert refused["action"] == "refuse"
    assert "volume was deleted" in refused["message"]
    assert "failover.yml -e new_source=" in refused["message"]


def test_received_transactions_count() -> None:
    ahead = replica(gtid_received=f"{UUID}:11-12")
    refused = decide(state(), ahead, replica(), replica())
    assert refused["action"] == "refuse"
    assert f"{UUID}:11-12" in refused["message"]


def test_too_few_answers_are_not_enough_to_know_the_epoch() -> None:
    refused = decide(state(), GONE, GONE, GONE)
    assert refused["action"] == "refuse"
    assert "slave1, slave2, slave3" in refused["message"]
    assert decide(state(), replica(), GONE, GONE)["source"] == "maestro1"


def test_one_epoch_with_two_sources_is_refused() -> None:
    assert decide(state(), state(epoch_source="slave1"), replica(), replica())["action"] == "refuse"


def test_a_source_that_left_the_inventory_is_refused() -> None:
    gone = replica(epoch=5, epoch_source="elsewhere")
    assert "elsewhere" in decide(gone, gone, gone, gone)["message"]


readings = st.one_of(
    st.none(),
    st.just(EMPTY),
    st.just(NEW_HOST),
    st.builds(
        lambda epoch, name, closed, channel, numbers, running: state(
            running=running,
            epoch=epoch,
            epoch_source=name if epoch else "",
            read_only=closed,
            super_read_only=closed,
            replica={"host": "x", "receiving": "Yes", "applying": "Yes", "lag_seconds": 0} if channel else {},
            gtid_executed=f"{UUID}:1-{numbers}" if numbers else "",
            databases=["db_inventario"] if numbers else [],
        ),
        st.integers(0, 3),
        st.sampled_from(NAMES),
        st.booleans(),
        st.booleans(),
        st.integers(0, 5),
        st.booleans(),
    ),
)


@given(st.lists(readings, min_size=4, max_size=4))
def test_what_always_holds(states: list[dict[str, Any] | None]) -> None:
    found = decide(*states)
    by_name = dict(zip(NAMES, states, strict=True))
    held = [one for one in states if one and (one["gtid_executed"] or one["epoch"] or one["databases"])]
    if found["action"] == "refuse":
        assert found["message"]
        return
    if found["action"] == "bootstrap":
        # never over a node that is unknown, and never over data
        assert all(states)
        assert not held
        return
    chosen = by_name[found["source"]]
    assert chosen
    # never back into an epoch that somebody has left
    assert found["epoch"] >= max(one["epoch"] for one in states if one)
    writable = [one for one in states if one and one["running"] and not one["read_only"]]
    if writable:
        assert writable == [chosen]
    else:
        assert not chosen["replica"]
        # an empty source never opens over full replicas
        answering = [one for one in states if one and one["running"]]
        assert chosen["gtid_executed"] or not any(one["gtid_executed"] for one in answering)


# --- promotions ------------------------------------------------------------------------------------------------------


def switch(new: str, *states: dict[str, Any] | None) -> dict[str, Any]:
    return plan.switchover_plan(cluster(*states), ["maestro1"], new, 10)


def fail_over(new: str, *states: dict[str, Any] | None, k: int = 1, force: bool = False) -> dict[str, Any]:
    return plan.failover_plan(cluster(*states), ["maestro1"], new, k, force)


def test_switchover_raises_the_epoch() -> None:
    planned = switch("slave1", source(), replica(), replica(), replica())
    assert (planned["action"], planned["old_source"], planned["epoch"]) == ("promote", "maestro1", 2)
    assert planned["followers"] == ["maestro1", "slave2", "slave3"]


def test_switchover_to_the_source_changes_nothing() -> None:
    planned = switch("maestro1", source(), replica(), replica(), replica())
    assert (planned["action"], planned["old_source"], planned["epoch"]) == ("promote", "", 1)


def test_switchover_goes_on_where_it_stopped() -> None:
    known = {"epoch": 2, "epoch_source": "slave1"}
    planned = switch("slave1", state(**known), replica(**known), replica(**known), replica())
    assert (planned["action"], planned["old_source"], planned["epoch"]) == ("promote", "maestro1", 2)
    # raised on a majority that the old source is not in
    planned = switch("slave1", source(), replica(**known), replica(**known), replica(**known))
    assert (planned["action"], planned["old_source"], planned["epoch"]) == ("promote", "maestro1", 2)


@pytest.mark.parametrize(
    ("new", "states", "said"),
    [
        ("", (source(), replica(), replica(), replica()), "not given"),
        ("elsewhere", (source(), replica(), replica(), replica()), "elsewhere"),
        ("slave1", (source(), GONE, replica(), replica()), "slave1 does not answer"),
        ("slave1", (source(), replica(channel={"receiving": "No"}), replica(), replica()), "does not replicate"),
        ("slave1", (source(), replica(channel={"lag_seconds": 60}), replica(), replica()), "60 s behind"),
        ("slave1", (source(), replica(), GONE, GONE), "3 of 4"),
        ("slave1", (GONE, replica(), replica(), replica()), "failover.yml"),
        ("slave1", (state(), replica(), replica(), replica()), "site.yml"),
        ("slave1", (source(), source(), replica(), replica()), "writable at the same time"),
    ],
)
def test_switchover_refuses(new: str, states: tuple[dict[str, Any] | None, ...], said: str) -> None:
    refused = switch(new, *states)
    assert refused["action"] == "refuse"
    assert said in refused["message"]


@pytest.mark.parametrize("lost", [GONE, DOWN, EMPTY])
def test_failover_takes_the_fullest(lost: dict[str, Any] | None) -> None:
    fullest = replica(gtid_received=f"{UUID}:11")
    planned = fail_over("", lost, replica(), fullest, replica())
    assert (planned["action"], planned["new_source"], planned["epoch"]) == ("promote", "slave2", 2)
    assert planned["followers"] == ["slave1", "slave3"]


@pytest.mark.parametrize(
    ("new", "states", "said"),
    [
        ("slave1", (source(), replica(), replica(), replica()), "switchover.yml"),
        ("slave1", (state(), replica(), replica(), replica()), "site.yml"),
        ("slave1", (GONE, replica(), replica(), GONE), "3 of 4"),
        ("slave1", (EMPTY, replica(), replica(), GONE), "might be lost"),
        ("slave1", (GONE, replica(), replica(gtid_received=f"{UUID}:11"), replica()), "new_source=slave2"),
        ("maestro1", (EMPTY, replica(), replica(), replica()), "can't become the source"),
        ("elsewhere", (GONE, replica(), replica(), replica()), "elsewhere"),
    ],
)
def test_failover_refuses(new: str, states: tuple[dict[str, Any] | None, ...], said: str) -> None:
    refused = fail_over(new, *states)
    assert refused["action"] == "refuse"
    assert said in refused["message"]


def test_failover_with_more_acknowledgements_needs_fewer_replicas() -> None:
    assert fail_over("slave1", DOWN, replica(), replica(), GONE, k=2)["action"] == "promote"


def test_failover_by_force_says_what_it_risks_first() -> None:
    states = (GONE, replica(), replica(), GONE)
    assert "failover_force=true" in fail_over("slave1", *states)["message"]
    assert fail_over("slave1", *states, force=True)["action"] == "promote"


def test_failover_without_acknowledgements_is_refused() -> None:
    assert fail_over("", GONE, replica(), replica(), replica(), k=0)["action"] == "refuse"


def test_failover_goes_on_where_it_stopped() -> None:
    known = {"epoch": 2, "epoch_source": "slave1"}
    promoted = state(**known)
    planned = fail_over("slave1", GONE, promoted, replica(**known), replica(**known))
    assert (planned["action"], planned["epoch"], planned["followers"]) == ("promote", 2, ["slave2", "slave3"])
