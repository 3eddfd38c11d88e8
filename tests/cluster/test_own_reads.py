"""Promise: whoever has written sees it in the next page, on whatever node, while every replica is 5 seconds late."""

from __future__ import annotations

import asyncio
import collections
import dataclasses
import json
import re
import time
from collections.abc import Callable, Iterator

import pytest

from proof.browsing import Visitor
from proof.cluster import Cluster, Node
from proof.figures import FIGURES
from proof.waiting import until

DELAY_SECONDS = 5
TOLERATED_SECONDS = 60
PAIRS = 1000
CLIENTS = 8
AGENT = "/etc/db-health.json"


def delay(node: Node, seconds: int) -> None:
    node.sql(
        f"STOP REPLICA SQL_THREAD; CHANGE REPLICATION SOURCE TO SOURCE_DELAY = {seconds}; START REPLICA SQL_THREAD"
    )


def configure_agent(cluster: Cluster, node: Node, config: str) -> None:
    """The file keeps its owner and mode; the agent reads it when it starts."""
    node.pipe(f"cat > {AGENT}", config)
    node.run("systemctl restart db-health")
    until(lambda: cluster.ask(node, "/replica")[0] == 200, f"{node} is offered for reads", seconds=30)


@pytest.fixture
def late_replicas(cluster: Cluster) -> Iterator[list[Node]]:
    """Every replica applies what it receives 5 seconds later, and is offered for reads all the same.

    As shipped, the health agents take a replica out that is more than 5 seconds behind; then the source answers, which
    proves nothing of the replicas. So their agents tolerate more for the length of this test.
    """
    replicas = cluster.replicas
    configs: dict[str, str] = {}
    try:
        for node in replicas:
            configs[node.name] = node.run("cat %s", AGENT)
            tolerant = json.loads(configs[node.name]) | {"max_lag_seconds": TOLERATED_SECONDS}
            configure_agent(cluster, node, json.dumps(tolerant))
        for node in replicas:
            delay(node, DELAY_SECONDS)
        for node in replicas:
            until(lambda: cluster.ask(node, "/replica")[0] == 200, f"{node} is offered for reads", seconds=30)  # noqa: B023
        yield replicas
    finally:
        for node in replicas:
            delay(node, 0)
        for node in replicas:
            cluster.catch_up(node)
            if node.name in configs:
                configure_agent(cluster, node, configs[node.name])


@dataclasses.dataclass
class Tally:
    stale: list[str] = dataclasses.field(default_factory=list)
    # read by somebody who did not write it
    seen_by_others: int = 0
    asked_by_others: int = 0


async def sees(visitor: Visitor, code: str) -> bool:
    page = await visitor.get(f"/products?q={code}", signed_in=True)
    assert page.status == 200, page.status
    # a text of its own, not what was searched for
    return re.search(rf">\s*{code}\s*<".encode(), page.body) is not None


async def write_and_read(cluster: Cluster, mark: str) -> Tally:
    tally = Tally()
    numbers = iter(range(PAIRS))
    visitors = [cluster.visitor() for _ in range(CLIENTS)]
    other = cluster.visitor()

    async def work(visitor: Visitor) -> None:
        for number in numbers:
            code = f"{mark}-{number:04d}"
            reply = await visitor.register(code)
            assert reply.status in (302, 303), reply.status
            if not await sees(visitor, code):
                tally.stale.append(code)
            if number % 100 == 0:
                tally.asked_by_others += 1
                tally.seen_by_others += await sees(other, code)

    try:
        await asyncio.gather(*(visitor.open() for visitor in (*visitors, other)))
        await asyncio.gather(*map(work, visitors))
    finally:
        await asyncio.gather(*map(Visitor.close, (*visitors, other)))
    return tally


def sides(cluster: Cluster, since: float) -> dict[str, collections.Counter[str]]:
    """Which side answered the reads of the list, by the log of each application node."""
    found = {}
    for node in cluster.app_nodes:
        lines = node.run("journalctl --unit=webapp --output=cat --since=%s", f"@{since:.0f}").splitlines()
        entries = [json.loads(line) for line in lines if line.startswith("{")]
        found[node.name] = collections.Counter(
            str(entry.get("read_side"))
            for entry in entries
            if entry.get("endpoint") == "products.index" and entry["status"] == 200
        )
    return found


def test_no_own_read_is_stale(
    cluster: Cluster, late_replicas: list[Node], session_mark: str, say: Callable[[str], None]
) -> None:
    began = float(cluster.app_nodes[0].run("date +%s"))
    started = time.monotonic()
    tally = asyncio.run(write_and_read(cluster, f"{session_mark}-PROPIO"))
    late = {node.name: cluster.state(node)["lag_seconds"] for node in late_replicas}
    by_node = sides(cluster, began)
    total = sum(by_node.values(), collections.Counter[str]())
    share = total["source"] / total.total()
    figures = {
        "pairs": PAIRS,
        "stale": len(tally.stale),
        "fell_back_to_the_source": round(share, 4),
        "by_node": by_node,
        "lag_seconds": late,
        "seconds": round(time.monotonic() - started, 1),
    }
    say(f"own reads: {figures}")
    FIGURES.mkdir(parents=True, exist_ok=True)
    (FIGURES / "own_reads.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    assert not tally.stale
    assert set(by_node) == {name for name, counted in by_node.items() if counted}, "a node served none of the reads"
    # the replicas were late, and asked: who did not write a product does not see it yet
    assert tally.seen_by_others < tally.asked_by_others
    assert share > 0.9
