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


def compare_sums(source: Mapping[str, Any], replica: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Tables that differ, and tables whose sums can't be compared because writes went on between the two snapshots."""
    same_moment = bool(source["gtids"]) and source["gtids"] == replica["gtids"]
    differ: list[str] = []
    open_: list[str] = []
    for name, chunks in source["tables"].items():
        others = replica["tables"].get(name, [])
        # where the time ran out on one of them, what both have summed up is compared
        common = min(len(chunks), len(others))
        unfinished = name in source["unfinished"] or name in replica["unfinished"]
        if chunks[:common] == others[:common] and (unfinished or len(chunks) == len(others)):
            continue
        (differ if same_moment else open_).append(name)
    return differ, open_


def gate_database_findings(
    nodes: Iterable[Mapping[str, Any]], token: str, expected: Iterable[str]
) -> dict[str, list[Any]]:
    """Compare every database node with the source.

    :param nodes: records with ``name`` and, as far as the node answered, ``mark``, ``read``, ``sets`` and ``again``
        (results of gate_database; ``again`` is the last look at tables that were written while they were summed up).
    :param token: what the canary row has to hold; empty when none was written.
    :param expected: names of the nodes that should have answered.
    :return: ``findings``; ``again``, the tables to sum up again because writes went on; ``unfinished``, those that the
        time did not suffice for; ``rows``, how many rows were compared.
    """
    known = {node["name"]: node for node in nodes}
    result: dict[str, list[Any]] = {"findings": [], "again": [], "unfinished": [], "rows": [0]}
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
        differ, again = compare_sums(source["checksums"], reading["checksums"])
        second = [(known[node].get("again") or {}).get("reading", {}).get("checksums") for node in (writable[0], name)]
        if again and all(second):
            differ_now, again = compare_sums(*second)
            differ += differ_now
        result["findings"].extend(
            finding(name, "mysql", f"the rows of {table} are not the source's") for table in differ
        )
        result["again"] = sorted({*result["again"], *again})
        result["unfinished"] = sorted({*result["unfinished"], *reading["checksums"]["unfinished"]})
    return result


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Any]:
        return {"gate_source": gate_source, "gate_database_findings": gate_database_findings}
