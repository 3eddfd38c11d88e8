"""Decide whether a node may leave the cluster, and say what its operator has to do afterwards."""

from __future__ import annotations

import importlib.util
import pathlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

# Ansible loads filter files one by one and not as a package, so a neighbour is loaded by its path
_spec = importlib.util.spec_from_file_location(
    "mysql_source_decision", pathlib.Path(__file__).with_name("mysql_source_decision.py")
)
assert _spec
assert _spec.loader
decision = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(decision)


TIERS = ("loadbalancers", "app_nodes", "database", "admin")


def refuse(message: str) -> dict[str, Any]:
    return {"action": "refuse", "message": message, "parts": [], "afterwards": []}


def _leave(name: str, part: str, afterwards: list[str], counting: Sequence[str] = ()) -> dict[str, Any]:
    parts = [{"name": name, "part": "leaving"}, {"name": name, "part": part}]
    parts += [{"name": other, "part": "counting"} for other in counting]
    return {"action": "remove", "message": f"{name} may leave", "parts": parts, "afterwards": afterwards}


def removal_plan(
    name: str,
    groups: Mapping[str, Sequence[str]],
    records: Iterable[Mapping[str, Any]],
    initial_sources: Sequence[str],
    acknowledgements: int,
) -> dict[str, Any]:
    """Give ``{action, message, parts, afterwards}``; action is remove or refuse.

    :param name: the node that is to leave.
    :param groups: each group's hosts.
    :param records: what each database node said of itself, as mysql_source_decision takes it.
    :param initial_sources: the hosts of db_source.
    :param acknowledgements: how many replicas a commit waits for.
    :return: ``parts``, the groups that hosts belong to while it leaves; ``afterwards``, lines for the operator.
    """
    app_nodes, database = list(groups.get("app_nodes", [])), list(groups.get("database", []))
    choices = f"app nodes: {', '.join(app_nodes)}; database nodes: {', '.join(database)}"
    if not name:
        return refuse(f"say which node leaves: -e node=NAME ({choices})")
    if name not in groups.get("all", []):
        return refuse(
            f"node={name} is no host of this inventory ({choices}). If it was deleted from it before it was "
            "removed, put it back and run again"
        )
    tiers = [tier for tier in TIERS if name in groups.get(tier, [])]
    if len(tiers) > 1:
        return refuse(
            f"{name} belongs to {' and '.join(tiers)}, and what is removed is a whole host. Delete it from all of "
            "these groups but one in the inventory, run site.yml, then run this again"
        )
    if tiers == ["loadbalancers"]:
        return refuse(
            f"{name} is a load balancer ({choices}): its address is all that leads people to it. Take that out of DNS, "
            "stop nginx on it, then delete it from the inventory and run site.yml"
        )
    if name not in app_nodes + database:
        return refuse(
            f"{name} is neither an app node nor a database node ({choices}): nothing has to be drained. Delete it "
            "from the inventory, run site.yml, then stop it"
        )
    if name in app_nodes:
        if app_nodes == [name]:
            return refuse(f"{name} is the last app node: nobody would answer. Add another one first, and run site.yml")
        return _leave(
            name,
            "leaving_app",
            [f"{name} serves no more and the others work. Now delete {name} from app_nodes in the inventory."],
        )
    return _replica(name, list(records), initial_sources, acknowledgements)


def _replica(
    name: str,
    records: list[Mapping[str, Any]],
    initial_sources: Sequence[str],
    acknowledgements: int,
) -> dict[str, Any]:
    found = decision.source_decision(records, initial_sources)
    if found["action"] != "continue":
        return refuse(f"{name} can't leave while the source is not certain: {found['message']}")
    source = found["source"]
    others = [decision.Node(record) for record in records if record["name"] != name]
    if name == source:
        replicas = ", ".join(node.name for node in others) or "a replica, after you added one"
        return refuse(
            f"{name} is the source. Hand the writes over first: ansible-playbook playbooks/switchover.yml -e "
            f"new_source=NODE ({replicas})"
        )
    silent = [node for node in others if not node.running]
    if silent:
        return refuse(
            f"{decision.names(silent)} must answer too while the number of database nodes changes, because each has to "
            f"count by the same number: start it and run again, or remove it before {name}"
        )
    left = len(others) - 1
    if left < acknowledgements:
        return refuse(
            f"mysql_semisync_acknowledgements is {acknowledgements}, and without {name} there are {left} replicas: no "
            f"commit would ever return. Add a replica first, or lower the setting to {left} and run site.yml"
        )
    afterwards = [
        f"{name} is no replica any more and the others work. Now delete {name} from database in the inventory.",
        "Its data were left where they are; remove them yourself when nobody needs them.",
    ]
    if name in initial_sources:
        afterwards.insert(1, f"Put {source} into db_source in its place: that group must name one host.")
    return _leave(name, "leaving_replica", afterwards, [node.name for node in others])


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Any]:
        return {"removal_plan": removal_plan}
