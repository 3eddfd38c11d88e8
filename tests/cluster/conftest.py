"""Before each test the cluster is whole; what is cheap and breaks nothing comes first."""

from __future__ import annotations

import os

import pytest

from proof.cluster import Cluster

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
    "test_reboot",
)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "containers: the fault is one that only a host that is a container can be given")
    config.addinivalue_line(
        "markers", "machines: the fault is one that only a machine with a kernel of its own can have"
    )
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
    if request.node.get_closest_marker("machines") and cluster.in_containers:
        pytest.skip("the hosts of this inventory are containers")
    if request.node.get_closest_marker("any_state"):
        return
    cluster.repair()
    try:
        cluster.wait_until_whole()
    except AssertionError:
        cluster.site().expect_success()
        cluster.wait_until_whole()
