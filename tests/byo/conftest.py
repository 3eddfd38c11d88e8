"""The cluster of inventory/test_byo: whole before each test, and with the guest book on it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from proof.cluster import Cluster
from proof.figures import FIGURES, Measure
from proof.load import Load, Result, running


@pytest.fixture(autouse=True)
def whole_cluster(cluster: Cluster) -> None:
    cluster.repair()
    cluster.wait_until_whole()


@pytest.fixture
def measure(request: pytest.FixtureRequest, say: Callable[[str], None]) -> Measure:
    """Put a load on the cluster while something is done to it; keep the figures and tell them."""

    def measured(load: Load, do: Callable[[Load], None]) -> Result:
        with running(load):
            do(load)
            result = load.finish()
        result.save(FIGURES / f"byo-{request.node.name}.json")
        say(f"{request.node.name}: {result.describe()}")
        return result

    return measured
