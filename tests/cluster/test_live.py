"""Promise: a change is in every open page within 2 seconds, and 2,000 open pages cost the application's nodes and MySQL
what 20 cost."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import resource
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from proof.browsing import Visitor
from proof.cluster import Cluster
from proof.figures import FIGURES
from proof.open_pages import Lateness, OpenPage, Watched, open_all, watched

FEW, MANY = 20, 2000
SECONDS = 20
CHANGE_EVERY = 1.3
SEEN_WITHIN = 2
# of each page several may be open on the way in and out
FILES = 4 * MANY
LOG = "/var/log/nginx/access.json"


@dataclasses.dataclass(frozen=True)
class Cost:
    """What it took meanwhile, in a second."""

    requests: float
    statements: float


@pytest.fixture
def many_files() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    assert wanted > MANY + 200, f"this machine allows {hard} open files: too few for {MANY} sockets"
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def reached_nodes(cluster: Cluster) -> int:
    """Requests of open pages that NGINX passed on, by its log, which leaves out what the cache answered."""
    balancer = cluster.load_balancers[0]
    return int(balancer.host.run('grep -c \'"path":"/live/[vc]\' %s', LOG).stdout or 0)


def statements(cluster: Cluster) -> int:
    """Statements that the database nodes have executed so far, whoever sent them."""
    return sum(int(node.sql("SHOW GLOBAL STATUS LIKE 'Questions'")[0][1]) for node in cluster.database_nodes)


async def watch(cluster: Cluster, count: int, mark: str) -> tuple[Watched, float]:
    """So many open pages, while products are registered; what they saw, and for how long they looked."""
    visitor = cluster.visitor()
    await visitor.open()
    try:
        key = json.loads((await visitor.get("/live/key", signed_in=True)).body)["key"]
        pages = [OpenPage(cluster.url, key) for _ in range(count)]
        await open_all(pages)
        lateness = Lateness()
        late = asyncio.create_task(lateness.watch())
        began = time.monotonic()
        asking = [asyncio.create_task(page.keep_asking(began + SECONDS)) for page in pages]
        made = await change(visitor, mark, began + SECONDS - SEEN_WITHIN - 1)
        await asyncio.gather(*asking)
        lasted = time.monotonic() - began
        late.cancel()
    finally:
        await visitor.close()
    for page in pages:
        page.close()
    return watched(pages, made, lateness.seconds), lasted


async def change(visitor: Visitor, mark: str, end: float) -> dict[str, float]:
    """Register one product after the other; when each was acknowledged."""
    made: dict[str, float] = {}
    while time.monotonic() < end:
        code = f"{mark}-{len(made):02d}"
        reply = await visitor.register(code)
        assert reply.status in (302, 303), reply.status
        made[code] = time.monotonic()
        await asyncio.sleep(CHANGE_EVERY)
    return made


def measured(cluster: Cluster, count: int, mark: str) -> tuple[Watched, Cost]:
    before = reached_nodes(cluster), statements(cluster)
    seen, lasted = asyncio.run(watch(cluster, count, mark))
    after = reached_nodes(cluster), statements(cluster)
    # the log and the counters also hold the opening, which is short
    return seen, Cost((after[0] - before[0]) / lasted, (after[1] - before[1]) / lasted)


@pytest.mark.usefixtures("many_files")
def test_open_pages_see_changes_and_cost_nothing_more(
    cluster: Cluster, session_mark: str, say: Callable[[str], None]
) -> None:
    figures: dict[str, Any] = {}
    costs: dict[int, Cost] = {}
    for count in (FEW, MANY):
        seen, costs[count] = measured(cluster, count, f"{session_mark}-VIVO{count}")
        delays = sorted(seen.delays)
        figures[str(count)] = {
            **dataclasses.asdict(costs[count]),
            "polls_per_second": seen.polls / SECONDS,
            "seen": len(delays),
            "generator_behind_seconds": round(seen.behind, 3),
            "seconds": {"p50": delays[len(delays) // 2], "max": seen.slowest},
        }
        say(f"{count} open pages: {figures[str(count)]}")
    FIGURES.mkdir(parents=True, exist_ok=True)
    (FIGURES / "live.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    for pages, figure in figures.items():
        assert figure["seconds"]["max"] <= SEEN_WITHIN, f"{pages} pages: {figure}"
    # one a second, whoever asks; another where an answer came in the second after that of its request
    assert costs[MANY].requests <= 2
    assert costs[MANY].requests <= 1.3 * costs[FEW].requests + 0.5
    # the registrations, the health checks and replication are in both
    assert costs[MANY].statements <= 1.3 * costs[FEW].statements + 10
    # they did ask, each of them once a second
    assert figures[str(MANY)]["polls_per_second"] > 0.8 * MANY
