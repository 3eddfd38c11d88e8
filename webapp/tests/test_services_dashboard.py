from __future__ import annotations

import datetime
import zoneinfo
from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import URL, text

from conftest import make_app
from inventario.database import DatabaseUnavailable, db, reads
from inventario.services import dashboard
from inventario.services.dashboard import CategoryStock
from mysql_server import Administrator

NOW = datetime.datetime(2026, 3, 31, 12, 0, tzinfo=datetime.UTC)
MADRID = zoneinfo.ZoneInfo("Europe/Madrid")


@pytest.fixture(autouse=True)
def context(app: Flask) -> Iterator[None]:
    with app.test_request_context():
        yield


@pytest.fixture
def fill(administrator: Administrator, database: URL) -> Fill:
    return Fill(administrator, str(database.database))


class Fill:
    """Rows as they would be after a while, faster than by the services."""

    def __init__(self, administrator: Administrator, database: str) -> None:
        self._execute = administrator.execute
        self._database = database

    def category(self, number: int, name: str) -> None:
        self._execute(f"INSERT INTO `{self._database}`.categories (id, name) VALUES ({number}, '{name}')")

    def product(
        self,
        code: str,
        category: int | None,
        quantity: float = 0,
        minimum: float | None = None,
        active: bool = True,
    ) -> int:
        values = ", ".join("NULL" if value is None else str(value) for value in (category, quantity, minimum))
        self._execute(
            f"INSERT INTO `{self._database}`.products (code, name, description, unit_code, created_by_id, "
            f"active, category_id, quantity, minimum) VALUES ('{code}', 'x', '', 'ud', 1, {active}, {values})"
        )
        found = self._execute(f"SELECT id FROM `{self._database}`.products WHERE code = '{code}'")
        return int(found[0][0])

    def movement(self, product: int, kind: str, moment: str) -> None:
        self._execute(
            f"INSERT INTO `{self._database}`.movements "
            "(product_id, kind, quantity, balance, reason, user_id, created_at) "
            f"VALUES ({product}, '{kind}', 1, 1, 'other', 1, '{moment}')"
        )

    def entry(self, action: str, subject: str) -> None:
        self._execute(
            f"INSERT INTO `{self._database}`.audit_entries "
            "(user_id, username, action, subject_type, subject_id, subject, address, node, request_id) "
            f"VALUES (1, 'ana', '{action}', '{action.partition('.')[0]}', 1, '{subject}', '', '', '')"
        )


def counts(now: datetime.datetime = NOW, zone: datetime.tzinfo = MADRID) -> dict[str, dict[str, int]]:
    """The days on which something moved."""
    found = dashboard.movements_over_time(now, zone)
    assert found.complete
    assert len(found.days) == 30
    return {
        day.day.isoformat(): {kind: count for kind, count in day.counts.items() if count}
        for day in found.days
        if any(day.counts.values())
    }


def test_an_empty_inventory() -> None:
    assert dashboard.by_category() == []
    assert counts() == {}
    assert dashboard.low_products() == []
    assert dashboard.latest_changes() == []


def test_products_by_category(fill: Fill) -> None:
    fill.category(1, "Ferretería")
    fill.category(2, "Vacía")
    fill.product("A", 1, quantity=5, minimum=5)
    fill.product("B", 1, quantity=6, minimum=5)
    fill.product("C", 1, quantity=0)
    fill.product("D", None, quantity=0, minimum=1)
    fill.product("E", 1, quantity=0, minimum=1, active=False)
    assert dashboard.by_category() == [CategoryStock("Ferretería", 3, 1), CategoryStock(None, 1, 1)]


def test_low_products_are_active_ones_by_code(fill: Fill) -> None:
    for code in ("B", "A", "C"):
        fill.product(code, None, quantity=1, minimum=2)
    fill.product("0", None, quantity=1, minimum=2, active=False)
    fill.product("1", None, quantity=3, minimum=2)
    low = dashboard.low_products()
    assert [(product.code, product.unit.name) for product in low] == [(code, "unidad") for code in "ABC"]


def test_the_list_of_low_products_is_short(fill: Fill) -> None:
    for number in range(dashboard.LOW_ROWS + 1):
        fill.product(f"P{number}", None, quantity=1, minimum=2)
    assert len(dashboard.low_products()) == dashboard.LOW_ROWS


def test_movements_belong_to_the_day_of_the_reader(fill: Fill) -> None:
    product = fill.product("A", None)
    # an hour before midnight in UTC, after it in Madrid; the night in which its clocks change lies between
    fill.movement(product, "in", "2026-03-27 23:00:00")
    fill.movement(product, "in", "2026-03-29 21:59:59.999999")
    fill.movement(product, "out", "2026-03-29 22:00:00")
    assert counts() == {"2026-03-28": {"in": 1}, "2026-03-29": {"in": 1}, "2026-03-30": {"out": 1}}
    assert counts(zone=datetime.UTC) == {"2026-03-27": {"in": 1}, "2026-03-29": {"in": 1, "out": 1}}


@pytest.mark.parametrize(
    ("zone", "midnight"),
    [("Asia/Kolkata", "18:30"), ("Asia/Kathmandu", "18:15"), ("America/St_Johns", "02:30")],
)
def test_days_that_begin_at_no_full_hour_of_utc(fill: Fill, zone: str, midnight: str) -> None:
    product = fill.product("A", None)
    hours, minutes = map(int, midnight.split(":"))
    begins = datetime.datetime(2026, 3, 27, hours, minutes, tzinfo=datetime.UTC)
    fill.movement(product, "in", f"{begins - datetime.timedelta(seconds=1):%F %T}")
    fill.movement(product, "out", f"{begins:%F %T}")
    days = list(counts(zone=zoneinfo.ZoneInfo(zone)).values())
    assert days == [{"in": 1}, {"out": 1}]


def test_only_the_last_days(fill: Fill) -> None:
    product = fill.product("A", None)
    fill.movement(product, "in", "2026-03-01 23:30:00")
    fill.movement(product, "in", "2026-03-01 22:30:00")
    fill.movement(product, "adjustment", "2026-03-31 11:00:00")
    assert counts() == {"2026-03-02": {"in": 1}, "2026-03-31": {"adjustment": 1}}


def test_a_day_that_ended_is_counted_once_and_today_always(fill: Fill) -> None:
    product = fill.product("A", None)
    fill.movement(product, "in", "2026-03-30 12:00:00")
    assert counts() == {"2026-03-30": {"in": 1}}
    # what cannot happen shows that nobody asks again
    fill.movement(product, "in", "2026-03-30 12:00:00")
    fill.movement(product, "out", "2026-03-31 11:00:00")
    assert counts() == {"2026-03-30": {"in": 1}, "2026-03-31": {"out": 1}}


def test_a_day_stays_open_for_an_hour(fill: Fill) -> None:
    product = fill.product("A", None)
    shortly_after = datetime.datetime(2026, 3, 31, 0, 30, tzinfo=datetime.UTC)
    assert counts(shortly_after, datetime.UTC) == {}
    fill.movement(product, "in", "2026-03-30 23:59:59")
    assert counts(shortly_after, datetime.UTC) == {"2026-03-30": {"in": 1}}


def test_days_that_take_too_long_are_left_for_the_next_page(
    fill: Fill, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill.movement(fill.product("A", None), "in", "2026-03-31 11:00:00")
    monkeypatch.setattr(dashboard, "_BUDGET_SECONDS", -1)
    assert not dashboard.movements_over_time(NOW, MADRID).complete


def test_latest_changes_are_those_of_products(fill: Fill) -> None:
    for number in range(10):
        fill.entry("product.changed", f"P{number}")
        fill.entry("user.changed", "ana")
    found = dashboard.latest_changes()
    assert [entry.subject for entry in found] == [f"P{number}" for number in range(9, 1, -1)]


def test_a_database_that_is_away_is_said(database: URL) -> None:
    nowhere = database.set(host="127.0.0.1", port=1)
    with (
        make_app(nowhere, database_read_budget="0.3").test_request_context(),
        pytest.raises(DatabaseUnavailable),
    ):
        dashboard.by_category()


def test_products_are_counted_over_an_index_alone(fill: Fill) -> None:
    @reads
    def plan() -> list[str]:
        statements: list[str] = []
        for query in (dashboard.category_query(), dashboard.day_query(datetime.date(2026, 3, 30))):
            compiled = query.compile(db.session.connection(), compile_kwargs={"literal_binds": True})
            rows = db.session.execute(text(f"EXPLAIN FORMAT=TRADITIONAL {compiled}")).mappings()
            statements += [f"{row['key']}: {row['Extra']}" for row in rows]
        return statements

    products, movements = plan()
    assert products.startswith("ix_products_active_category_id_low:")
    assert movements.startswith("ix_movements_created_at_id_kind:")
    assert all("Using index" in statement for statement in (products, movements))
