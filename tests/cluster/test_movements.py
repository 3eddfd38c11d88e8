"""Promise: stock is exact through all nodes at once, and a movement counts once however often it is sent, also when the
node that was asked dies over it."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from decimal import Decimal

import pytest

from proof.browsing import Visitor
from proof.cluster import Cluster
from proof.faults import FROZEN, KILLED, Fault, process_killed
from proof.load import Reply
from proof.waiting import lasts

PEOPLE = 10
OUTS = 50
STOCK = 37
# people at work while a node is lost, one movement after the other
AT_WORK = 6
MOVEMENTS_AFTERWARDS = 5


def together(cluster: Cluster, work: Callable[[list[Visitor]], Awaitable[list[Reply]]], people: int) -> list[Reply]:
    async def run() -> list[Reply]:
        visitors = [cluster.visitor() for _ in range(people)]
        try:
            await asyncio.gather(*map(Visitor.open, visitors))
            return await work(visitors)
        finally:
            await asyncio.gather(*map(Visitor.close, visitors))

    return asyncio.run(run())


def product(cluster: Cluster, code: str) -> int:
    assert cluster.register(code).status in (302, 303)
    return int(cluster.source.sql(f"SELECT id FROM products WHERE code = '{code}'", cluster.database)[0][0])


def stock(cluster: Cluster, product_id: int) -> tuple[Decimal, list[tuple[Decimal, Decimal]]]:
    """What is there, and each movement with what was there after it."""
    quantity = cluster.source.sql(f"SELECT quantity FROM products WHERE id = {product_id}", cluster.database)[0][0]
    rows = cluster.source.sql(
        f"SELECT quantity, balance FROM movements WHERE product_id = {product_id} ORDER BY id", cluster.database
    )
    return Decimal(quantity), [(Decimal(moved), Decimal(balance)) for moved, balance in rows]


def expect_exact(cluster: Cluster, product_id: int, quantity: int, movements: int) -> None:
    there, rows = stock(cluster, product_id)
    assert there == quantity
    assert len(rows) == movements
    running = Decimal(0)
    for moved, balance in rows:
        running += moved
        assert balance == running >= 0
    assert running == quantity
    audited = cluster.source.sql(
        f"SELECT COUNT(*) FROM audit_entries WHERE action = 'stock.moved' AND subject_id = {product_id}",
        cluster.database,
    )
    assert int(audited[0][0]) == movements


def test_fifty_outs_at_once_through_four_nodes(cluster: Cluster, session_mark: str) -> None:
    product_id = product(cluster, f"{session_mark}-MOV-OUTS")

    async def work(visitors: list[Visitor]) -> list[Reply]:
        first = await visitors[0].move(product_id, "in", STOCK)
        assert first.status in (302, 303)
        return await asyncio.gather(*(visitors[number % PEOPLE].move(product_id, "out", 1) for number in range(OUTS)))

    answers = together(cluster, work, PEOPLE)
    went = [answer for answer in answers if answer.status in (302, 303)]
    refused = [answer for answer in answers if answer.status in (409, 422)]
    assert (len(went), len(refused)) == (STOCK, OUTS - STOCK)
    assert {answer.headers["X-Served-By"] for answer in answers} == {node.name for node in cluster.app_nodes}
    expect_exact(cluster, product_id, 0, STOCK + 1)


def test_a_movement_sent_again_through_every_node_counts_once(cluster: Cluster, session_mark: str) -> None:
    product_id = product(cluster, f"{session_mark}-MOV-AGAIN")
    key = uuid.uuid4().hex

    async def work(visitors: list[Visitor]) -> list[Reply]:
        return await asyncio.gather(*(visitor.move(product_id, "in", 3, key=key) for visitor in visitors * 3))

    answers = together(cluster, work, PEOPLE)
    assert {answer.status for answer in answers} <= {302, 303}
    assert len({answer.headers["X-Served-By"] for answer in answers}) == len(cluster.app_nodes)
    expect_exact(cluster, product_id, 3, 1)


@pytest.mark.containers
@pytest.mark.parametrize("fault", [KILLED, process_killed("webapp.service"), FROZEN], ids=str)
def test_every_movement_counts_once_while_nodes_are_lost(cluster: Cluster, session_mark: str, fault: Fault) -> None:
    """All that was asked for is acknowledged, and counted once: NGINX sends it again, the key tells."""
    product_id = product(cluster, f"{session_mark}-MOV-{fault}")
    struck = asyncio.Event()
    asked = 0

    async def strike() -> None:
        for node in cluster.app_nodes:
            await asyncio.to_thread(fault.strike, node)
            await asyncio.to_thread(lasts, fault.seconds)
            await asyncio.to_thread(fault.mend, node)
            await asyncio.to_thread(cluster.wait_until_whole)
        struck.set()

    async def move(visitor: Visitor) -> list[Reply]:
        nonlocal asked
        answers: list[Reply] = []
        left = MOVEMENTS_AFTERWARDS
        while left:
            asked += 1
            answers.append(await visitor.move(product_id, "in", 1))
            left -= struck.is_set()
        return answers

    async def work(visitors: list[Visitor]) -> list[Reply]:
        *answers, _ = await asyncio.gather(*map(move, visitors), strike())
        return [answer for some in answers for answer in some or ()]

    answers = together(cluster, work, AT_WORK)
    assert len(answers) == asked
    assert {answer.status for answer in answers} <= {302, 303}
    expect_exact(cluster, product_id, asked, asked)
