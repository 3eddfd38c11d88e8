from __future__ import annotations

import base64
from typing import Any

from flask_babel import lazy_gettext as _l

from inventario.api.blueprints import Resources
from inventario.api.paging import WRONG_CURSOR, CursorQuery, page, page_of
from inventario.api.schemas import CategoryBody, UnitBody
from inventario.problems import invalid
from inventario.services import catalogue

blueprint = Resources("catalogue", __name__, description=_l("Unidades y categorías."))


@blueprint.operation(
    "/units",
    "GET",
    "listUnits",
    _l("Lista de unidades"),
    _l("Todas, en el orden en que se eligen."),
)
@blueprint.response(200, page_of(UnitBody, "UnitPage"))
def units() -> Any:
    return page([counted.entry for counted in catalogue.counted_units()], "")


@blueprint.operation(
    "/categories",
    "GET",
    "listCategories",
    _l("Lista de categorías"),
    _l("Por nombre, 100 en cada página."),
)
@blueprint.arguments(CursorQuery, location="query")
@blueprint.response(200, page_of(CategoryBody, "CategoryPage"), headers={"Link": "LINK"})
def categories(query: dict[str, Any]) -> Any:
    after = _name(query["cursor"]) if "cursor" in query else ""
    found = catalogue.counted_categories(after=after)
    return page([counted.entry for counted in found.rows], _cursor(found.after) if found.after else "")


def _cursor(name: str) -> str:
    return base64.urlsafe_b64encode(name.encode()).decode().rstrip("=")


def _name(cursor: str) -> str:
    try:
        name = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except ValueError as error:
        raise invalid("query", "cursor", WRONG_CURSOR) from error
    return name
