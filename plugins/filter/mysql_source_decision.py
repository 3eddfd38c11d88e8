"""Decide who the source of replication is, from what every database node says of itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

Intervals = list[tuple[int, int]]
GtidSet = dict[str, Intervals]


def parse_gtids(text: str) -> GtidSet:
    """Read MySQL's text form: ``uuid[:tag]:1-5:7,uuid2:1``; intervals come out sorted and merged."""
    found: GtidSet = {}
    for part in (part.strip() for part in text.replace("\n", "").split(",")):
        if not part:
            continue
        uuid, *fields = part.split(":")
        key = uuid.lower()
        for field in (field.strip() for field in fields):
            if not field[:1].isdigit():
                # a tag holds for the intervals behind it
                key = f"{uuid.lower()}:{field.lower()}"
                continue
            first, _, last = field.partition("-")
            found.setdefault(key, []).append((int(first), int(last or first)))
    return {key: _merge(intervals) for key, intervals in found.items()}


def _merge(intervals: Iterable[tuple[int, int]]) -> Intervals:
    merged: Intervals = []
    for first, last in sorted(intervals):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return merged


def union(*sets: GtidSet) -> GtidSet:
    """All transactions of all sets."""
    joined: GtidSet = {}
    for one in sets:
        for key, intervals in one.items():
            joined[key] = _merge([*joined.get(key, []), *intervals])
    return joined


def missing(whole: GtidSet, part: GtidSet) -> GtidSet:
    """The transactions of ``whole`` that are not in ``part``."""
    left: GtidSet = {}
    for key, intervals in whole.items():
        rest: Intervals = []
        for first, last in intervals:
            for begin, end in part.get(key, []):
                if end < first or begin > last:
                    continue
                if begin > first:
                    rest.append((first, begin - 1))
                first = end + 1
                if first > last:
                    break
            if first <= last:
                rest.append((first, last))
        if rest:
            left[key] = rest
    return left


def show(gtids: GtidSet) -> str:
    """MySQL's text form again."""
    return ",".join(
        ":".join([key, *(str(first) if first == last else f"{first}-{last}" for first, last in intervals)])
        for key, intervals in sorted(gtids.items())
    )


class Node:
    """One database node as mysql_node_state read it; ``answers`` is False for one that could not be asked."""

    def __init__(self, record: Mapping[str, Any]) -> None:
        state = (record.get("reading") or {}).get("state") or {}
        self.record = record
        self.name = str(record["name"])
        self.reachable = bool(state)
        self.running = bool(state.get("running"))
        self.fresh = self.reachable and not state.get("initialised") and not self.running
        self.answers = self.running or self.fresh
        self.reason = str(state.get("reason", "")) or "unreachable, or left out of this run by --limit"
        self.epoch = int(state.get("epoch", 0))
        self.epoch_source = str(state.get("epoch_source", ""))
        self.peers: dict[str, Any] = state.get("peers") or {}
        self.writable = self.running and not state["read_only"] and not state["super_read_only"]
        self.replica: dict[str, Any] = state.get("replica") or {}
        self.is_replica = bool(self.replica)
        self.executed = parse_gtids(str(state.get("gtid_executed", "")))
        self.held = union(self.executed, parse_gtids(str(state.get("gtid_received", ""))))
        self.holds_nothing = self.answers and not self.held and not state.get("databases")
        self.empty = self.holds_nothing and not self.epoch


def names(nodes: Iterable[Node]) -> str:
    return ", ".join(node.name for node in nodes) or "none"


def refuse(message: str) -> dict[str, Any]:
    return {"action": "refuse", "source": "", "epoch": 0, "message": message}


def _continue(node: Node, nodes: list[Node]) -> dict[str, Any]:
    epoch = max([1, *(other.epoch for other in nodes)])
    return {
        "action": "continue",
        "source": node.name,
        "epoch": epoch,
        "message": f"{node.name} is the source (epoch {epoch})",
    }


def peers_wanted(count: int) -> int:
    """How many of ``count`` nodes, the source included, must answer: one of them is in every majority."""
    return count - (count // 2 + 1) + 1


class Membership(NamedTuple):
    """Who counts: as the inventory has it, or as a node was told before the inventory changed."""

    names: frozenset[str]
    # how many of them must answer for a source to open; a promotion needs so many that fewer are left
    answers: int

    @property
    def majority(self) -> int:
        return max(len(self.names) // 2 + 1, len(self.names) - self.answers + 1)

    def lacking(self, present: Iterable[str], wanted: int) -> str:
        """Nothing, or why these nodes are too few."""
        found = self.names & set(present)
        if len(found) >= wanted:
            return ""
        there = ", ".join(sorted(found)) or "none"
        return f"{wanted} of {', '.join(sorted(self.names))} are wanted, and there are {there}"


def memberships(nodes: Iterable[Node]) -> list[Membership]:
    """The inventory's, and every other one that a node that answers was told of and has not been told to change yet."""
    nodes = list(nodes)
    known = [Membership(frozenset(node.name for node in nodes), peers_wanted(len(nodes)))]
    known += [
        Membership(frozenset(node.peers["names"]), max(node.peers["wanted"], peers_wanted(len(node.peers["names"]))))
        for node in nodes
        if node.peers
    ]
    return list(dict.fromkeys(known))


def _with_writable(writable: list[Node], answering: list[Node], nodes: list[Node]) -> dict[str, Any]:
    if len(writable) > 1:
        return refuse(
            f"{names(writable)} are writable at the same time. Close all but the right one there "
            "(mysql -e 'SET GLOBAL super_read_only=ON'), then run again."
        )
    source = writable[0]
    newer = [node for node in nodes if node.epoch > source.epoch and node.epoch_source != source.name]
    if newer:
        top = max(newer, key=lambda node: node.epoch)
        return refuse(
            f"{source.name} is writable in epoch {source.epoch}, but {names(newer)} know epoch {top.epoch} "
            f"with source {top.epoch_source}: "
            "a promotion was interrupted. Finish it: ansible-playbook playbooks/switchover.yml -e "
            f"new_source={top.epoch_source}"
        )
    if source.holds_nothing and any(not node.holds_nothing for node in answering):
        full = [node for node in answering if not node.holds_nothing]
        return refuse(
            f"{source.name} is writable but holds no data, while {names(full)} hold some. Close it "
            "(mysql -e 'SET GLOBAL super_read_only=ON'), then: ansible-playbook playbooks/failover.yml -e "
            f"new_source={full[0].name}"
        )
    told = set(source.peers.get("names", []))
    new = [node for node in nodes if node.name not in told]
    if told and len(new) >= len(nodes) // 2 + 1:
        return refuse(
            f"{names(new)} would be a majority that {source.name} was not told of yet: they could promote another "
            f"source beside it. Add at most {len(told)} database node(s) at once, run site.yml, then add the others."
        )
    return _continue(source, nodes)


def _from_epoch(answering: list[Node], silent: list[Node], nodes: list[Node]) -> dict[str, Any]:
    wanted = peers_wanted(len(nodes))
    if len(answering) < wanted:
        return refuse(
            f"no node is writable and only {len(answering)} of {len(nodes)} answer ({names(answering)}); at "
            f"least {wanted} must, to be sure "
            f"that no promotion is missed. Start {names(silent)} and run again."
        )
    for told in memberships(nodes):
        lacking = told.lacking((node.name for node in answering), peers_wanted(len(told.names)))
        if lacking:
            return refuse(
                f"no node is writable, and the nodes were told of others than the inventory has: {lacking}. Start the "
                "missing ones, or put them back into the inventory, and run again."
            )
    top = max(node.epoch for node in nodes)
    if not top:
        return refuse(
            f"no node is writable and {names(node for node in nodes if not node.empty)} hold data of an "
            "unknown history (no epoch file). "
            "Open the node that holds the right data (mysql -e 'SET GLOBAL super_read_only=OFF, "
            "read_only=OFF'), then run again."
        )
    recorded = {node.epoch_source for node in nodes if node.epoch == top}
    if len(recorded) > 1:
        return refuse(
            f"epoch {top} names more than one source: {', '.join(sorted(recorded))}. Take the right one with "
            "ansible-playbook playbooks/failover.yml -e new_source=NODE"
        )
    name = recorded.pop()
    source = next((node for node in nodes if node.name == name), None)
    others = [node for node in answering if node.name != name]
    best = max(others, key=lambda node: sum(b - a + 1 for i in node.held.values() for a, b in i), default=None)
    failover = f"ansible-playbook playbooks/failover.yml -e new_source={best.name if best else 'NODE'}"
    if source is None:
        return refuse(f"the source of epoch {top}, {name}, is not in the inventory. Put it back, or: {failover}")
    if not source.answers:
        return refuse(
            f"{name} is the source (epoch {top}) and does not answer ({source.reason}); no other node is writable. "
            f"Start it and run again; if it is lost: {failover}"
        )
    lost = missing(union(*(node.held for node in others)), source.held)
    if source.holds_nothing and any(not node.holds_nothing for node in others):
        return refuse(
            f"{name} is the source (epoch {top}) but holds no data, while "
            f"{names(node for node in others if not node.holds_nothing)} hold some: "
            "its volume was deleted. It must not open empty over full replicas. Make one of those the "
            f"source: {failover}"
        )
    if source.is_replica:
        return refuse(
            f"{name} is the source of epoch {top} but still replicates: a promotion was interrupted. Finish it: "
            f"ansible-playbook playbooks/switchover.yml -e new_source={name}; if the old source is lost: "
            f"ansible-playbook playbooks/failover.yml -e new_source={name}"
        )
    if lost:
        return refuse(
            f"{name} is the source (epoch {top}) but lacks transactions that "
            f"{names(node for node in others if missing(node.held, source.held))} "
            f"hold: {show(lost)}. Look at them there, then make the node that holds all of them the source: {failover}"
        )
    return _continue(source, nodes)


def source_decision(records: Iterable[Mapping[str, Any]], initial_sources: Iterable[str]) -> dict[str, Any]:
    """Give ``{action, source, epoch, message}``; action is bootstrap, continue or refuse.

    :param records: one for each database node of the inventory: its name and, where it could be asked, the result of
        mysql_node_state as ``reading``.
    :param initial_sources: where the inventory says that a *new* cluster starts; looked at for nothing else.
    """
    nodes = [Node(record) for record in records]
    answering = [node for node in nodes if node.answers]
    silent = [node for node in nodes if not node.answers]
    if not nodes:
        return refuse("there is no database node in the inventory.")
    writable = [node for node in answering if node.writable]
    if writable:
        return _with_writable(writable, answering, nodes)
    if all(node.empty for node in answering):
        if silent:
            said = "; ".join(f"{node.name}: {node.reason}" for node in silent)
            return refuse(
                f"a new cluster starts only when every database node answers and is empty. Not answering: {said}. "
                "Start them, or take them out of the inventory, and run again."
            )
        starts = [name for name in initial_sources if name in {node.name for node in nodes}]
        if len(starts) != 1:
            return refuse(f"a new cluster needs exactly one node in the group db_source, not {len(starts)}.")
        return {
            "action": "bootstrap",
            "source": starts[0],
            "epoch": 1,
            "message": f"a new cluster starts with source {starts[0]}",
        }
    return _from_epoch(answering, silent, nodes)


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Any]:
        return {"mysql_source_decision": source_decision}
