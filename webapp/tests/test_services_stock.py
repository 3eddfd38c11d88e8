from __future__ import annotations

import dataclasses
import datetime
import itertools
import threading
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import URL, event, select

from conftest import make_app
from inventario.database import db, reads
from inventario.models import AuditEntry
from inventario.models.stock import ADJUSTMENT, IN, KINDS, OUT, REASONS
from inventario.services import products, stock
from inventario.services.actors import Actor
from inventario.services.products import Details
from inventario.services.stock import (
    Filters,
    Moved,
    NotEnough,
    ProductRetired,
    ProductUnknown,
    QuantityInvalid,
    ReasonInvalid,
)
from inventario.services.submissions import KeyReused, new_key
from inventario.services.timeline import PAGE_ROWS, Period
from mysql_server import Administrator
from query_plans import plan_of


@pytest.fixture(autouse=True)
def context(app: Flask) -> Iterator[None]:
    with app.test_request_context():
        yield


class Shelf:
    """A product of the tests, and what happens to it."""

    def __init__(self, actor: Actor, administrator: Administrator, schema: str, code: str, unit: str) -> None:
        products.register(Details(code, "Tornillo", "", unit, ""), actor=actor, submission_key=new_key())
        self._administrator, self._actor = administrator, actor
        self.id = int(administrator.execute(f"SELECT id FROM `{schema}`.products WHERE code = '{code}'")[0][0])
        self.schema = schema

    def move(self, kind: str, quantity: str, *, note: str = "", key: str = "", reason: str = "") -> Moved:
        return stock.move(
            self._actor,
            self.id,
            kind,
            Decimal(quantity),
            reason or REASONS[kind][0],
            note,
            key or new_key(),
        )

    @property
    def quantity(self) -> float:
        rows = self._administrator.execute(
            f"SELECT quantity FROM `{self.schema}`.products WHERE id = {self.id}"
        )
        return float(rows[0][0])

    @property
    def movements(self) -> list[tuple[float, float]]:
        """What each added, and what was there afterwards."""
        rows = self._administrator.execute(
            f"SELECT quantity, balance FROM `{self.schema}`.movements WHERE product_id = {self.id} ORDER BY id"
        )
        return [(float(quantity), float(balance)) for quantity, balance in rows]

    def is_consistent(self) -> bool:
        balance = 0.0
        for quantity, after in self.movements:
            balance += quantity
            if balance != after:
                return False
        return balance == self.quantity

    def set(self, assignment: str) -> None:
        self._administrator.execute(f"UPDATE `{self.schema}`.products SET {assignment} WHERE id = {self.id}")


@pytest.fixture
def shelf(actor: Actor, administrator: Administrator, database: URL) -> Shelf:
    """Counted in whole pieces."""
    return Shelf(actor, administrator, database.database or "", "T-1", "ud")


@pytest.fixture
def sack(actor: Actor, administrator: Administrator, database: URL) -> Shelf:
    """Weighed."""
    return Shelf(actor, administrator, database.database or "", "S-1", "kg")


@reads
def entries() -> list[AuditEntry]:
    return list(
        db.session.scalars(select(AuditEntry).where(AuditEntry.family == "stock").order_by(AuditEntry.id))
    )


def test_in_out_and_counted(shelf: Shelf) -> None:
    came = shelf.move(IN, "10")
    went = shelf.move(OUT, "3")
    counted = shelf.move(ADJUSTMENT, "6")
    agreed = shelf.move(ADJUSTMENT, "6")
    made = [(int(moved.quantity), int(moved.balance)) for moved in (came, went, counted, agreed)]
    assert made == [(10, 10), (-3, 7), (-1, 6), (0, 6)]
    assert shelf.quantity == 6
    assert shelf.is_consistent()


def test_the_audit_entry(shelf: Shelf, actor: Actor) -> None:
    shelf.move(IN, "10")
    shelf.move(OUT, "3", note="Para Ana", reason="consumption")
    came, went = entries()
    assert came.changes == {"quantity": ["0", "10"], "kind": "in", "reason": "purchase"}
    assert went.changes == {
        "quantity": ["10", "7"],
        "kind": "out",
        "reason": "consumption",
        "note": "Para Ana",
    }
    assert (went.action, went.subject_type, went.subject_id, went.subject) == (
        "stock.moved",
        "product",
        shelf.id,
        "T-1",
    )
    assert (went.username, went.address, went.node, went.request_id) == (
        actor.username,
        actor.address,
        actor.node,
        actor.request_id,
    )


def test_more_than_there_is_does_not_go_out(shelf: Shelf) -> None:
    shelf.move(IN, "2")
    with pytest.raises(NotEnough) as refused:
        shelf.move(OUT, "3")
    assert refused.value.available == 2
    assert (shelf.quantity, len(shelf.movements), len(entries())) == (2, 1, 1)


def test_a_refused_movement_may_be_corrected_and_sent_again(shelf: Shelf) -> None:
    shelf.move(IN, "2")
    key = new_key()
    with pytest.raises(NotEnough):
        shelf.move(OUT, "3", key=key)
    assert shelf.move(OUT, "2", key=key).balance == 0


def test_below_zero_where_that_is_allowed(shelf: Shelf, database: URL) -> None:
    with make_app(database, allow_negative_stock="true").test_request_context():
        assert shelf.move(OUT, "3").balance == -3
    # and out of it again, where it is not
    assert shelf.move(IN, "1").balance == -2
    assert shelf.is_consistent()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("quantity", ["-1", "1000000000000", "1E+99", "1E-99", "NaN", "Infinity", "0.5"])
def test_a_quantity_that_cannot_be(shelf: Shelf, kind: str, quantity: str) -> None:
    shelf.move(IN, "5")
    with pytest.raises(QuantityInvalid):
        shelf.move(kind, quantity)
    assert len(shelf.movements) == 1


@pytest.mark.parametrize("kind", [IN, OUT])
def test_nothing_does_not_move(shelf: Shelf, kind: str) -> None:
    with pytest.raises(QuantityInvalid):
        shelf.move(kind, "0")


def test_as_fine_as_the_unit(sack: Shelf) -> None:
    sack.move(IN, "1.125")
    assert sack.move(OUT, "0.1250").balance == 1
    with pytest.raises(QuantityInvalid) as refused:
        sack.move(OUT, "0.1255")
    assert refused.value.decimals == 3


def test_the_stock_does_not_grow_beyond_what_can_be_kept(shelf: Shelf) -> None:
    shelf.move(IN, "999999999999")
    with pytest.raises(QuantityInvalid):
        shelf.move(IN, "1")


@pytest.mark.parametrize(("kind", "reason"), [(IN, "sale"), (OUT, ""), ("gift", "other"), (ADJUSTMENT, "x")])
def test_a_reason_of_another_kind(shelf: Shelf, actor: Actor, kind: str, reason: str) -> None:
    with pytest.raises(ReasonInvalid):
        stock.move(actor, shelf.id, kind, Decimal(1), reason, "", new_key())


def test_a_retired_product_does_not_move(shelf: Shelf) -> None:
    shelf.set("active = 0")
    with pytest.raises(ProductRetired):
        shelf.move(IN, "1")


def test_a_product_that_is_not_there(actor: Actor) -> None:
    with pytest.raises(ProductUnknown):
        stock.move(actor, 999_999, IN, Decimal(1), "other", "", new_key())
    with pytest.raises(ProductUnknown):
        stock.find(999_999)


def test_sent_twice_it_counts_once(shelf: Shelf) -> None:
    key = new_key()
    first = shelf.move(IN, "5", key=key)
    shelf.move(OUT, "5")
    # also when it could not be done any more
    assert shelf.move(IN, "5.0", key=key) == first
    shelf.set("active = 0")
    assert shelf.move(IN, "5", key=key) == first
    assert len(shelf.movements) == 2


def test_the_same_key_with_another_quantity(shelf: Shelf) -> None:
    key = new_key()
    shelf.move(IN, "5", key=key)
    with pytest.raises(KeyReused):
        shelf.move(IN, "6", key=key)
    assert shelf.quantity == 5


def test_a_movement_takes_few_statements(shelf: Shelf) -> None:
    """The product is locked from the second on: each is a round trip that others wait for."""
    shelf.move(IN, "5")
    statements: list[str] = []

    def note(*seen: Any) -> None:
        statements.append(seen[2].split()[0])

    event.listen(db.engine, "before_cursor_execute", note)
    event.listen(db.engine, "commit", lambda _connection: statements.append("COMMIT"))
    shelf.move(OUT, "1", note="Para Ana")
    within = statements[: statements.index("COMMIT")]
    assert (within[:3], sorted(within[3:])) == (["INSERT", "SELECT", "INSERT"], ["INSERT", "UPDATE", "UPDATE"])


def test_fifty_at_once_through_four_nodes(shelf: Shelf, actor: Actor, database: URL) -> None:
    """More is wanted than there is: exactly that goes out, to whoever came first."""
    # as many connections as threads, and time to open them all at once on a busy machine
    room = {"database_pool_size": "13", "database_retrying_writers": "13", "database_connect_timeout": "10"}
    nodes = [make_app(database, None, **room) for _ in range(4)]
    shelf.move(IN, "60")
    wanted = ["1", "2", "3"] * 17
    start = threading.Barrier(50)
    outcomes: Counter[str] = Counter()
    lock = threading.Lock()

    def take(node: Flask, quantity: str) -> None:
        with node.test_request_context():
            start.wait()
            try:
                shelf.move(OUT, quantity)
                outcome = quantity
            except NotEnough as refused:
                outcome = "refused" if refused.available < Decimal(quantity) else "wronged"
            with lock:
                outcomes[outcome] += 1

    threads = [threading.Thread(target=take, args=(nodes[number % 4], wanted[number])) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.total() == 50
    assert not outcomes["wronged"]
    taken = sum(int(quantity) * outcomes[quantity] for quantity in ("1", "2", "3"))
    assert shelf.quantity == 60 - taken
    # ones are wanted often enough to take the last of it
    assert shelf.quantity == 0 or outcomes["1"] == 17
    assert shelf.is_consistent()
    assert len(shelf.movements) == 1 + sum(outcomes[quantity] for quantity in ("1", "2", "3"))
    assert len(entries()) == len(shelf.movements)


def test_the_same_movement_at_once_through_four_nodes(shelf: Shelf, database: URL) -> None:
    nodes = [make_app(database) for _ in range(4)]
    key = new_key()
    start = threading.Barrier(8)
    moved: list[Moved] = []

    def put(node: Flask) -> None:
        with node.test_request_context():
            start.wait()
            moved.append(shelf.move(IN, "5", key=key))

    threads = [threading.Thread(target=put, args=(nodes[number % 4],)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(moved) == 8
    assert len(set(moved)) == 1
    assert shelf.movements == [(5, 5)]


def test_pages_of_movements(shelf: Shelf, sack: Shelf) -> None:
    for _ in range(PAGE_ROWS + 5):
        shelf.move(IN, "1")
        sack.move(IN, "1")
    for filters in (
        Filters(),
        Filters(kind=IN),
        Filters(product_code="t-1"),
        Filters(product_code="T-1", kind=IN),
        Filters(username="ana"),
    ):
        number = (1 if filters.product_code else 2) * (PAGE_ROWS + 5)
        seen: list[int] = []
        page = stock.page(filters)
        assert page.newer is None
        pages = [page]
        while page.older:
            page = stock.page(filters, older_than=page.older)
            pages.append(page)
        for page in pages:
            seen += [row.id for row in page.rows]
        assert seen == sorted(seen, reverse=True)
        assert len(set(seen)) == number
        for later, earlier in itertools.pairwise(pages):
            back = stock.page(filters, newer_than=earlier.newer)
            assert [row.id for row in back.rows] == [row.id for row in later.rows]
            assert back.older == later.older


def day(year: int, month: int, day: int) -> datetime.datetime:
    return datetime.datetime(year, month, day, tzinfo=datetime.UTC).replace(tzinfo=None)


def test_filters(shelf: Shelf, sack: Shelf, actor: Actor, administrator: Administrator) -> None:
    administrator.execute(
        f"INSERT INTO `{shelf.schema}`.users (id, username, password_hash, role) "
        "VALUES (2, 'eva', '', 'operator')"
    )
    shelf.move(IN, "5")
    shelf.move(OUT, "2")
    sack.move(IN, "1")
    eva = dataclasses.replace(actor, user_id=2, username="eva")
    stock.move(eva, shelf.id, OUT, Decimal(1), "sale", "", new_key())
    administrator.execute(
        f"UPDATE `{shelf.schema}`.movements SET created_at = '2024-05-01 12:00:00' WHERE product_id = {sack.id}"
    )

    def found(filters: Filters) -> list[tuple[str, int]]:
        return [(row.product.code, int(row.quantity)) for row in stock.page(filters).rows]

    assert found(Filters()) == [("T-1", -1), ("T-1", -2), ("T-1", 5), ("S-1", 1)]
    assert found(Filters(kind=OUT)) == [("T-1", -1), ("T-1", -2)]
    assert found(Filters(product_code="s-1")) == [("S-1", 1)]
    assert found(Filters(username="Eva")) == [("T-1", -1)]
    assert found(Filters(username="eva", kind=IN)) == []
    for nobody in (Filters(product_code="X"), Filters(username="x")):
        assert found(nobody) == []
    may = Period(day(2024, 5, 1), day(2024, 5, 2))
    assert found(Filters(period=may)) == [("S-1", 1)]
    assert found(Filters(period=Period(start=may.end))) == [("T-1", -1), ("T-1", -2), ("T-1", 5)]
    assert found(Filters(period=Period(end=may.start))) == []
    (row,) = stock.page(Filters(username="eva")).rows
    assert (row.user.username, row.product.unit.name, row.reason) == ("eva", "unidad", "sale")


@pytest.fixture
def many(shelf: Shelf, sack: Shelf, administrator: Administrator) -> None:
    """So many movements that a plan which reads them all would show."""
    administrator.execute(
        f"INSERT INTO `{shelf.schema}`.users (id, username, password_hash, role) "
        "VALUES (2, 'eva', '', 'operator')"
    )
    administrator.execute("SET SESSION cte_max_recursion_depth = 100000")
    administrator.execute(
        f"INSERT INTO `{shelf.schema}`.movements "
        "(product_id, kind, quantity, balance, reason, user_id, created_at) "
        "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 8999) "
        f"SELECT IF(i % 9, {shelf.id}, {sack.id}), ELT(1 + i % 3, 'in', 'out', 'adjustment'), 1, 1, 'other', "
        "1 + i % 2, '2024-01-01' + INTERVAL i DIV 3 MINUTE FROM n"
    )
    administrator.execute(f"ANALYZE TABLE `{shelf.schema}`.movements")


SOME_DAYS = Period(day(2024, 1, 2), day(2024, 1, 5))


@pytest.mark.parametrize("older", [0, 4_500])
@pytest.mark.parametrize(
    ("filters", "index"),
    [
        (Filters(), "ix_movements_created_at_id_kind"),
        (Filters(period=SOME_DAYS), "ix_movements_created_at_id_kind"),
        (Filters(kind=OUT), "ix_movements_kind_created_at"),
        (Filters(kind=OUT, period=SOME_DAYS), "ix_movements_kind_created_at"),
        (Filters(username="eva"), "ix_movements_user_id_created_at"),
        (Filters(product_code="S-1"), "ix_movements_product_id_id"),
    ],
)
def test_a_page_reads_no_more_than_it_shows(
    many: None, shelf: Shelf, administrator: Administrator, filters: Filters, index: str, older: int
) -> None:
    (newest,) = administrator.execute(f"SELECT MAX(id) FROM `{shelf.schema}`.movements")[0]
    plan = plan_of("movements", lambda: stock.page(filters, older_than=newest - older if older else None))
    assert (plan.index, plan.sorts) == (index, False)
    assert plan.rows_read <= 2 * PAGE_ROWS
