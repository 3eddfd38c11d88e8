from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import URL

import inventario
from inventario.database import writes
from inventario.models import AuditEntry
from inventario.services import audit, audit_log
from inventario.services.actors import Actor
from inventario.services.audit_log import Filters
from inventario.services.timeline import PAGE_ROWS, Period, Timeline
from inventario.views import audit_labels
from mysql_server import Administrator
from query_plans import plan_of


@pytest.fixture(autouse=True)
def context(app: Flask) -> Iterator[None]:
    with app.test_request_context():
        yield


@writes()
def note(actor: Actor, action: str, number: int = 1, subject_type: str = "product") -> None:
    audit.record(actor, action, subject_type=subject_type, subject_id=number, subject=f"T-{number}")


def actions(page: Timeline[AuditEntry]) -> list[str]:
    return [entry.action for entry in page.rows]


@pytest.fixture
def products(administrator: Administrator, database: URL) -> None:
    """T-1 and T-2, and Eva."""
    administrator.execute(
        f"INSERT INTO `{database.database}`.products (id, code, name, description, unit_code, created_by_id) "
        "VALUES (1, 'T-1', 'Tornillo', '', 'ud', 1), (2, 'T-2', 'Tuerca', '', 'ud', 1)"
    )
    administrator.execute(
        f"INSERT INTO `{database.database}`.users (id, username, password_hash, role) "
        "VALUES (2, 'eva', '', 'viewer')"
    )


def test_the_newest_first_with_all_that_is_known(actor: Actor) -> None:
    note(actor, "product.created")
    note(actor, "product.changed")
    page = audit_log.page(Filters())
    assert actions(page) == ["product.changed", "product.created"]
    entry = page.rows[0]
    assert (entry.username, entry.address, entry.node, entry.request_id) == (
        actor.username,
        actor.address,
        actor.node,
        actor.request_id,
    )


def test_filters(actor: Actor, products: None) -> None:
    eva = Actor(2, "eva", "viewer", "192.0.2.2", "test", "request-of-eva")
    note(actor, "product.created", 1)
    note(actor, "stock.moved", 2)
    note(eva, "session.started", 2, "user")
    assert actions(audit_log.page(Filters(family="stock"))) == ["stock.moved"]
    assert actions(audit_log.page(Filters(username="EVA"))) == ["session.started"]
    assert actions(audit_log.page(Filters(subject="t-2"))) == ["stock.moved"]
    assert actions(audit_log.page(Filters(subject="eva"))) == ["session.started"]
    assert actions(audit_log.page(Filters(username="ana", family="product"))) == ["product.created"]
    for nothing in (Filters(username="x"), Filters(subject="x"), Filters(username="eva", family="stock")):
        assert actions(audit_log.page(nothing)) == []


def test_dates(actor: Actor, administrator: Administrator, database: URL) -> None:
    for action in ("product.created", "product.changed", "product.retired"):
        note(actor, action)
    for action, moment in (("created", "2024-05-01 00:00:00"), ("changed", "2024-05-01 23:59:59.999999")):
        administrator.execute(
            f"UPDATE `{database.database}`.audit_entries SET created_at = '{moment}' "
            f"WHERE action = 'product.{action}'"
        )
    may = datetime.datetime.fromisoformat("2024-05-01")
    period = Period(may, may + datetime.timedelta(days=1))
    assert actions(audit_log.page(Filters(period=period))) == ["product.changed", "product.created"]
    assert actions(audit_log.page(Filters(period=Period(start=period.end)))) == ["product.retired"]
    assert actions(audit_log.page(Filters(period=Period(end=may)))) == []


@pytest.fixture
def many(administrator: Administrator, database: URL, products: None) -> int:
    """So many entries that a plan which reads them all would show."""
    rows = 9_000
    administrator.execute("SET SESSION cte_max_recursion_depth = 100000")
    administrator.execute(
        f"INSERT INTO `{database.database}`.audit_entries (created_at, user_id, username, action, family, "
        "subject_type, subject_id, subject, address, node, request_id) "
        f"WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {rows - 1}) "
        "SELECT '2024-01-01' + INTERVAL i DIV 3 MINUTE, 1 + i % 2, IF(i % 2, 'eva', 'ana'), 'x', "
        "ELT(1 + i % 3, 'product', 'stock', 'session'), 'product', 1 + i % 12, 'T-1', '', '', '' FROM n"
    )
    administrator.execute(f"ANALYZE TABLE `{database.database}`.audit_entries")
    return rows


PERIOD = Period(datetime.datetime.fromisoformat("2024-01-02"), datetime.datetime.fromisoformat("2024-01-05"))


@pytest.mark.parametrize("older_than", [None, 4_500])
@pytest.mark.parametrize(
    ("filters", "key"),
    [
        (Filters(), "created_at_id_subject_type"),
        (Filters(period=PERIOD), "created_at_id_subject_type"),
        (Filters(family="stock"), "family_created_at"),
        (Filters(username="eva"), "user_id_created_at"),
        (Filters(username="eva", period=PERIOD), "user_id_created_at"),
        (Filters(subject="T-1"), "subject_type_subject_id_id"),
    ],
)
def test_a_page_reads_no_more_than_it_shows(
    many: int, administrator: Administrator, database: URL, filters: Filters, key: str, older_than: int | None
) -> None:
    first = administrator.execute(f"SELECT MIN(id) FROM `{database.database}`.audit_entries")[0][0]
    plan = plan_of(
        "audit_entries", lambda: audit_log.page(filters, older_than=older_than and first + older_than)
    )
    assert (plan.index, plan.sorts) == (f"ix_audit_entries_{key}", False)
    assert plan.rows_read <= 4 * PAGE_ROWS


def test_pages_there_and_back(many: int) -> None:
    first = audit_log.page(Filters(family="stock"))
    second = audit_log.page(Filters(family="stock"), older_than=first.older)
    assert {entry.id for entry in first.rows}.isdisjoint(entry.id for entry in second.rows)
    assert second.newer is not None
    back = audit_log.page(Filters(family="stock"), newer_than=second.newer)
    assert [entry.id for entry in back.rows] == [entry.id for entry in first.rows]
    assert back.newer is None


def test_a_page_that_starts_nowhere_is_the_first(actor: Actor) -> None:
    note(actor, "product.created")
    assert actions(audit_log.page(Filters(), older_than=10**12)) == ["product.created"]


def test_every_action_has_a_name() -> None:
    services = Path(inventario.__file__).parent / "services"
    families = "|".join(audit_labels.FAMILIES)
    written = set()
    for source in services.glob("*.py"):
        written |= set(re.findall(rf'"((?:{families})\.[a-z_]+)"', source.read_text(encoding="utf-8")))
    assert written
    assert written - set(audit_labels.ACTIONS) == set()
