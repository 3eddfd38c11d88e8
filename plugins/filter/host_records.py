"""Turn a group of hosts into a list of plain records, so that roles are given data and never read other hosts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def host_records(hosts: Iterable[str], hostvars: Mapping[str, Any], **fields: str) -> list[dict[str, Any]]:
    """Give one record for each host: its name and the variables asked for.

    :param hosts: names from the inventory, in the order wanted.
    :param hostvars: Ansible's ``hostvars``.
    :param fields: key of the record = name of the host's variable. A variable that a host lacks is left out.
    """
    return [
        {"name": host, **{key: hostvars[host][name] for key, name in fields.items() if name in hostvars[host]}}
        for host in hosts
    ]


def without(hosts: Iterable[str], leaving: Iterable[str]) -> list[str]:
    """The hosts that stay, in their order (which Ansible's ``difference`` does not keep)."""
    gone = set(leaving)
    return [host for host in hosts if host not in gone]


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Any]:
        return {"host_records": host_records, "without": without}
