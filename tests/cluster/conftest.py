"""Before each test the cluster is whole; what is cheap and breaks nothing comes first."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator

import pytest

from proof.browsing import Registration
from proof.cluster import Cluster
from proof.figures import FIGURES, Measure
from proof.ledger import Ledger
from proof.load import Load, Result, running

# a module that is not named here comes last
ORDER = (
    "test_deployment",
    "test_upgrade",
    "test_host",
    "test_firewall",
    "test_duplicates",
    "test_shares",
    "test_movements",
    "test_live",
    "test_own_reads",
    "test_operators",
    "test_secrets",
    "test_gate",
    "test_app_nodes",
    "test_replicas",
    "test_source_returns",
    "test_fencing",
    "test_discovery",
    "test_rebuilding",
    "test_unreachable",
    "test_ledger",
)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "containers: the fault is one that only a host that is a container can be given")
    config.addinivalue_line("markers", "docker_daemon: restarts the Docker daemon, and so everybody's containers on it")
    config.addinivalue_line("markers", "any_state: asks for no whole cluster before it begins")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def place(item: pytest.Item) -> int:
        name = item.path.stem
        return ORDER.index(name) if name in ORDER else len(ORDER)

    items.sort(key=place)
    allowed = os.environ.get("INVENTARIO_TEST_DOCKER_RESTART") == "yes"
    for item in items:
        if item.get_closest_marker("docker_daemon") and not allowed:
            item.add_marker(
                pytest.mark.skip(reason="it stops everybody's containers: INVENTARIO_TEST_DOCKER_RESTART=yes allows it")
            )


@pytest.fixture(autouse=True)
def whole_cluster(request: pytest.FixtureRequest, cluster: Cluster) -> None:
    """What an earlier test broke and did not mend is mended here, as an operator would: by site.yml."""
    if request.node.get_closest_marker("containers") and not cluster.in_containers:
        pytest.skip("the hosts of this inventory are no containers")
    if request.node.get_closest_marker("any_state"):
        return
    cluster.repair()
    try:
        cluster.wait_until_whole()
    except AssertionError:
        cluster.site().expect_success()
        cluster.wait_until_whole()


@pytest.fixture(scope="session")
def _registration_numbers() -> Iterator[int]:
    return itertools.count(1)


@pytest.fixture
def registration(ledger: Ledger, session_mark: str, _registration_numbers: Iterator[int]) -> Registration:
    """Products of this test, noted when they are acknowledged."""
    return Registration(ledger, f"{session_mark}-{next(_registration_numbers):02d}")


@pytest.fixture
def measure(request: pytest.FixtureRequest, say: Callable[[str], None]) -> Measure:
    """Put a load on the cluster while something is done to it; keep the figures and tell them."""

    def measured(load: Load, do: Callable[[Load], None]) -> Result:
        with running(load):
            do(load)
            result = load.finish()
        name = request.node.name.replace("[", "-").replace("]", "")
        result.save(FIGURES / f"{name}.json")
        say(f"{name}: {result.describe()}")
        return result

    return measured
