"""Promise: nodes come and go while people work. 3 -> 6 -> 2 application nodes and 1 -> 3 -> 1 replicas: no request
fails, nothing that was acknowledged is lost, and nobody asks a node that is gone.
"""

from __future__ import annotations

import itertools

import pytest

from proof.browsing import EVERYDAY, Registration
from proof.cluster import Cluster, Node, docker
from proof.figures import Measure
from proof.inventory import Sizes
from proof.ledger import Ledger
from proof.load import Load
from proof.sized import SizedCluster
from proof.waiting import until

RATE = 25
REQUESTS = 500
LONGEST_SECONDS = 890
LARGE, SMALL = Sizes(6, 3), Sizes(2, 1)


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


def expect_answers(load: Load, since: float) -> None:
    until(lambda: len(load.answers_since(since)) >= RATE, "a second of load", seconds=30)


def without(sizes: Sizes, name: str) -> Sizes:
    """What its operator leaves in the inventory."""
    return Sizes(len([x for x in sizes.app_nodes if x != name]), len([x for x in sizes.replicas if x != name]))


def test_the_cluster_grows_and_shrinks_under_load(
    sized: SizedCluster, cluster: Cluster, measure: Measure, ledger: Ledger, registration: Registration
) -> None:
    def grow_and_shrink(load: Load) -> None:
        expect_answers(load, 0)
        sized.resize(LARGE)
        load.mark("3 -> 6 application nodes, 1 -> 3 replicas")
        cluster.site().expect_success()
        grown = load.mark("has grown")
        expect_known(sized.look())
        until(lambda: load.served_since(grown) == set(LARGE.app_nodes), "every node serves", seconds=30)
        sizes = LARGE
        for name in itertools.chain(LARGE.app_nodes[:1:-1], LARGE.replicas[:0:-1]):
            load.mark(f"{name} leaves")
            cluster.play("playbooks/remove_node.yml", "-e", f"node={name}").expect_success()
            gone = load.mark(f"{name} has left")
            sizes = without(sizes, name)
            sized.resize(sizes)
            expect_known(sized.look())
            expect_answers(load, gone)
            assert name not in load.served_since(gone)
        assert (sizes.app_nodes, sizes.replicas) == (SMALL.app_nodes, SMALL.replicas)
        small = load.mark("has shrunk")
        until(lambda: load.served_since(small) == set(SMALL.app_nodes), "the two that stayed serve", seconds=30)

    mix = [*((step, 2 * weight) for step, weight in EVERYDAY), (registration.step, 4)]
    load = cluster.load(mix, rate=RATE, at_least=REQUESTS, at_most=RATE * LONGEST_SECONDS)
    result = measure(load, grow_and_shrink)
    assert not result.failures, result.describe()
    small = sized.look()
    expect_known(small)
    assert ledger.codes()
    small.expect_acknowledged(ledger)
    assert not small.site().expect_success().changed
    # what left kept its data
    volumes = docker("volume", "ls", "--quiet", "--filter", f"label=inventario.cluster={small.name}").split()
    assert {f"{small.name}-{name}_data" for name in LARGE.replicas} <= set(volumes)


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
        ("nginx", ["nginx is a load balancer"]),
        ("maestro1", ["is the source", "switchover.yml"]),
    ],
)
def test_a_removal_that_would_harm_is_refused(cluster: Cluster, node: str, words: list[str]) -> None:
    cluster.play("playbooks/remove_node.yml", "-e", f"node={node}").expect_refusal(*words)


def test_the_last_app_node_and_the_last_acknowledging_replica_stay(sized: SizedCluster) -> None:
    sized.resize(Sizes(1, 1))
    for node, word in (("app", "last app node"), ("slave1", "mysql_semisync_acknowledgements")):
        sized.operator.play("playbooks/remove_node.yml", "-e", f"node={node}").expect_refusal(word)
