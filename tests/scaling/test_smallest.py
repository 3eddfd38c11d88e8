"""Promise: one application node, one database node and nobody to administer it are a cluster; and so are two load
balancers in front of them, each of which answers.
"""

from __future__ import annotations

import urllib.request
from collections.abc import Callable, Iterator

import pytest
import yaml

from proof.cluster import Cluster
from proof.inventory import Sizes
from proof.sized import SizedCluster

SMALLEST = Sizes(1, 0, load_balancers=2, admin=0)
SECOND_PORT = 39190


@pytest.fixture(scope="module")
def cluster(say: Callable[[str], None]) -> Iterator[Cluster]:
    # nobody but the source holds a commit
    made = SizedCluster("smallest", "172.30.77", 39180, mysql_semisync_acknowledgements=0)
    own = made.folder / "host_vars" / "nginx2.yml"
    own.parent.mkdir(parents=True, exist_ok=True)
    own.write_text(yaml.safe_dump({"docker_hosts_published_ports": [f"127.0.0.1:{SECOND_PORT}:80"]}), encoding="utf-8")
    made.destroy(SMALLEST)
    say(made.make(SMALLEST).describe())
    yield made.look()
    made.destroy(SMALLEST)


def test_people_work_with_it(cluster: Cluster) -> None:
    cluster.wait_until_whole()
    assert cluster.register("SMALLEST-1").status in (302, 303)
    assert cluster.codes(cluster.source) == {"SMALLEST-1"}


def test_both_load_balancers_answer(cluster: Cluster) -> None:
    for port in (int(cluster.url.rpartition(":")[2]), SECOND_PORT):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{cluster.health_path}", timeout=10) as answer:
            assert (answer.status, answer.headers["X-Served-By"]) == (200, "app")


def test_a_second_run_changes_nothing(cluster: Cluster) -> None:
    assert not cluster.site().expect_success().changed
