"""Inventories of unusual sizes work, or are refused with the reason."""

from __future__ import annotations

import pathlib
import secrets
from typing import Any

import yaml
from test_preflight import ROLE_GROUPS, SPECS, VARIABLES, WIRING, loaded, preflight

from proof.inventory import Sizes, write

SUBNET = "172.30.80.0/24"
PUBLISHED = "docker_hosts_published_ports"


class Inventory:
    """An inventory of a given size, as Ansible reads it."""

    def __init__(self, folder: pathlib.Path, sizes: Sizes, **variables: Any) -> None:
        write(folder, sizes, subnet=SUBNET, **variables)
        wiring = yaml.safe_load((folder / "group_vars/all/00_wiring.yml").read_text(encoding="utf-8"))
        names = wiring["cluster_own_secrets"] + wiring["cluster_app_secrets"]
        vault = folder / "group_vars" / "all" / "vault.yml"
        vault.write_text(yaml.safe_dump({name: secrets.token_urlsafe(24) for name in names}), encoding="utf-8")
        self.hosts, self.groups = loaded(folder)

    def value(self, host: str, name: str) -> Any:
        return preflight.Inventory(self.hosts, self.groups).value(host, name)

    def problems(self) -> list[dict[str, str]]:
        found = preflight.inventory_problems(self.hosts, self.groups, SPECS, VARIABLES, WIRING, ROLE_GROUPS)
        return list(found["problems"])


def test_one_app_node_and_no_replica(tmp_path: pathlib.Path) -> None:
    """Commits can wait for nobody, which has to be said."""
    (problem,) = Inventory(tmp_path, Sizes(1, 0)).problems()
    assert problem["variable"] == "mysql_semisync_acknowledgements"
    assert "there are 0 replicas" in problem["reason"]
    alone = Inventory(tmp_path, Sizes(1, 0), mysql_semisync_acknowledgements=0)
    assert not alone.problems()
    assert [node["name"] for node in alone.value("app", "db_proxy_database_nodes")] == ["maestro1"]
    assert alone.value("maestro1", "db_health_semisync") is False


def test_twelve_app_nodes_and_six_replicas(tmp_path: pathlib.Path) -> None:
    sizes = Sizes(12, 6)
    large = Inventory(tmp_path, sizes)
    assert not large.problems()
    databases = ["maestro1", *sizes.replicas]
    assert [node["name"] for node in large.value("nginx", "loadbalancer_upstreams")] == sizes.app_nodes
    for host in ("app", "app11"):
        assert [node["name"] for node in large.value(host, "db_proxy_database_nodes")] == databases
    assert [peer["name"] for peer in large.value("slave6", "db_health_peers")] == databases
    assert len(large.value("maestro1", "mysql_app_hosts")) == len(sizes.app_nodes)


def test_two_load_balancers(tmp_path: pathlib.Path) -> None:
    """On one machine each wants ports of its own; on servers nothing is published."""
    sizes = Sizes(2, 1, load_balancers=2)
    refused = Inventory(tmp_path, sizes).problems()
    assert {(problem["variable"], problem["host"]) for problem in refused} == {(PUBLISHED, "nginx2")}
    assert all("which nginx publishes too" in problem["reason"] for problem in refused)
    # another folder: that the first has no variables of this host is remembered
    own = tmp_path / "own" / "host_vars"
    own.mkdir(parents=True)
    (own / "nginx2.yml").write_text(yaml.safe_dump({PUBLISHED: ["127.0.0.1:39090:80"]}), encoding="utf-8")
    accepted = Inventory(own.parent, sizes)
    assert not accepted.problems()
    assert accepted.value("nginx", "loadbalancer_upstreams") == accepted.value("nginx2", "loadbalancer_upstreams")


def test_whoever_leaves_is_told_to_nobody_and_the_order_stays(tmp_path: pathlib.Path) -> None:
    sizes = Sizes(6, 3)
    leaving = Inventory(tmp_path, sizes, cluster_leaving=["app2", "slave1"])
    stay = [name for name in sizes.app_nodes if name != "app2"]
    databases = ["maestro1", "slave2", "slave3"]
    assert [node["name"] for node in leaving.value("nginx", "loadbalancer_upstreams")] == stay
    for variable in ("db_proxy_database_nodes", "db_health_peers", "mysql_nodes", "phpmyadmin_servers"):
        assert [node["name"] for node in leaving.value("app", variable)] == databases
    assert len(leaving.value("maestro1", "mysql_app_hosts")) == len(stay)
    assert leaving.value("app", "cluster_hosts") == ["nginx", *stay, *databases, "phpmyadmin"]


def test_a_value_is_shared_only_by_hosts_for_which_it_is_the_same() -> None:
    """What a template reads through another variable, by a made-up name, or outside of quotes keeps hosts apart."""
    shared = {
        "prefix": "p",
        "same": "{{ prefix }}",
        "through": "{{ same ~ own }}",
        "by_name": "{{ lookup('vars', 'o' ~ 'wn') }}",
    }
    quoted = {"quoted": "{{ prefix ~ 'own' }}", "text": "it's own, {{ own }} isn't shared", "listed": ["{{ own }}"]}
    inventory = preflight.Inventory({name: {**shared, **quoted, "own": name} for name in ("a", "b")}, {})
    apart = {
        name for name in {**shared, **quoted} if inventory._depends_on("a", name) != inventory._depends_on("b", name)
    }
    assert apart == {"through", "by_name", "text", "listed"}
