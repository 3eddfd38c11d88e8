"""Why a run with --limit would not be safe: what it leaves out is needed by what it does."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

CONTROL_NODE = "localhost"


def limit_problem(limit: str, hosts: Collection[str], groups: Mapping[str, Sequence[str]]) -> str:
    """Nothing, or the reason and the limit to take instead.

    :param limit: what the operator gave.
    :param hosts: the hosts that it means.
    :param groups: each group's hosts.
    """
    database = list(groups.get("database", []))
    some = [host for host in database if host in hosts]
    reasons, added = [], []
    if CONTROL_NODE not in hosts:
        reasons.append(
            f"it leaves out the control node ({CONTROL_NODE}), which checks the inventory, keeps the authority and "
            "shows that the cluster works"
        )
        added.append(CONTROL_NODE)
    if 0 < len(some) < len(database):
        reasons.append(
            f"of the database nodes it takes {', '.join(some)} only: who the source is can't be told without asking "
            "all of them"
        )
        added.append("database")
    elif not some and not groups.get("container_hosts"):
        reasons.append("it leaves out the database hosts, where the operators' lock lies")
        added.append("database")
    if not reasons:
        return ""
    return f"--limit '{limit}' is refused: {'; '.join(reasons)}. Remedy: --limit '{','.join([limit, *added])}'"


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Any]:
        return {"limit_problem": limit_problem}
