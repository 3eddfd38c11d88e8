"""Promise: nothing is lost. A replica that was away catches up, one that lost its volume is rebuilt by the next
site.yml with nothing else done, and containers that are removed and made again lose no row."""

from __future__ import annotations

import pytest

from proof.browsing import Registration
from proof.cluster import Cluster
from proof.figures import Measure
from proof.ledger import Ledger

WRITES = 1000
RATE = 40

pytestmark = pytest.mark.containers


def test_replica_catches_up_after_a_thousand_writes(
    cluster: Cluster, measure: Measure, registration: Registration, ledger: Ledger
) -> None:
    replica = cluster.replicas[-1]
    replica.docker("stop")
    result = measure(
        cluster.load([(registration.step, 1)], rate=RATE, at_least=WRITES, at_most=WRITES), lambda _load: None
    )
    assert result.requests == WRITES
    assert not result.failures, result.describe()
    replica.docker("start")
    cluster.wait_until_whole()
    cluster.expect_acknowledged(ledger)


def test_replica_without_its_volume_is_rebuilt(cluster: Cluster, ledger: Ledger) -> None:
    replica = cluster.replicas[0]
    replica.remove_with_volume()
    cluster.site().expect_success()
    cluster.expect_acknowledged(ledger)
    assert not cluster.lacking()


def test_containers_made_again_lose_no_row(cluster: Cluster, ledger: Ledger) -> None:
    source = cluster.source
    before = {node.name: cluster.codes(node) for node in cluster.database_nodes}
    cluster.play("playbooks/down.yml").expect_success()
    cluster.site().expect_success()
    assert {node.name: cluster.codes(node) for node in cluster.database_nodes} == before
    assert cluster.source is source
    cluster.expect_acknowledged(ledger)
