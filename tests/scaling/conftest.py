"""The cluster that grows and shrinks: made once, removed with its data at the end.

The partial runs come first, because they leave it as it is. It must not stand beside the tests' own large cluster: a
stock kernel's 128 inotify instances carry about 21 container hosts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from proof.cluster import Cluster
from proof.inventory import Sizes
from proof.sized import SizedCluster

START, LARGEST = Sizes(3, 1), Sizes(6, 3)


@pytest.fixture(scope="session")
def sized(pytestconfig: pytest.Config, say: Callable[[str], None]) -> Iterator[SizedCluster]:
    made = SizedCluster("scaling", "172.30.79", 39080)
    mode = pytestconfig.getoption("--cluster")
    if mode != "running":
        made.destroy(LARGEST)
        say(made.make(START).describe())
    yield made
    if mode == "fresh":
        made.destroy(LARGEST)


@pytest.fixture
def cluster(sized: SizedCluster) -> Cluster:
    """What the inventory has as the test begins."""
    found = sized.look()
    found.repair()
    found.wait_until_whole()
    return found
