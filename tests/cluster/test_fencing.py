"""Promise: never two that acknowledge. One test for each sentence of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from proof.cluster import EPOCH_FILE, Cluster, Node
from proof.load import Reply
from proof.waiting import lasts, until

AGENT = "db-health"
CLOSED_SECONDS = 15
OPEN_SECONDS = 45
# longer than the three seconds after which an agent must not trust what it knew
STALL_SECONDS = 5

pytestmark = pytest.mark.containers


@contextmanager
def frozen(*nodes: Node) -> Iterator[None]:
    struck: list[Node] = []
    try:
        for node in nodes:
            node.docker("pause")
            struck.append(node)
        yield
    finally:
        for node in struck:
            node.docker("unpause")


def is_offered(cluster: Cluster, node: Node) -> bool:
    return cluster.ask(node, "/source")[0] == 200


def expect_open(cluster: Cluster, node: Node) -> None:
    until(lambda: is_offered(cluster, node) and node.is_writable, f"{node} is open", seconds=OPEN_SECONDS)


def expect_closed(cluster: Cluster, node: Node) -> None:
    until(lambda: not is_offered(cluster, node) and not node.is_writable, f"{node} is closed", seconds=CLOSED_SECONDS)


def test_database_node_boots_super_read_only(cluster: Cluster) -> None:
    """mysqld alone never opens, source or not; it is the agent that does, once it has asked the others."""
    source = cluster.source
    source.run("systemctl stop %s", AGENT)
    try:
        source.run("systemctl restart mysql")
        assert source.value("@@GLOBAL.super_read_only") == "1"
        lasts(STALL_SECONDS)
        assert source.value("@@GLOBAL.super_read_only") == "1"
    finally:
        source.run("systemctl start %s", AGENT)
    expect_open(cluster, source)


def test_epoch_is_a_number_in_a_local_file_of_each_node(cluster: Cluster) -> None:
    epochs = [node.epoch for node in cluster.database_nodes]
    assert all(isinstance(epoch["epoch"], int) and epoch["epoch"] >= 1 for epoch in epochs)
    assert {epoch["source"] for epoch in epochs} == {cluster.source.name}
    assert len({epoch["epoch"] for epoch in epochs}) == 1
    for node in cluster.database_nodes:
        # beside the datadir, on the volume: not of what replicates, and not lost with the container
        assert not EPOCH_FILE.startswith(node.value("@@datadir"))
        assert cluster.state(node)["epoch"] == node.epoch["epoch"]


def test_promotion_without_a_majority_raises_nothing(cluster: Cluster) -> None:
    """Two of four nodes are no majority: refused, no epoch is raised, nothing is opened."""
    source = cluster.source
    lost, *rest = cluster.replicas
    before = {node.name: node.epoch for node in rest}
    with frozen(source, lost):
        cluster.play("playbooks/failover.yml").expect_refusal(source.name, lost.name)
        assert {node.name: node.epoch for node in rest} == before
        assert not [node for node in rest if node.is_writable]
    expect_open(cluster, source)


def test_source_stays_open_while_enough_nodes_answer_and_no_longer(cluster: Cluster) -> None:
    """Of four: itself and one peer. Alone it closes, and stays closed through a restart until one peer is back."""
    source = cluster.source
    peer, *others = cluster.replicas
    with frozen(*others):
        lasts(STALL_SECONDS)
        assert is_offered(cluster, source)
        assert source.is_writable
        with frozen(peer):
            expect_closed(cluster, source)
            source.run("systemctl restart mysql")
            lasts(STALL_SECONDS)
            assert not is_offered(cluster, source)
            assert not source.is_writable
        expect_open(cluster, source)


def test_higher_epoch_elsewhere_closes_a_source(cluster: Cluster) -> None:
    """One node that knows of a later promotion is enough."""
    source = cluster.source
    witness, promoted, *_ = cluster.replicas
    known = witness.epoch
    write_epoch(witness, {"epoch": known["epoch"] + 1, "source": promoted.name})
    try:
        expect_closed(cluster, source)
        assert not cluster.sources()
    finally:
        write_epoch(witness, known)
        # an agent that has heard of a higher epoch does not forget it, and would tell one that was restarted before it
        for action in ("stop", "start"):
            for node in cluster.database_nodes:
                node.run(f"systemctl {action} %s", AGENT)
    expect_open(cluster, source)


def write_epoch(node: Node, epoch: dict[str, Any]) -> None:
    """In place, so that owner and mode stay."""
    node.pipe(f"cat > {EPOCH_FILE}", json.dumps(epoch))


def test_how_many_nodes_must_answer_is_a_setting(cluster: Cluster) -> None:
    """With three wanted of four, two that are away close the source, which would stay open by default."""
    source = cluster.source
    lost = cluster.replicas[:2]
    setting = ("--tags", "db_health")
    cluster.play("playbooks/database.yml", *setting, "-e", "db_health_peers_wanted=3").expect_success()
    try:
        expect_open(cluster, source)
        with frozen(*lost):
            expect_closed(cluster, source)
    finally:
        cluster.play("playbooks/database.yml", *setting).expect_success()
    expect_open(cluster, source)


def test_agent_that_stalled_denies_until_it_has_checked_again(cluster: Cluster) -> None:
    """Asked while it stood still, it must not answer from what it knew: meanwhile nobody else can be reached."""
    source = cluster.source
    pid = source.run("systemctl show --property=MainPID --value %s", AGENT).strip()
    with frozen(*cluster.replicas):
        # quicker than it would close for want of peers
        source.run("kill -STOP %s", pid)
        try:
            lasts(STALL_SECONDS)
        finally:
            source.run("kill -CONT %s", pid)
        first = until(lambda: cluster.ask(source, "/source")[0], "an answer", seconds=10)
        assert first == 503
    expect_open(cluster, source)


def test_cut_off_source_acknowledges_nothing(cluster: Cluster, session_mark: str) -> None:
    """The source can reach nobody: whoever sends a product is not told that it is saved."""
    source = cluster.source
    code = f"{session_mark}-cut-off"

    async def send() -> Reply:
        visitor = cluster.visitor()
        try:
            await visitor.open()
            with frozen(*cluster.replicas):
                expect_closed(cluster, source)
                return await asyncio.wait_for(visitor.register(code), 30)
        finally:
            await visitor.close()

    assert asyncio.run(send()).status == 503
    expect_open(cluster, source)
    assert code not in cluster.codes(source)


def test_agent_runs_as_a_user_of_its_own(cluster: Cluster) -> None:
    for node in cluster.database_nodes:
        pid = node.run("systemctl show --property=MainPID --value %s", AGENT).strip()
        assert node.host.process.get(pid=int(pid)).user not in ("root", "mysql")
