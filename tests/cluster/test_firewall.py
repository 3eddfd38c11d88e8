"""Promise: each tier is answered by the tiers that need it, and refused to the others: seen by opening connections."""

from __future__ import annotations

import pytest

from proof.cluster import Cluster, Node

APPLICATION, DATABASE, HEALTH_AGENT, HTTP = 8000, 3306, 9200, 80
# one word of how an attempt to open a connection ends
KNOCK = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), 5).close()
    print("open")
except ConnectionRefusedError:
    print("refused")
"""


@pytest.fixture(autouse=True)
def firewall(cluster: Cluster) -> None:
    """Where a container's kernel has none, the run said so; on every other host there has to be one."""
    for node in cluster.nodes.values():
        if node.host.run("nft list tables").rc != 0:
            assert node.connection == "docker", f"{node}: nft does not work"
            pytest.skip(f"{node} is a container that does not let nft work")


def knock(visitor: Node, node: Node, port: int) -> str:
    return visitor.run("python3 -c %s %s %s", KNOCK, node.address, str(port)).strip()


def members(cluster: Cluster, tier: str) -> list[Node]:
    return list(getattr(cluster, tier))


@pytest.mark.parametrize(
    ("visitors", "tier", "port"),
    [
        ("load_balancers", "app_nodes", APPLICATION),
        ("app_nodes", "database_nodes", DATABASE),
        ("app_nodes", "database_nodes", HEALTH_AGENT),
        ("database_nodes", "database_nodes", DATABASE),
        ("database_nodes", "database_nodes", HEALTH_AGENT),
        ("admin_nodes", "database_nodes", DATABASE),
        ("app_nodes", "load_balancers", HTTP),
        ("app_nodes", "admin_nodes", HTTP),
    ],
)
def test_a_tier_answers_those_that_need_it(cluster: Cluster, visitors: str, tier: str, port: int) -> None:
    ends = {
        (visitor.name, node.name): knock(visitor, node, port)
        for visitor in members(cluster, visitors)
        for node in members(cluster, tier)
    }
    assert set(ends.values()) <= {"open"}, ends


@pytest.mark.parametrize(
    ("visitors", "tier", "port"),
    [
        ("admin_nodes", "app_nodes", APPLICATION),
        ("database_nodes", "app_nodes", APPLICATION),
        ("load_balancers", "database_nodes", DATABASE),
        ("load_balancers", "database_nodes", HEALTH_AGENT),
        ("admin_nodes", "database_nodes", HEALTH_AGENT),
    ],
)
def test_a_tier_refuses_the_others_at_once(cluster: Cluster, visitors: str, tier: str, port: int) -> None:
    """The port is one that the host itself finds open."""
    for node in members(cluster, tier):
        assert knock(node, node, port) == "open", node
        for visitor in members(cluster, visitors):
            assert knock(visitor, node, port) == "refused", (visitor, node)


def test_an_app_node_refuses_its_neighbours(cluster: Cluster) -> None:
    first, *others = cluster.app_nodes
    assert {knock(node, first, APPLICATION) for node in others} <= {"refused"}


def test_the_rules_come_back_with_the_host(cluster: Cluster) -> None:
    for node in cluster.nodes.values():
        assert node.host.service("inventario-firewall").is_enabled, node
        assert node.host.service("inventario-firewall").is_running, node
