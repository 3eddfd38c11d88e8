"""Promise: of two people who send the same product code at the same moment through two nodes, one has it registered and
the other is told why not."""

from __future__ import annotations

import asyncio

from proof.browsing import Visitor
from proof.cluster import Cluster
from proof.load import Reply

PAIRS = 12
MESSAGE = "Ya hay un producto con este código".encode()


def test_one_of_two_is_registered(cluster: Cluster, session_mark: str) -> None:
    codes = [f"{session_mark}-DUP-{number}" for number in range(PAIRS)]
    answers = asyncio.run(_send_pairs(cluster, codes))
    for pair in answers:
        assert sorted(reply.status for reply in pair) == [302, 409]
        assert [MESSAGE in reply.body for reply in sorted(pair, key=lambda reply: reply.status)] == [False, True]
    by_two_nodes = [pair for pair in answers if len({reply.headers["X-Served-By"] for reply in pair}) == 2]
    assert by_two_nodes, "no pair went through two nodes"
    for node in cluster.database_nodes:
        cluster.catch_up(node)
        rows = [
            row[0]
            for row in node.sql(f"SELECT code FROM products WHERE code LIKE '{session_mark}-DUP-%'", cluster.database)
        ]
        assert sorted(rows) == sorted(codes), node


async def _send_pairs(cluster: Cluster, codes: list[str]) -> list[tuple[Reply, Reply]]:
    one, other = visitors = [cluster.visitor(), cluster.visitor()]
    try:
        await asyncio.gather(*(visitor.open() for visitor in visitors))
        return [await asyncio.gather(one.register(code), other.register(code)) for code in codes]
    finally:
        await asyncio.gather(*map(Visitor.close, visitors))
