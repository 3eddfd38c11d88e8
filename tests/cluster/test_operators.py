"""Promise: of two operators at once the second is refused, with the name of the first."""

from __future__ import annotations

import pathlib

import pytest

from proof.cluster import Cluster
from proof.waiting import until


@pytest.mark.containers
def test_second_operator_is_refused(cluster: Cluster) -> None:
    lock = pathlib.Path(f"/run/lock/{cluster.name}.operator.json")
    first, log = cluster.operator.start("site.yml", environment={"INVENTARIO_OPERATOR": "ana"})
    try:
        until(lambda: lock.exists() or first.poll() is not None, "the first operator has the lock", seconds=60)
        assert first.poll() is None, log
        second = cluster.play("playbooks/lock.yml", environment={"INVENTARIO_OPERATOR": "benito"})
        second.expect_refusal("another operator is at work", "ana")
        assert first.wait(120) == 0, log
    finally:
        if first.poll() is None:
            first.terminate()
            first.wait()
    assert not lock.exists()
