"""Promise: after everything that these tests did, each write that was acknowledged is on every node."""

from __future__ import annotations

import pytest

from proof.cluster import Cluster
from proof.ledger import Ledger


def test_every_acknowledged_write_is_there(cluster: Cluster, ledger: Ledger) -> None:
    if not ledger.codes():
        pytest.skip("this session wrote nothing")
    cluster.expect_acknowledged(ledger)
    cluster.verify().expect_success()
