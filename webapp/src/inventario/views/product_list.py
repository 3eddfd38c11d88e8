from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

from flask import render_template, request
from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from inventario.languages import language
from inventario.rendering import url_for
from inventario.services.choices import Choices, choices
from inventario.services.finding import ALL, RETIRED, Criteria, find
from inventario.views.criteria import parse, query
from inventario.views.products import blueprint as blueprint

ORDERS: dict[str, LazyString] = {
    "code": _l("Código, de la A a la Z"),
    "-code": _l("Código, de la Z a la A"),
    "name": _l("Nombre, de la A a la Z"),
    "-name": _l("Nombre, de la Z a la A"),
    "quantity": _l("Cantidad, de menos a más"),
    "-quantity": _l("Cantidad, de más a menos"),
    "-changed": _l("Los últimos cambios primero"),
    "changed": _l("Los últimos cambios al final"),
}
# lists whose surroundings are kept
_AROUND = 64
_STATES: dict[str, LazyString] = {RETIRED: _l("Retirados"), ALL: _l("Activos y retirados")}


@dataclass(frozen=True)
class Column:
    """A column that can be sorted by: where its heading leads, and how the list is sorted by it now."""

    label: str
    url: str
    sorted: str


@dataclass(frozen=True)
class Filter:
    """Something that narrows the list, and the list without it."""

    label: str
    without: str


@blueprint.get("")
def index() -> str:
    criteria = parse(request.args)
    page = find(criteria)
    return render_template(
        "products/index.html",
        page=page,
        criteria=criteria,
        **_around(criteria, choices(), page.before, page.after, language(), request.script_root),
    )


@functools.lru_cache(_AROUND)
def _around(
    criteria: Criteria, offered: Choices, before: str, after: str, _language: str, _root: str
) -> dict[str, Any]:
    """What stands around the products: put together once for those who look for the same."""
    orders, states = _texts(_language)
    order = f"-{criteria.sort}" if criteria.descending else criteria.sort
    return {
        "choices": offered,
        "orders": orders,
        "states": states,
        "order": order,
        "caption": dict(orders)[order],
        "columns": tuple(_column(criteria, sort, label) for sort, label in _labels().items()),
        "filters": _filters(criteria, offered),
        "exports": tuple(_export(criteria, kind) for kind in ("csv", "xlsx")),
        "before": _address(criteria, cursor=before) if before else None,
        "after": _address(criteria, cursor=after) if after else None,
    }


@functools.cache
def _texts(_language: str) -> tuple[tuple[tuple[str, str], ...], ...]:
    """The orders and the states, in a language."""
    return tuple(tuple((value, str(text)) for value, text in texts.items()) for texts in (ORDERS, _STATES))


def _labels() -> dict[str, str]:
    return {"code": _("Código"), "name": _("Producto"), "quantity": _("Cantidad")}


def _column(criteria: Criteria, sort: str, label: str) -> Column:
    current = criteria.sort == sort
    ascending = not criteria.descending
    return Column(
        label=label,
        url=_address(criteria, sort=sort, descending=current and ascending),
        sorted=("ascending" if ascending else "descending") if current else "",
    )


def _filters(criteria: Criteria, offered: Choices) -> list[Filter]:
    found = []
    if criteria.search:
        found.append(Filter(f"«{criteria.search}»", _address(criteria, search="")))
    if criteria.category_id is not None:
        name = offered.category(criteria.category_id) or _("Categoría desconocida")
        found.append(Filter(name, _address(criteria, category_id=None)))
    if criteria.unit_code:
        found.append(Filter(offered.unit(criteria.unit_code), _address(criteria, unit_code="")))
    if criteria.state in _STATES:
        found.append(Filter(str(_STATES[criteria.state]), _address(criteria, state=Criteria.state)))
    if criteria.low:
        found.append(Filter(_("Existencias bajas"), _address(criteria, low=False)))
    return found


def _address(criteria: Criteria, **changes: object) -> str:
    values: dict[str, Any] = query(criteria, **changes)
    return url_for("products.index", **values)


def _export(criteria: Criteria, kind: str) -> str:
    values: dict[str, Any] = query(criteria)
    return url_for("exports.products", format=kind, **values)
