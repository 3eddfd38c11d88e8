"""Promise: one replica less, then two: reads go on and none fails, whatever became of the replicas."""

from __future__ import annotations

import pytest

from proof.browsing import READING, Registration
from proof.cluster import Cluster
from proof.faults import FROZEN, KILLED, Fault, process_killed
from proof.figures import Measure
from proof.load import Load
from proof.waiting import lasts, until

REQUESTS = 1500
RATE = 50
SLOWEST_SECONDS = 5


@pytest.mark.containers
@pytest.mark.parametrize("fault", [KILLED, process_killed("mysql.service"), FROZEN], ids=str)
def test_reads_go_on(cluster: Cluster, measure: Measure, registration: Registration, fault: Fault) -> None:
    first, second, *_ = cluster.replicas

    def strike_two(load: Load) -> None:
        moment = 0.0
        for node in (first, second):
            until(lambda: len(load.answers_since(moment)) >= 5 * RATE, "some seconds of load", seconds=30)  # noqa: B023
            load.mark(f"{node} {fault}")
            fault.strike(node)
            lasts(fault.seconds / 2)
            moment = load.now
        # both are away by now; the first one has been for longer
        lasts(fault.seconds / 2)
        for node in (first, second):
            fault.mend(node)
            load.mark(f"{node} mended")
        for node in (first, second):
            until(lambda: cluster.ask(node, "/replica")[0] == 200, f"{node} is a fresh replica again", seconds=60)  # noqa: B023

    mix = [*((step, 8 * weight) for step, weight in READING), (registration.step, 1)]
    result = measure(cluster.load(mix, rate=RATE, at_least=REQUESTS), strike_two)
    reads = result.only(*(step.name for step, _ in READING))
    assert not reads.failures, reads.describe()
    assert reads.slowest <= SLOWEST_SECONDS
