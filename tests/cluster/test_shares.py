"""Promise: the nodes answer in the ratio of their weights (3:2:1:1), and no request fails."""

from __future__ import annotations

import pytest

from proof.browsing import WELCOME
from proof.cluster import Cluster
from proof.figures import Measure

REQUESTS = 7000
RATE = 140
POINTS = 0.03


def test_shares_follow_the_weights(cluster: Cluster, measure: Measure) -> None:
    result = measure(cluster.load([(WELCOME, 1)], rate=RATE, at_least=REQUESTS, at_most=REQUESTS), lambda _load: None)
    total = sum(node.weight for node in cluster.app_nodes)
    promised = {node.name: node.weight / total for node in cluster.app_nodes}
    assert result.requests == REQUESTS
    assert not result.failures
    assert result.shares == pytest.approx(promised, abs=POINTS)
