"""Decide whether another node may become the source, and in which epoch."""

from __future__ import annotations

import importlib.util
import pathlib
from collections.abc import Iterable, Mapping
from typing import Any

# Ansible loads filter files one by one and not as a package, so a neighbour is loaded by its path
_spec = importlib.util.spec_from_file_location(
    "mysql_source_decision", pathlib.Path(__file__).with_name("mysql_source_decision.py")
)
assert _spec
assert _spec.loader
decision = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(decision)


def majority(count: int) -> int:
    return count // 2 + 1


def majority_lacking(records: Iterable[Mapping[str, Any]], raised: Iterable[str]) -> str:
    """Why an epoch that these nodes raised would not fence off every source there may be; nothing where it does.

    While the number of nodes changes, a source may still count by the nodes of before, or already by those to come.
    """
    raised = list(raised)
    for told in decision.memberships(decision.Node(record) for record in records):
        lacking = told.lacking(raised, told.majority)
        if lacking:
            return (
                f"the epoch must be raised on a majority of all nodes that may count: {lacking}. Start the others, or "
                "put the inventory back as it was"
            )
    return ""


def _size(gtids: Mapping[str, list[tuple[int, int]]]) -> int:
    return sum(last - first + 1 for intervals in gtids.values() for first, last in intervals)


def refuse(message: str) -> dict[str, Any]:
    return {"action": "refuse", "message": message, "new_source": "", "old_source": "", "epoch": 0, "followers": []}


def _promote(new: Any, old: str, nodes: list[Any], followers: list[Any]) -> dict[str, Any]:
    top = max(node.epoch for node in nodes)
    named = {node.epoch_source for node in nodes if node.epoch == top}
    return {
        "action": "promote",
        "message": f"{new.name} becomes the source",
        "new_source": new.name,
        "old_source": old,
        # an interrupted promotion of the same node goes on in the epoch that it raised
        "epoch": top if named == {new.name} else top + 1,
        "followers": [node.name for node in followers],
    }


def _reachable_enough(nodes: list[Any], force: bool) -> str:
    reachable = [node for node in nodes if node.reachable]
    wanted = majority(len(nodes))
    if force:
        return ""
    if len(reachable) >= wanted:
        return majority_lacking(_again(nodes), [node.name for node in reachable])
    return (
        f"the epoch must be raised on {wanted} of {len(nodes)} database nodes first, and only "
        f"{decision.names(reachable)} "
        f"can be reached: start {decision.names(node for node in nodes if not node.reachable)}. Only when "
        "the old source is off for "
        "good and can't come back writable by itself: -e failover_force=true"
    )


def switchover_plan(
    records: Iterable[Mapping[str, Any]], initial_sources: Iterable[str], new_source: str, max_lag: int
) -> dict[str, Any]:
    """Plan a hand-over while the source is well; also finishes one that was interrupted."""
    nodes = [decision.Node(record) for record in records]
    by_name = {node.name: node for node in nodes}
    new = by_name.get(new_source)
    if new is None:
        return refuse(
            f"new_source={new_source or '(not given)'} is no database node; choose one of {decision.names(nodes)}"
        )
    if not new.running:
        return refuse(f"{new.name} does not answer ({new.reason}): it can't become the source")
    reason = _reachable_enough(nodes, force=False)
    if reason:
        return refuse(reason)
    writable = [node for node in nodes if node.writable]
    top = max(node.epoch for node in nodes)
    unfinished = {node.epoch_source for node in nodes if node.epoch == top} == {new.name} and new.is_replica
    others = [node for node in nodes if node.running and node is not new]
    if len(writable) > 1:
        return refuse(decision.source_decision(_again(nodes), initial_sources)["message"])
    if writable == [new]:
        return _promote(new, "", nodes, others)
    if not writable and not unfinished:
        known = decision.source_decision(_again(nodes), initial_sources)
        remedy = "run site.yml first" if known["action"] == "continue" else known["message"]
        return refuse(f"no node is writable, so there is nothing to hand over: {remedy}")
    if writable:
        old = writable[0]
    else:
        full = [node for node in others if not node.is_replica and not node.holds_nothing]
        if len(full) != 1:
            return refuse(
                f"the old source does not answer: ansible-playbook playbooks/failover.yml -e new_source={new.name}"
            )
        old = full[0]
    replica = new.replica
    if replica.get("receiving") != "Yes" or replica.get("applying") != "Yes":
        return refuse(f"{new.name} does not replicate ({replica.get('error') or 'stopped'}): run site.yml first")
    lag = replica.get("lag_seconds")
    if lag is None or int(lag) > max_lag:
        return refuse(f"{new.name} is {lag} s behind; at most {max_lag} s are allowed. Wait, then run again")
    return _promote(new, old.name, nodes, others)


def failover_plan(
    records: Iterable[Mapping[str, Any]],
    initial_sources: Iterable[str],
    new_source: str,
    acknowledgements: int,
    force: bool,
) -> dict[str, Any]:
    """Plan a promotion after the source was lost; without ``new_source`` the node that holds most is taken."""
    nodes = [decision.Node(record) for record in records]
    by_name = {node.name: node for node in nodes}
    if new_source and new_source not in by_name:
        return refuse(f"new_source={new_source} is no database node; choose one of {decision.names(nodes)}")
    known = decision.source_decision(_again(nodes), initial_sources)
    top = max(node.epoch for node in nodes)
    named = {node.epoch_source for node in nodes if node.epoch == top}
    unfinished = bool(new_source) and named == {new_source}
    writable = [node for node in nodes if node.writable]
    if len(writable) > 1:
        return refuse(known["message"])
    if known["action"] != "refuse" and known["source"] != new_source:
        return refuse(
            f"{known['source']} is the source and answers: nothing to fail over from. For a planned change: "
            "ansible-playbook playbooks/switchover.yml -e new_source=NODE; if it is only closed: run site.yml"
        )
    if writable and not unfinished:
        return refuse(
            f"{writable[0].name} is still writable and reachable. Finish or undo what was begun: {known['message']}"
        )
    old = next(iter(named)) if len(named) == 1 and not unfinished else ""
    replicas = [node for node in nodes if node.running and node.name != old and not node.holds_nothing]
    if not replicas:
        return refuse("no replica that holds data can be reached")
    reason = _reachable_enough(nodes, force)
    if reason:
        return refuse(reason)
    count = len(nodes) - 1
    wanted = min(count - acknowledgements + 1, count)
    # one that forgot its source already, in an unfinished failover, counts too
    if len(replicas) < wanted and not force:
        return refuse(
            f"with {acknowledgements} acknowledgement(s) a write is certain to be on one of any {wanted} "
            "replicas, and only "
            f"{decision.names(replicas)} can be reached: acknowledged writes might be lost. Start the "
            "others; if they are lost too "
            "and you accept that: -e failover_force=true"
        )
    if acknowledgements < 1 and not force:
        return refuse(
            "mysql_semisync_acknowledgements is 0: acknowledged writes that no replica received are lost by "
            "a failover. "
            "If you accept that: -e failover_force=true"
        )
    best = max(replicas, key=lambda node: (_size(node.held), node.name == new_source))
    new = by_name[new_source] if new_source else best
    if new not in replicas:
        return refuse(
            f"{new.name} can't become the source: it does not answer, holds no data or is the source that was lost"
        )
    for other in replicas:
        lacking = decision.missing(other.held, new.held)
        if lacking:
            return refuse(
                f"{new.name} lacks transactions that {other.name} holds: {decision.show(lacking)}. "
                f"Take the node that holds all: -e new_source={best.name}"
            )
    return _promote(new, old, nodes, [node for node in replicas if node is not new])


def _again(nodes: list[Any]) -> list[Mapping[str, Any]]:
    return [node.record for node in nodes]


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Any]:
        return {
            "mysql_switchover_plan": switchover_plan,
            "mysql_failover_plan": failover_plan,
            "mysql_majority_lacking": majority_lacking,
        }
