"""How MySQL gets at the rows of every list, search and product page: by the index named here, never by all.

The table is small: the plans do not depend on its size. `python -m bench --large` measures a large one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import URL, event

from conftest import make_app
from inventario.database.connections import REPLICA
from inventario.database.extension import engine
from inventario.services import finding, history, products, sizes
from inventario.services.cursors import Cursor, encode
from inventario.services.finding import ALL, RETIRED, Criteria
from mysql_server import Administrator

PRODUCTS = 20_000
# a word of two fifths of the products, of a twentieth, and of two
COMMON, SELDOM, RARE = "tornillo", "tuerca", "zahori"
HALF_WAY = encode(Cursor("code", False, False, "P10000", 1))
HALF_WAY_BY_NAME = encode(Cursor("name", False, False, "Tornillo", 10_000))
BACK_BY_QUANTITY = encode(Cursor("quantity", True, True, "20", 10_000))


@dataclass(frozen=True)
class Access:
    """How one table is read: table.key (kind)."""

    table: str
    key: str
    kind: str

    def __str__(self) -> str:
        return f"{self.table}.{self.key} ({self.kind})"


@pytest.fixture(scope="module")
def filled(administrator: Administrator, database: URL) -> Iterator[Flask]:
    """An application on products, their words and movements, with statistics."""
    name = database.database
    administrator.execute(f"DELETE FROM `{name}`.products")
    administrator.execute(f"DELETE FROM `{name}`.categories")
    administrator.execute(f"INSERT INTO `{name}`.categories (id, name) VALUES (1, 'Uno'), (2, 'Dos')")
    rows, terms = [], []
    for number in range(1, PRODUCTS + 1):
        word = COMMON if number % 5 < 2 else SELDOM if number % 20 == 4 else f"palabra{number % 97}"
        words = {f"p{number:05}", word, "acero", *([RARE] if number % 10_000 == 7 else [])}
        rows.append(
            f"({number}, 'P{number:05}', '{word.capitalize()} {number % 50}', '', "
            f"'{('ud', 'kg')[number % 9 == 0]}', {('NULL', '1', '2')[number % 3]}, "
            f"{int(number % 40 > 0)}, {number * 37 % 100}, 5, 1)"
        )
        terms += [f"({number}, '{term}', 'P{number:05}')" for term in words]
    columns = "id, code, name, description, unit_code, category_id, active, quantity, minimum, created_by_id"
    administrator.execute(f"INSERT INTO `{name}`.products ({columns}) VALUES {', '.join(rows)}")
    administrator.execute(f"INSERT INTO `{name}`.product_terms VALUES {', '.join(terms)}")
    administrator.execute(
        f"INSERT INTO `{name}`.movements (product_id, kind, quantity, balance, reason, user_id) "
        f"SELECT id, 'in', quantity, quantity, 'initial', 1 FROM `{name}`.products"
    )
    administrator.execute(
        f"INSERT INTO `{name}`.audit_entries (user_id, username, action, subject_type, subject_id, subject, "
        f"address, node, request_id) SELECT 1, 'ana', 'product.created', 'product', id, code, '', '', '' "
        f"FROM `{name}`.products"
    )
    tables = ("products", "product_terms", "movements", "audit_entries", "categories", "units", "users")
    administrator.execute("ANALYZE TABLE " + ", ".join(f"`{name}`.{table}" for table in tables))
    yield make_app(database)
    for table in ("movements", "audit_entries", "products", "categories"):
        administrator.execute(f"DELETE FROM `{name}`.{table}")


def plans(app: Flask, work: Callable[[], object]) -> list[Access]:
    """Do something that reads, and explain each of its statements."""
    explained: list[Access] = []

    def explain(_connection: Any, cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        if statement.startswith("EXPLAIN"):  # the service asks for an estimate itself
            return
        # before it runs, on its own connection; the cursor is free then
        cursor.execute(f"EXPLAIN FORMAT=TRADITIONAL {statement}", parameters)
        columns = [column[0] for column in cursor.description]
        for row in (dict(zip(columns, values, strict=True)) for values in cursor.fetchall()):
            # what was derived before is read as a whole; NULL: nothing is read at all
            if row["table"] and not row["table"].startswith("<"):
                explained.append(Access(row["table"], row["key"] or "-", row["type"] or "-"))

    with app.test_request_context():
        sizes.forget()
        side = engine(REPLICA)
        event.listen(side, "before_cursor_execute", explain)
        try:
            work()
        finally:
            event.remove(side, "before_cursor_execute", explain)
    assert explained
    return explained


def unbounded(found: list[Access]) -> list[str]:
    """Tables that are read from end to end; `index` is a walk along an order that its LIMIT ends."""
    return [str(access) for access in found if access.kind == "ALL" or access.key == "-"]


LISTS = {
    "first page": (Criteria(), "products.ix_products_active_code (ref)"),
    "deep page": (Criteria(cursor=HALF_WAY), "products.ix_products_active_code (range)"),
    "active and retired": (Criteria(state=ALL), "products.uq_products_code (index)"),
    "deep in both": (Criteria(state=ALL, cursor=HALF_WAY), "products.uq_products_code (range)"),
    "by name": (Criteria(sort="name"), "products.ix_products_name (range)"),
    "by name, deep": (Criteria(sort="name", cursor=HALF_WAY_BY_NAME), "products.ix_products_name (range)"),
    "by quantity, back": (
        Criteria(sort="quantity", descending=True, cursor=BACK_BY_QUANTITY),
        "products.ix_products_quantity (range)",
    ),
    "last changes": (Criteria(sort="changed", descending=True), "products.ix_products_updated_at (range)"),
    "retired": (Criteria(state=RETIRED), "products.ix_products_active_code (ref)"),
    "a category": (Criteria(category_id=1), "products.ix_products_category_id_code (ref)"),
    "a unit": (Criteria(unit_code="kg"), "products.ix_products_unit_code_code (ref)"),
    "low stock": (Criteria(low=True), "products.ix_products_low_code (ref)"),
    "low stock by quantity": (Criteria(low=True, sort="quantity"), "products.ix_products_low_code (ref)"),
    "a rare word": (Criteria(search=RARE), "found.ix_product_terms_term_code (range)"),
    "a rare word by name": (Criteria(search=RARE, sort="name"), "found.ix_product_terms_term_code (range)"),
    "a seldom word": (Criteria(search=SELDOM), "found.ix_product_terms_term_code (range)"),
    "a common word": (Criteria(search=COMMON), "arm0.ix_product_terms_term_code (ref)"),
    "a common word, deep": (
        Criteria(search=COMMON, cursor=HALF_WAY),
        "arm0.ix_product_terms_term_code (range)",
    ),
    "a common word by name": (Criteria(search=COMMON, sort="name"), "products.ix_products_name (range)"),
    "a common and a rare word": (
        Criteria(search=f"{COMMON} {RARE}"),
        "found.ix_product_terms_term_code (range)",
    ),
    "two common words": (
        Criteria(search=f"{COMMON} acero", state=ALL),
        "tested.ix_product_terms_term_code (ref)",
    ),
    "a letter": (Criteria(search="p"), "products.uq_products_code (range)"),
    "a code": (Criteria(search="P00123"), "found.ix_product_terms_term_code (range)"),
    "no such word": (Criteria(search="nada"), "found.ix_product_terms_term_code (range)"),
    "a word in a category": (
        Criteria(search=COMMON, category_id=1),
        "products.ix_products_category_id_code (ref)",
    ),
    "a category by name": (
        Criteria(category_id=1, sort="name"),
        "products.ix_products_category_id_name (ref)",
    ),
}


@pytest.mark.parametrize("case", LISTS)
def test_a_list(filled: Flask, case: str) -> None:
    criteria, expected = LISTS[case]
    found = plans(filled, lambda: finding.find(criteria))
    assert unbounded(found) == []
    assert expected in [str(access) for access in found]


def test_words_that_do_not_exist_are_looked_up_and_nothing_else(filled: Flask) -> None:
    found = plans(filled, lambda: finding.find(Criteria(search="nada")))
    assert {str(access) for access in found} == {
        "found.ix_product_terms_term_code (range)",
        "products.ix_products_active_code (ref)",
    }


def test_a_product_page(filled: Flask) -> None:
    found = plans(
        filled, lambda: (products.get(10_000), history.movements(10_000), history.changes(10_000, before=10**9))
    )
    assert unbounded(found) == []
    assert {str(access) for access in found if access.table in ("movements", "audit_entries")} == {
        "movements.ix_movements_product_id_id (ref)",
        "audit_entries.ix_audit_entries_subject_type_subject_id_id (range)",
    }


def test_a_scan_would_be_seen(filled: Flask) -> None:
    """The judge itself: a list by a column that has no index."""

    def scan() -> None:
        from sqlalchemy import select

        from inventario.database import db, reads
        from inventario.models import Product

        reads(lambda: db.session.execute(select(Product.id).where(Product.description == "x")).all())()

    assert unbounded(plans(filled, scan)) == ["products.- (ALL)"]
