"""Promise: while people work, each application node in turn is killed, loses its processes, is frozen, and comes back;
no request fails, what registers a product included, and none takes longer than 5 seconds."""

from __future__ import annotations

import pytest

from proof.browsing import EVERYDAY, Registration
from proof.cluster import Cluster
from proof.faults import FROZEN, KILLED, Fault, process_killed
from proof.figures import Measure
from proof.ledger import Ledger
from proof.load import Load
from proof.waiting import lasts, until

REQUESTS = 5000
RATE = 60
SLOWEST_SECONDS = 5
BACK_SECONDS = 45


@pytest.mark.containers
@pytest.mark.parametrize("fault", [KILLED, process_killed("webapp.service"), FROZEN], ids=str)
def test_no_request_fails(
    cluster: Cluster, measure: Measure, ledger: Ledger, registration: Registration, fault: Fault
) -> None:
    def strike_each(load: Load) -> None:
        until(lambda: len(load.served_since(0)) == len(cluster.app_nodes), "every node answers", seconds=20)
        for node in cluster.app_nodes:
            load.mark(f"{node} {fault}")
            fault.strike(node)
            lasts(fault.seconds)
            fault.mend(node)
            moment = load.mark(f"{node} mended")
            until(lambda: node.name in load.served_since(moment), f"{node} answers again", seconds=BACK_SECONDS)  # noqa: B023
            load.mark(f"{node} answers again")

    mix = [*EVERYDAY, (registration.step, 1)]
    result = measure(cluster.load(mix, rate=RATE, at_least=REQUESTS), strike_each)
    assert result.requests >= REQUESTS
    assert not result.failures, result.describe()
    assert result.slowest <= SLOWEST_SECONDS
    assert result.only(registration.step.name).requests
    cluster.expect_acknowledged(ledger)
