"""The cluster of inventory/test_byo: whole before each test, and with the guest book on it."""

from __future__ import annotations

import pytest

from proof.cluster import Cluster


@pytest.fixture(autouse=True)
def whole_cluster(cluster: Cluster) -> None:
    cluster.repair()
    cluster.wait_until_whole()
