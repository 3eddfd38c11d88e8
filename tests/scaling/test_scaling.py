"""Promise: nodes join and leave a running cluster; everybody knows those that are there, and asks no other."""

from __future__ import annotations

import pytest
from sized import SizedCluster

from proof.cluster import Cluster, Node, docker
from proof.inventory import Sizes


def proxied(node: Node) -> set[str]:
    """The database nodes that an application node's HAProxy knows."""
    words = [line.split() for line in node.run("cat /etc/haproxy/haproxy.cfg").splitlines()]
    return {line[1] for line in words if line[:1] == ["server"]}


def expect_known(cluster: Cluster) -> None:
    """Everybody knows the nodes of the inventory, and no other."""
    cluster.wait_until_whole()
    databases = {node.name for node in cluster.database_nodes}
    for node in cluster.app_nodes:
        assert proxied(node) == databases
    for node in cluster.database_nodes:
        state = cluster.state(node)
        # of n nodes n-M+1 must answer, where M = n/2 rounded down + 1
        assert (set(state["peers"]), state["wanted"]) == (databases - {node.name}, (len(databases) + 1) // 2)


def without(sizes: Sizes, name: str) -> Sizes:
    """What its operator leaves in the inventory."""
    return Sizes(len([x for x in sizes.app_nodes if x != name]), len([x for x in sizes.replicas if x != name]))


def test_nodes_join_and_leave(sized: SizedCluster) -> None:
    """Everybody knows who has joined, and nobody asks who has left; what left keeps its data."""
    sized.resize(Sizes(4, 2))
    grown = sized.look()
    grown.site().expect_success()
    expect_known(grown)
    sizes = Sizes(4, 2)
    for name in ("app3", "slave2"):
        sized.operator.play("playbooks/remove_node.yml", "-e", f"node={name}").expect_success()
        sizes = without(sizes, name)
        sized.resize(sizes)
        expect_known(sized.look())
    small = sized.look()
    # the databases' firewalls still let in the addresses of those that left
    assert set(small.site().expect_success().changed) <= {node.name for node in small.database_nodes}
    assert not small.site().expect_success().changed
    volumes = docker("volume", "ls", "--quiet", "--filter", f"label=inventario.cluster={small.name}").split()
    assert f"{small.name}-slave2_data" in volumes


def test_a_node_that_left_comes_back_with_its_old_data(sized: SizedCluster) -> None:
    """Its volume was kept: what it missed is replicated or cloned, and its old view of the cluster counts no more."""
    sized.resize(Sizes(3, 2))
    back = sized.look()
    back.site().expect_success()
    expect_known(back)
    assert back.codes(back.nodes["slave2"]) == back.codes(back.source)


@pytest.mark.parametrize(
    ("node", "words"),
    [
        ("app9", ["app9 is no host of this inventory"]),
        ("nginx", ["neither an app node nor a database node"]),
        ("maestro1", ["is the source", "switchover.yml"]),
    ],
)
def test_a_removal_that_would_harm_is_refused(cluster: Cluster, node: str, words: list[str]) -> None:
    cluster.play("playbooks/remove_node.yml", "-e", f"node={node}").expect_refusal(*words)


def test_the_last_app_node_and_the_last_acknowledging_replica_stay(sized: SizedCluster) -> None:
    sized.resize(Sizes(1, 1))
    for node, word in (("app", "last app node"), ("slave1", "mysql_semisync_acknowledgements")):
        sized.operator.play("playbooks/remove_node.yml", "-e", f"node={node}").expect_refusal(word)
