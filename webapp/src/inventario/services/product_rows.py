"""What the rows of a list of products hold: little for a page, everything for programs and files."""

from __future__ import annotations

import datetime
import decimal
import json
import typing
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import CHAR, Row, Select, Table, cast, func, select

from inventario.models import Category, Unit
from inventario.services.narrowing import PRODUCTS

# the statement for the products of these keys, whether they go down
Columns = Callable[[Select[Any], bool], Select[Any]]

_CATEGORIES = typing.cast(Table, Category.__table__)
_UNITS = typing.cast(Table, Unit.__table__)


class Listed(NamedTuple):
    """A product as a page shows it: two that are equal look alike. 1 stands for true (see `listed`)."""

    id: int
    code: str
    name: str
    description: str
    unit_code: str
    category: str | None
    active: int
    quantity: str
    low: int | None
    version: int


@dataclass(frozen=True, slots=True)
class Found:
    """A product as programs and files are told of it."""

    id: int
    code: str
    name: str
    description: str
    unit_code: str
    unit: str
    decimals: int
    category_id: int | None
    category: str | None
    active: bool
    quantity: decimal.Decimal
    minimum: decimal.Decimal | None
    low: bool
    version: int
    updated_at: datetime.datetime | None
    created_at: datetime.datetime


def shown(keys: Select[Any], down: bool) -> Select[Any]:
    """What `Listed` holds, and as text what the rows are sorted by: one value a row (see `listed`)."""
    keyed = keys.subquery("keyed")
    values = func.json_array(
        *(PRODUCTS.c[name] for name in ("id", "code", "name", "description", "unit_code")),
        _CATEGORIES.c.name,
        PRODUCTS.c.active,
        # exact
        cast(PRODUCTS.c.quantity, CHAR),
        PRODUCTS.c.low,
        PRODUCTS.c.version,
        cast(keyed.c.sort_key, CHAR),
    )
    statement = select(values).select_from(
        keyed.join(PRODUCTS, PRODUCTS.c.id == keyed.c.id).outerjoin(
            _CATEGORIES, _CATEGORIES.c.id == PRODUCTS.c.category_id
        )
    )
    return _in_order(statement, keyed, down)


def listed(rows: Sequence[Row[Any]]) -> list[tuple[Listed, str]]:
    """What `shown` found: each product, and its place in the order.

    The driver takes rows apart value by value, in Python; as JSON, all at once, they cost a third of that.
    """
    found = json.loads(f"[{','.join([row[0] for row in rows])}]")
    return [(Listed(*values), place) for *values, place in found]


def everything(keys: Select[Any], down: bool) -> Select[Any]:
    """The columns of `Found`."""
    keyed = keys.subquery("keyed")
    columns = (
        *(PRODUCTS.c[name] for name in ("id", "code", "name", "description", "unit_code")),
        *(_UNITS.c[name] for name in ("name", "decimals")),
        PRODUCTS.c.category_id,
        _CATEGORIES.c.name,
        *(PRODUCTS.c[name] for name in ("active", "quantity", "minimum", "low", "version")),
        *(PRODUCTS.c[name] for name in ("updated_at", "created_at")),
    )
    statement = select(*columns).select_from(
        keyed.join(PRODUCTS, PRODUCTS.c.id == keyed.c.id)
        .join(_UNITS, _UNITS.c.code == PRODUCTS.c.unit_code)
        .outerjoin(_CATEGORIES, _CATEGORIES.c.id == PRODUCTS.c.category_id)
    )
    return _in_order(statement, keyed, down)


def _in_order(statement: Select[Any], keyed: Any, down: bool) -> Select[Any]:
    """Only the products of the keys are looked up, and in the order of these: descriptions are long."""
    order = (keyed.c.sort_key, keyed.c.id)
    return statement.prefix_with("STRAIGHT_JOIN").order_by(
        *(column.desc() if down else column for column in order)
    )
