"""The gate's verdict over the databases: what the nodes said, compared."""

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
gtids = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(gtids)

Finding = dict[str, str]


def finding(host: str, unit: str, message: str) -> Finding:
    """One thing that is wrong: where, whose log tells more, and what."""
    return {"host": host, "unit": unit, "message": message}


def gate_source(marks: Iterable[Mapping[str, Any]]) -> str:
    """The one node that takes writes; empty when it is none or not one."""
    writable = [node["name"] for node in marks if (node.get("mark") or {}).get("reading", {}).get("writable")]
    return writable[0] if len(writable) == 1 else ""


def _differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    return sorted(name for name in {*one, *other} if one.get(name) != other.get(name))


def compare_replica(
    source: Mapping[str, Any], replica: Mapping[str, Any], last_gtids: str, token: str
) -> list[tuple[str, str]]:
    """What is wrong with one replica, as (unit, message)."""
    wrong: list[tuple[str, str]] = []
    if not replica["channel"]:
        wrong.append(("mysql", "replicates from nobody"))
    else:
        for thread, name in (("receiving", "receiver"), ("applying", "applier")):
            if replica[thread] != "Yes":
                wrong.append(("mysql", f"its {name} does not run ({replica[thread]}) {replica['error']}".strip()))
    if not replica["super_read_only"]:
        wrong.append(("db-health", "is not super_read_only"))
    if not replica["reached"]:
        wrong.append(("mysql", "has not reached the source's transactions in time"))
    elif token and replica["token"] != token:
        wrong.append(("mysql", "the canary row written now has not arrived, although its transaction has"))
    errant = gtids.missing(gtids.parse_gtids(replica["gtids"]), gtids.parse_gtids(last_gtids))
    if errant:
        wrong.append(("mysql", f"has transactions that the source has not: {gtids.show(errant)}"))
    if replica["databases"] != source["databases"]:
        names = sorted(set(replica["databases"]) ^ set(source["databases"]))
        wrong.append(("mysql", f"does not have the source's databases: {', '.join(names)}"))
    for kind in ("schemas", "grants"):
        what = {"schemas": "the definition of", "grants": "the account"}[kind]
        wrong.extend(
            ("mysql", f"{what} {name} is not the source's") for name in _differences(source[kind], replica[kind])
        )
    if replica["agent"] and replica["agent"] != {"source": 503, "replica": 200}:
        wrong.append(
            (
                "db-health",
                f"its agent should offer it as a fresh replica and nothing else, but answers {replica['agent']}",
            )
        )
    return wrong


Sums = Mapping[str, Any]


def _common(table: str, *looks: Sums) -> int | None:
    """How many leading chunks all of them have; None where all of them have summed up the whole table."""
    if any(table in look["unfinished"] for look in looks):
        return min(len(look["tables"].get(table, [])) for look in looks)
    return None


def _equal(table: str, one: Sums, other: Sums) -> bool:
    """Where the time ran out on one of them, what both have summed up is compared."""
    common = _common(table, one, other)
    return bool(one["tables"].get(table, [])[:common] == other["tables"].get(table, [])[:common])


def _same_moment(one: Sums, other: Sums) -> bool:
    return bool(one["gtids"]) and bool(one["gtids"] == other["gtids"])


def compare_sums(source: Sums, replica: Sums) -> tuple[list[str], list[str]]:
    """Tables that differ, and tables whose sums can't be compared because writes went on between the two snapshots."""
    unequal = [table for table in {**source["tables"], **replica["tables"]} if not _equal(table, source, replica)]
    return (unequal, []) if _same_moment(source, replica) else ([], unequal)


def compare_sums_again(
    tables: Iterable[str], differed: Iterable[str], first: Sums, replica: Sums, last: Sums
) -> tuple[list[str], list[str]]:
    """The same for tables that were not equal at first, while writes go on.

    The replica was read after it had all that the source had at ``first``, and the source then once more: the leading
    chunks that did not change on the source in between have to be the replica's.
    """
    differ: list[str] = []
    open_: list[str] = []
    for table in tables:
        if table not in {**replica["tables"], **last["tables"]} or _equal(table, last, replica):
            continue
        before, now, there = (look["tables"].get(table, []) for look in (first, last, replica))
        quiet = next(
            (n for n, (old, new) in enumerate(zip(before, now, strict=False)) if old != new), min(len(before), len(now))
        )
        whole = before == now and _common(table, first, replica, last) is None
        if table in replica["unfinished"]:
            quiet = min(quiet, len(there))
        rested = whole or there[:quiet] != now[:quiet]
        (differ if rested or table in differed or _same_moment(last, replica) else open_).append(table)
    return differ, open_


def gate_database_findings(
    nodes: Iterable[Mapping[str, Any]], token: str, expected: Iterable[str]
) -> dict[str, list[Any]]:
    """Compare every database node with the source.

    :param nodes: records with ``name`` and, as far as the node answered, ``mark``, ``read``, ``sets`` and the last look
        at tables that were not equal, ``again`` on a replica and ``source_again`` on the source (results of
        gate_database).
    :param token: what the canary row has to hold; empty when none was written.
    :param expected: names of the nodes that should have answered.
    :return: ``findings``; ``suspects``, tables that were not equal at first; ``again``, those of them to sum up again;
        ``left``, those that could not be compared because
        writes went on; ``unfinished``, those that the time did not suffice for; ``rows``, how many were compared.
    """
    known = {node["name"]: node for node in nodes}
    result: dict[str, list[Any]] = {
        "findings": [],
        "suspects": [],
        "again": [],
        "left": [],
        "unfinished": [],
        "rows": [0],
    }
    readings: dict[str, Mapping[str, Any]] = {}
    for name in expected:
        reading = (known.get(name, {}).get("read") or {}).get("reading")
        if reading is None:
            result["findings"].append(
                finding(name, "", "did not answer; it is unreachable, or an earlier task failed on it")
            )
        elif "failure" in reading:
            result["findings"].append(finding(name, "mysql", reading["failure"]))
        else:
            readings[name] = reading
    writable = [name for name, reading in readings.items() if reading["writable"]]
    if len(writable) != 1:
        names = ", ".join(writable) or "none"
        result["findings"].extend(
            finding(name, "db-health", f"one database node must take writes, but it is: {names}")
            for name in (writable or list(readings))
        )
        return result
    source = readings[writable[0]]
    canary_error = (known[writable[0]].get("mark") or {}).get("reading", {}).get("canary_error", "")
    if canary_error:
        result["findings"].append(
            finding(
                writable[0],
                "mysql",
                f"the canary row could not be written: {canary_error}. A commit waits until enough replicas have it "
                "(mysql_semisync_acknowledgements)",
            )
        )
        token = ""
    if source["agent"] and source["agent"]["source"] != 200:
        result["findings"].append(
            finding(writable[0], "db-health", f"takes writes, but its agent answers {source['agent']}")
        )
    last = (known[writable[0]].get("sets") or {}).get("reading", {}).get("gtids", source["gtids"])
    result["rows"] = [sum(chunk[0] for chunks in source["checksums"]["tables"].values() for chunk in chunks)]
    result["unfinished"] = sorted(source["checksums"]["unfinished"])
    for name, reading in readings.items():
        if name == writable[0]:
            continue
        result["findings"].extend(
            finding(name, unit, message) for unit, message in compare_replica(source, reading, last, token)
        )
        differ, left = compare_sums(source["checksums"], reading["checksums"])
        # a commit is seen a moment before its GTID is: a difference is looked at a second time too
        suspects = again = sorted({*differ, *left})
        after = (known[writable[0]].get("source_again") or {}).get("reading", {}).get("checksums")
        there = (known[name].get("again") or {}).get("reading", {}).get("checksums")
        if again and after and there:
            differ, left = compare_sums_again(again, differ, source["checksums"], there, after)
            again = left
        result["findings"].extend(
            finding(name, "mysql", f"the rows of {table} are not the source's") for table in differ
        )
        result["suspects"] = sorted({*result["suspects"], *suspects})
        result["again"] = sorted({*result["again"], *again})
        result["left"] = sorted({*result["left"], *left})
        result["unfinished"] = sorted({*result["unfinished"], *reading["checksums"]["unfinished"]})
    return result


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Any]:
        return {"gate_source": gate_source, "gate_database_findings": gate_database_findings}
