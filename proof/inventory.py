"""Inventories of any size, made from the tests' own: nothing but its hosts is another."""

from __future__ import annotations

import copy
import ipaddress
import pathlib
import shutil
from typing import Any

import yaml

from proof.playbook import ROOT

PATTERN = ROOT / "inventory" / "test"
FILES = ("hosts_containers.yml", "group_vars/all/main.yml")
WIRING = ROOT / "inventory" / "shared" / "wiring.yml"


class Sizes:
    """How many hosts a cluster has, and their names and addresses, which stay when it grows or shrinks."""

    def __init__(self, app_nodes: int, replicas: int, load_balancers: int = 1, admin: int = 1) -> None:
        self.app_nodes = ["app", *(f"app{number}" for number in range(1, app_nodes))][:app_nodes]
        self.replicas = [f"slave{number}" for number in range(1, replicas + 1)]
        self.load_balancers = ["nginx", *(f"nginx{number}" for number in range(2, load_balancers + 1))]
        self.admin = ["phpmyadmin"][:admin]


def hosts(sizes: Sizes, subnet: str, *, containers: bool = True) -> dict[str, Any]:
    """The hosts file: the tests' own, with other hosts in its groups.

    :param subnet: the cluster's network; each kind of host has a range of its own in it.
    :param containers: False for hosts that are there already, such as servers: nothing of theirs is looked at.
    """
    network = ipaddress.IPv4Network(subnet)
    # the last tier begins at three quarters: no range runs into the next while it holds fewer than a quarter
    quarter = network.num_addresses // 4
    inventory = copy.deepcopy(yaml.safe_load((PATTERN / "hosts.yml").read_text(encoding="utf-8")))
    tiers = inventory["all"]["children"]

    def at(tier: int, number: int) -> str:
        if number >= quarter - 10:
            raise ValueError(f"{subnet} is too small for so many hosts")
        return str(network.network_address + tier * quarter + 10 + number)

    tiers["loadbalancers"]["hosts"] = {
        name: {"node_address": at(0, number)} for number, name in enumerate(sizes.load_balancers)
    }
    tiers["app_nodes"]["hosts"] = {
        name: {"node_address": at(1, number), "app_weight": 1} for number, name in enumerate(sizes.app_nodes)
    }
    for group, names in (("db_source", ["maestro1"]), ("db_replicas", sizes.replicas)):
        tiers["database"]["children"][group]["hosts"] = {
            name: {
                "node_address": at(2, number),
                "mysql_server_id": number + 1,
                "docker_hosts_volume": f"{name}_data",
            }
            for number, name in enumerate(names, start=0 if group == "db_source" else 1)
        }
    tiers["admin"]["hosts"] = {name: {"node_address": at(3, number)} for number, name in enumerate(sizes.admin)}
    if not containers:
        del tiers["container_hosts"]
    return dict(inventory)


def write(
    folder: pathlib.Path, sizes: Sizes, *, subnet: str, containers: bool = True, **variables: Any
) -> pathlib.Path:
    """Write the inventory, or its hosts anew: secrets and certificates that a run made beside them stay."""
    for name in FILES:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if containers or name != "hosts_containers.yml":
            shutil.copyfile(PATTERN / name, target)
    wiring = folder / "group_vars" / "all" / "00_wiring.yml"
    if not wiring.is_symlink():
        wiring.symlink_to(WIRING)
    own = folder / "group_vars" / "all" / "sizes.yml"
    own.write_text(yaml.safe_dump({"cluster_subnet": subnet, **variables}), encoding="utf-8")
    written = yaml.safe_dump(hosts(sizes, subnet, containers=containers), sort_keys=False)
    (folder / "hosts.yml").write_text(written, encoding="utf-8")
    return folder
