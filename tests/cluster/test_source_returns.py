"""Promise: after a restart of the source, of its mysqld, of the Docker daemon, or of all containers in any order, the
cluster is whole and takes writes again by itself; what was acknowledged is there, and the gate passes."""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
from collections.abc import Callable

import pytest

from proof.browsing import PRODUCTS, READING, Registration
from proof.cluster import Cluster, docker
from proof.figures import Measure
from proof.ledger import Ledger
from proof.load import Load
from proof.waiting import until

RATE = 30
REQUESTS = 300
WRITABLE_SECONDS = 60
RESTART_SECONDS = 120
# neither the order of the inventory nor its reverse: the proxy first, the source in the middle, its replicas around it
ANY_ORDER = (7, 2, 9, 0, 5, 3, 8, 1, 6, 4)

pytestmark = pytest.mark.containers


def expect_sound(cluster: Cluster, ledger: Ledger, code: str) -> None:
    """Whole, writable, complete, and verified, with nobody's help."""
    cluster.wait_until_whole(RESTART_SECONDS)
    answer = cluster.register(code)
    assert answer.status in (302, 303)
    ledger.acknowledge(code)
    cluster.expect_acknowledged(ledger)
    cluster.verify().expect_success()


def restart_container(cluster: Cluster) -> None:
    cluster.source.docker("restart")


def kill_mysqld(cluster: Cluster) -> None:
    cluster.source.kill_unit("mysql.service")


@pytest.mark.parametrize("strike", [restart_container, kill_mysqld], ids=["restarted", "mysqld-killed"])
def test_source_comes_back(
    cluster: Cluster,
    measure: Measure,
    registration: Registration,
    ledger: Ledger,
    strike: Callable[[Cluster], None],
) -> None:
    before = cluster.source

    def strike_once(load: Load) -> None:
        until(lambda: len(load.answers_since(0)) >= 3 * RATE, "some seconds of load", seconds=30)
        load.mark("source struck")
        strike(cluster)
        moment = load.mark("source is starting")
        until(
            lambda: any(
                answer.step == registration.step.name and not answer.fault for answer in load.answers_since(moment)
            ),
            "a product is registered again",
            seconds=WRITABLE_SECONDS,
        )
        load.mark("writable again")

    mix = [*((step, 3 * weight) for step, weight in READING), (registration.step, 2)]
    result = measure(cluster.load(mix, rate=RATE, at_least=REQUESTS), strike_once)
    assert not result.only(PRODUCTS.name).failures, result.describe()
    expect_sound(cluster, ledger, f"{ledger.session}-{strike.__name__}")
    assert cluster.source is before


def test_containers_started_in_any_order(cluster: Cluster, ledger: Ledger) -> None:
    names = [node.target for node in cluster.nodes.values()]
    docker("stop", *names)
    for place in [*ANY_ORDER, *range(len(ANY_ORDER), len(names))]:
        if place < len(names):
            docker("start", names[place])
    expect_sound(cluster, ledger, f"{ledger.session}-any-order")


@pytest.mark.docker_daemon
def test_docker_daemon_restarted(cluster: Cluster, ledger: Ledger) -> None:
    """By systemd where it is PID 1, else by the way that playbooks/engine.yml starts it."""
    if pathlib.Path("/run/systemd/system").is_dir():
        subprocess.run(["systemctl", "restart", "docker"], check=True, timeout=RESTART_SECONDS)
    else:
        pid = int(pathlib.Path("/run/docker.pid").read_text(encoding="ascii"))
        os.kill(pid, signal.SIGTERM)
        until(lambda: not pathlib.Path(f"/proc/{pid}").exists(), "the daemon has ended", seconds=60)
        cluster.play("playbooks/engine.yml").expect_success()
    expect_sound(cluster, ledger, f"{ledger.session}-daemon")
