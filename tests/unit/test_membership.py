"""While the number of database nodes changes, no promotion passes by a source that stays open, wherever it ends."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from loading import load

decision = load("plugins/filter/mysql_source_decision.py")
plan = load("plugins/filter/mysql_promotion_plan.py")

UUID = "ea59d13f-e700-11f1-98d0-0242ac1e021f"
SOURCE = "n0"


def told(names: Iterable[str]) -> dict[str, Any]:
    names = list(names)
    return {"names": names, "wanted": decision.peers_wanted(len(names))}


def record(name: str, peers: dict[str, Any], **changes: Any) -> dict[str, Any]:
    state = {
        "running": True,
        "epoch": 1,
        "epoch_source": SOURCE,
        "read_only": True,
        "super_read_only": True,
        "gtid_executed": f"{UUID}:1-10",
        "databases": ["db"],
        "peers": peers,
        "replica": {"host": "x", "receiving": "Yes", "applying": "Yes", "lag_seconds": 0},
    }
    return {"name": name, "reading": {"state": state | changes}}


def silent(name: str) -> dict[str, Any]:
    return {"name": name, "reading": {"unreachable": True}}


def subsets(names: Iterable[str]) -> Iterator[set[str]]:
    names = list(names)
    for size in range(len(names) + 1):
        yield from map(set, itertools.combinations(names, size))


def grown(before: list[str], after: list[str]) -> Iterator[dict[str, list[str]]]:
    """What the nodes were told at any moment of site.yml: the source first, a new node nothing until its turn."""
    old = dict.fromkeys(before, before)
    yield old
    for others in subsets(set(after) - {SOURCE}):
        yield old | dict.fromkeys([SOURCE, *others], after)


def shrunk(before: list[str], after: list[str]) -> Iterator[dict[str, list[str]]]:
    """The same of remove_node.yml: the source last, and nothing for the one that leaves."""
    old = dict.fromkeys(before, before)
    for others in subsets(set(after) - {SOURCE}):
        yield old | dict.fromkeys(others, after)
    yield old | dict.fromkeys(after, after)


def names(count: int) -> list[str]:
    return [f"n{number}" for number in range(count)]


# nodes before, nodes after, what they were told half way
CHANGES = [
    *((count, count + more, grown) for count in range(1, 5) for more in range(1, min(count, 2) + 1)),
    *((count, count - 1, shrunk) for count in range(2, 8)),
]


@pytest.mark.parametrize(("count", "then", "half_way"), CHANGES)
def test_no_promotion_leaves_the_old_source_open(count: int, then: int, half_way: Any) -> None:
    """The source is cut off together with whoever did not raise the epoch: too few must be left for it to stay open."""
    before, after = names(count), names(then)
    # the one that leaves is in the inventory until it is gone
    inventory = max(before, after, key=len)
    promoted = 0
    for knows in half_way(before, after):
        for raised in subsets(set(inventory) - {SOURCE}):
            records = [
                record(name, told(knows[name]) if name in knows else {}) if name in raised else silent(name)
                for name in inventory
            ]
            if plan.majority_lacking(records, raised):
                continue
            promoted += 1
            counted = set(knows[SOURCE])
            assert len(counted - raised) < decision.peers_wanted(len(counted)), (knows, raised)
    # with two nodes the other one alone is no majority: nothing can be promoted by anybody
    assert promoted or len(inventory) <= 2 or (count, then) == (2, 4)


def test_without_a_change_the_majority_is_what_it_was() -> None:
    records = [record(name, told(names(4))) for name in names(4)]
    assert not plan.majority_lacking(records, ["n1", "n2", "n3"])
    assert "3 of n0, n1, n2, n3" in plan.majority_lacking(records, ["n1", "n2"])


def test_a_stricter_number_of_peers_does_not_weaken_a_majority() -> None:
    peers = {"names": names(4), "wanted": 4}
    assert plan.majority_lacking([record(name, peers) for name in names(4)], ["n1", "n2"])


def test_a_node_deleted_from_the_inventory_still_counts_until_all_are_told() -> None:
    """The epoch may have been raised where nobody looks any more, so a silent source is not taken for certain."""
    of_before = told(names(3))
    closed = record(SOURCE, of_before, replica={})
    refused = decision.source_decision([closed, silent("n1")], [SOURCE])
    assert refused["action"] == "refuse"
    assert "2 of n0, n1, n2 are wanted, and there are n0" in refused["message"]
    assert decision.source_decision([closed, record("n1", of_before)], [SOURCE])["source"] == SOURCE


def test_more_new_nodes_than_old_ones_are_refused() -> None:
    source = record(SOURCE, told([SOURCE]), replica={}, read_only=False, super_read_only=False)
    new = [record(name, {}, gtid_executed="", databases=[], epoch=0, replica={}) for name in ("n1", "n2")]
    assert decision.source_decision([source, new[0]], [SOURCE])["source"] == SOURCE
    refused = decision.source_decision([source, *new], [SOURCE])
    assert refused["action"] == "refuse"
    assert "n1, n2" in refused["message"]
    assert "at most 1 database node" in refused["message"]
