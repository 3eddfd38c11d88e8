"""Promise: the machines are rebooted, all of them at once, and the cluster returns by itself."""

from __future__ import annotations

import functools
from collections.abc import Callable

import pytest

from proof.cluster import Cluster, Node
from proof.waiting import until

DOWN_AND_UP_SECONDS = 120


def _boot(node: Node) -> str:
    """What the kernel calls this boot; empty: the machine does not answer."""
    try:
        result = node.host.run("cat /proc/sys/kernel/random/boot_id")
    except RuntimeError:
        # ssh did not get there
        return ""
    return str(result.stdout).strip() if result.rc == 0 else ""


def _booted_since(node: Node, before: str) -> bool:
    return _boot(node) not in ("", before)


@pytest.mark.machines
def test_cluster_returns_when_every_machine_was_rebooted(cluster: Cluster, say: Callable[[str], None]) -> None:
    before = {node.name: _boot(node) for node in cluster.nodes.values()}
    assert all(before.values()), before
    source, products = cluster.source, cluster.codes(cluster.source)
    for node in cluster.nodes.values():
        # the answer may be cut off by what it asks for
        node.host.run("systemctl reboot")
    for node in cluster.nodes.values():
        until(
            functools.partial(_booted_since, node, before[node.name]),
            f"{node} has booted again",
            seconds=DOWN_AND_UP_SECONDS,
            every=2,
        )
    say("every machine has booted again")
    cluster.wait_until_whole()
    assert cluster.source is source
    assert cluster.codes(source) >= products
    run = cluster.verify().expect_success()
    say(run.describe())
