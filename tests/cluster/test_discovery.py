"""Promise: the source is discovered. An empty node is never opened over full replicas, a dead source is never replaced
in passing, and a run after a promotion does not move the source back."""

from __future__ import annotations

import pytest

from proof.cluster import Cluster, Node
from proof.ledger import Ledger

pytestmark = pytest.mark.containers


def expect_nothing_opened(nodes: list[Node]) -> None:
    assert [node for node in nodes if node.is_writable] == []


def test_dead_source_is_named_and_not_replaced(cluster: Cluster, ledger: Ledger) -> None:
    source, replicas = cluster.source, cluster.replicas
    epochs = {node.name: node.epoch for node in replicas}
    source.docker("pause")
    try:
        cluster.site().expect_refusal(source.name, "failover")
        expect_nothing_opened(replicas)
        assert {node.name: node.epoch for node in replicas} == epochs
    finally:
        source.docker("unpause")
    cluster.wait_until_whole()
    assert cluster.source is source
    cluster.expect_acknowledged(ledger)


def test_source_that_lost_its_volume_is_not_opened_empty(cluster: Cluster, ledger: Ledger) -> None:
    """Refused, and the replicas stay full; a failover promotes one of them; site.yml then rebuilds the lost node."""
    code = f"{ledger.session}-before-the-loss"
    assert cluster.register(code).status in (302, 303)
    ledger.acknowledge(code)
    lost, replicas = cluster.source, cluster.replicas
    rows = {node.name: cluster.codes(node) for node in replicas}
    before = max(node.epoch["epoch"] for node in replicas)
    lost.remove_with_volume()

    cluster.site().expect_refusal(lost.name, "failover")
    expect_nothing_opened(cluster.database_nodes)
    assert {node.name: cluster.codes(node) for node in replicas} == rows

    cluster.play("playbooks/failover.yml").expect_success()
    promoted = cluster.source
    assert promoted in replicas
    majority = len(cluster.database_nodes) // 2 + 1
    assert sum(node.epoch["epoch"] > before for node in replicas) >= majority
    assert cluster.register(f"{code}-promoted").status in (302, 303)
    ledger.acknowledge(f"{code}-promoted")

    cluster.site().expect_success()
    assert cluster.source is promoted, "site.yml moved the source"
    cluster.wait_until_whole()
    cluster.expect_acknowledged(ledger)
