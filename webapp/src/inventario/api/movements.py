from __future__ import annotations

import re
from typing import Any

from flask import Request
from flask_babel import lazy_gettext as _l
from marshmallow import Schema

from inventario.access import current_actor
from inventario.api.blueprints import PARSER, Resources
from inventario.api.fields import OneOf
from inventario.api.paging import WRONG_CURSOR, PageQuery, page, page_of
from inventario.api.schemas import MOVEMENTS, MovedBody, MovementBody, MovementUnknown
from inventario.idempotency import current_key
from inventario.models.stock import KINDS
from inventario.problems import invalid
from inventario.services import stock
from inventario.services.stock import Filters

blueprint = Resources("movements", __name__, description=_l("Lo que entra, lo que sale y lo que se cuenta."))

_CURSOR = re.compile(r"[1-9][0-9]{0,17}")
_PAGE = page_of(MovementBody, "MovementPage")
_BODY = {
    "oneOf": [{"$ref": f"#/components/schemas/{schema.__name__}"} for schema in MOVEMENTS.values()],
    "discriminator": {
        "propertyName": "kind",
        "mapping": {kind: f"#/components/schemas/{schema.__name__}" for kind, schema in MOVEMENTS.items()},
    },
}


class MovementQuery(PageQuery):
    kind = OneOf(_l("Solo los de esta clase."), words=KINDS)


@blueprint.operation(
    "/movements",
    "GET",
    "listMovements",
    _l("Lista de movimientos"),
    _l("El más reciente primero. Cada página dice en `next` y en la cabecera Link dónde sigue."),
)
@blueprint.arguments(MovementQuery, location="query")
@blueprint.response(200, _PAGE, headers={"Link": "LINK"})
def index(query: dict[str, Any]) -> Any:
    return _page(Filters(kind=query.get("kind", "")), query)


@blueprint.operation(
    "/products/<id:product_id>/movements",
    "GET",
    "listMovementsOfProduct",
    _l("Los movimientos de un producto"),
    _l("El más reciente primero."),
)
@blueprint.arguments(MovementQuery, location="query")
@blueprint.response(200, _PAGE, headers={"Link": "LINK"})
@blueprint.alt_response(404, "NOT_FOUND")
def of_product(query: dict[str, Any], product_id: int) -> Any:
    stock.find(product_id)
    return _page(Filters(kind=query.get("kind", ""), product_id=product_id), query)


def _schema(request: Request) -> Schema:
    """Each kind of movement has its own reasons."""
    sent = PARSER.load_json(request, MovementUnknown())
    kind = sent.get("kind") if isinstance(sent, dict) else None
    return (MOVEMENTS.get(kind, MovementUnknown) if isinstance(kind, str) else MovementUnknown)()


@blueprint.operation(
    "/products/<id:product_id>/movements",
    "POST",
    "moveStock",
    _l("Mover existencias"),
    _l(
        "Cambia la cantidad y anota por qué, todo o nada. Repetido con la misma Idempotency-Key cuenta una "
        "vez, y responde lo mismo."
    ),
)
@blueprint.doc(requestBody={"content": {"application/json": {"schema": _BODY}}})
@blueprint.arguments(_schema)
@blueprint.response(201, MovedBody)
@blueprint.alt_response(404, "NOT_FOUND")
def create(movement: dict[str, Any], product_id: int) -> Any:
    return stock.move(
        current_actor(),
        product_id,
        movement["kind"],
        movement["quantity"],
        movement["reason"],
        movement["note"],
        current_key(),
    )


def _page(filters: Filters, query: dict[str, Any]) -> Any:
    cursor = query.get("cursor")
    if cursor and not _CURSOR.fullmatch(cursor):
        raise invalid("query", "cursor", WRONG_CURSOR)
    found = stock.page(filters, older_than=int(cursor) if cursor else None, most=query["limit"])
    return page(found.rows, str(found.older or ""))
