"""What the tables themselves refuse, whoever writes to them."""

from __future__ import annotations

import pymysql
import pytest
from flask import Flask
from sqlalchemy import URL, CheckConstraint

from conftest import make_app
from inventario.access import public
from inventario.database import DataRefused, db, writes
from inventario.models import Category, Product
from inventario.models.base import Base
from mysql_server import Administrator

PRODUCT = {
    "code": "'T-1'",
    "name": "'Tornillo'",
    "description": "''",
    "unit_code": "'ud'",
    "created_by_id": "1",
}
MOVEMENT = {"product_id": "1", "quantity": "1", "balance": "1", "reason": "'sale'", "user_id": "1"}


def test_the_rules_of_the_models_are_those_of_the_database(administrator: Administrator, database: URL) -> None:
    found = administrator.execute(
        "SELECT constraint_name FROM information_schema.check_constraints "
        f"WHERE constraint_schema = '{database.database}'"
    )
    modelled = {
        str(rule.name)
        for table in Base.metadata.tables.values()
        for rule in table.constraints
        if isinstance(rule, CheckConstraint)
    }
    assert {name for (name,) in found} == modelled


@pytest.mark.parametrize(
    ("rule", "table", "row"),
    [
        ("ck_products_code", "products", PRODUCT | {"code": "'  '"}),
        ("ck_products_name", "products", PRODUCT | {"name": "''"}),
        ("ck_products_minimum", "products", PRODUCT | {"minimum": "-0.001"}),
        ("ck_units_code", "units", {"code": "''", "name": "'nada'", "position": "99"}),
        ("ck_units_name", "units", {"code": "'x'", "name": "' '", "position": "99"}),
        ("ck_units_decimals", "units", {"code": "'x'", "name": "'x'", "position": "99", "decimals": "4"}),
        ("ck_categories_name", "categories", {"name": "''"}),
        ("ck_users_username", "users", {"username": "''", "password_hash": "''", "role": "'viewer'"}),
        ("ck_users_role", "users", {"username": "'eva'", "password_hash": "''", "role": "'chief'"}),
        ("ck_movements_kind", "movements", MOVEMENT | {"kind": "'sideways'"}),
    ],
)
def test_a_rule_refuses(
    app: Flask, administrator: Administrator, database: URL, rule: str, table: str, row: dict[str, str]
) -> None:
    statement = (
        f"INSERT INTO `{database.database}`.{table} ({', '.join(row)}) VALUES ({', '.join(row.values())})"
    )
    with pytest.raises(pymysql.err.Error, match=rule):
        administrator.execute(statement)


@writes()
def add(row: Base) -> None:
    db.session.add(row)


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"name": ""}, "ck_products_name"),
        ({"minimum": -1}, "ck_products_minimum"),
        ({"minimum": 10**16}, "minimum"),
        ({"name": "x" * 121}, "name"),
        ({"unit_code": "parsec"}, "fk_products_unit_code"),
    ],
)
def test_a_unit_of_work_tells_the_rule(app: Flask, changes: dict[str, object], rule: str) -> None:
    fields: dict[str, object] = {
        "code": "T-1",
        "name": "Tornillo",
        "description": "",
        "unit_code": "ud",
        "created_by_id": 1,
    }
    with app.test_request_context(), pytest.raises(DataRefused) as refused:
        add(Product(**fields | changes))
    assert refused.value.rule == rule


def test_a_refused_value_is_a_message_and_no_failure(app: Flask, database: URL) -> None:
    fresh = make_app(database)

    @fresh.get("/refused")
    @public
    def refused() -> str:
        add(Category(name=" "))
        return "not refused"

    response = fresh.test_client().get("/refused")
    assert response.status_code == 422
    assert "no se ha guardado nada" in response.text
    assert "ck_categories_name" in response.text
