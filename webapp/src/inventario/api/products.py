from __future__ import annotations

import re
from typing import Any

from flask import request, url_for
from flask_babel import lazy_gettext as _l
from werkzeug.exceptions import PreconditionRequired

from inventario.access import current_actor
from inventario.api.blueprints import Resources
from inventario.api.fields import IN_QUERY, Flag, OneOf, Text, Whole
from inventario.api.paging import WRONG_CURSOR, PageQuery, page, page_of
from inventario.api.schemas import LARGEST_ID, ProductBody, ProductNew, StockBody
from inventario.idempotency import current_key
from inventario.models import Product
from inventario.problems import Problem, invalid
from inventario.services import finding, products, stock
from inventario.services.cursors import decode
from inventario.services.finding import ALL, SORTS, STATES, Criteria
from inventario.services.products import Details

blueprint = Resources("products", __name__, description=_l("Lo que la empresa guarda."))

_VERSION = re.compile(r'"([1-9][0-9]{0,8})"')
_ETAG = {"ETag": "ETAG"}


class ProductQuery(PageQuery):
    q = Text(
        _l("Solo los que tienen todas estas palabras en el código, el nombre o la descripción."),
        most=100,
        example="tornillo acero",
    )
    category_id = Whole(_l("Solo los de esta categoría."), most=LARGEST_ID, metadata=IN_QUERY)
    unit = Text(_l("Solo los de esta unidad."), most=8, example="ud")
    state = OneOf(_l("Solo los activos o los retirados; si no se dice, todos."), words=STATES)
    low = Flag(_l("true: solo los que tienen existencias bajas."), metadata=IN_QUERY)
    sort = OneOf(_l("Por qué se ordenan; si no se dice, por código."), words=SORTS)
    order = OneOf(_l("De menor a mayor (asc) o al revés; si no se dice, asc."), words=("asc", "desc"))


@blueprint.operation(
    "/products",
    "GET",
    "listProducts",
    _l("Lista de productos"),
    _l("Cada página dice en `next` y en la cabecera Link dónde sigue."),
)
@blueprint.arguments(ProductQuery, location="query")
@blueprint.response(200, page_of(ProductBody, "ProductPage"), headers={"Link": "LINK"})
def index(query: dict[str, Any]) -> Any:
    criteria = Criteria(
        search=query.get("q", ""),
        category_id=query.get("category_id"),
        unit_code=query.get("unit", ""),
        state=query.get("state", ALL),
        low=query.get("low", False),
        sort=query.get("sort", "code"),
        descending=query.get("order") == "desc",
        cursor=query.get("cursor", ""),
    )
    if criteria.cursor and decode(criteria.cursor, criteria.sort, criteria.descending) is None:
        raise invalid("query", "cursor", WRONG_CURSOR)
    rows, after = finding.some(criteria, query["limit"])
    return page(rows, after)


@blueprint.operation(
    "/products",
    "POST",
    "createProduct",
    _l("Registrar un producto"),
    _l("Repetido con la misma Idempotency-Key se registra una vez, y responde lo mismo."),
)
@blueprint.arguments(ProductNew)
@blueprint.response(201, ProductBody, headers=_ETAG | {"Location": {"schema": {"type": "string"}}})
def create(new: dict[str, Any]) -> Any:
    made = products.create(_details(new), actor=current_actor(), submission_key=current_key())
    product, _status, headers = _with_etag(made.id)
    return product, 201, headers | {"Location": url_for("api-products.show", product_id=made.id)}


@blueprint.operation(
    "/products/<id:product_id>",
    "GET",
    "getProduct",
    _l("Un producto"),
    _l("Su ETag nombra la versión de lo que lo describe; los movimientos no la cambian."),
)
@blueprint.response(200, ProductBody, headers=_ETAG)
@blueprint.alt_response(404, "NOT_FOUND")
def show(product_id: int) -> Any:
    return _with_etag(product_id)


@blueprint.operation(
    "/products/<id:product_id>",
    "PUT",
    "changeProduct",
    _l("Cambiar lo que describe un producto"),
    _l("Se sustituye entero. If-Match lleva el ETag de lo leído: así nadie pisa el cambio de otro."),
)
@blueprint.arguments(ProductNew)
@blueprint.response(200, ProductBody, headers=_ETAG)
@blueprint.alt_response(404, "NOT_FOUND")
@blueprint.alt_response(412, "PRECONDITION_FAILED")
@blueprint.alt_response(428, "PRECONDITION_REQUIRED")
def change(new: dict[str, Any], product_id: int) -> Any:
    products.edit(
        product_id,
        _expected_version(),
        _details(new),
        actor=current_actor(),
        submission_key=current_key(),
    )
    return _with_etag(product_id)


@blueprint.operation(
    "/products/<id:product_id>/retire",
    "POST",
    "retireProduct",
    _l("Retirar un producto"),
    _l("Conserva su historia y ya no se ofrece. Uno retirado queda como está."),
)
@blueprint.response(200, ProductBody, headers=_ETAG)
@blueprint.alt_response(404, "NOT_FOUND")
def retire(product_id: int) -> Any:
    products.retire(product_id, actor=current_actor(), submission_key=current_key())
    return _with_etag(product_id)


@blueprint.operation(
    "/products/<id:product_id>/restore",
    "POST",
    "restoreProduct",
    _l("Volver a ofrecer un producto"),
)
@blueprint.response(200, ProductBody, headers=_ETAG)
@blueprint.alt_response(404, "NOT_FOUND")
def restore(product_id: int) -> Any:
    products.restore(product_id, actor=current_actor(), submission_key=current_key())
    return _with_etag(product_id)


@blueprint.operation(
    "/products/<id:product_id>/stock",
    "GET",
    "getStock",
    _l("Las existencias de un producto"),
)
@blueprint.response(200, StockBody)
@blueprint.alt_response(404, "NOT_FOUND")
def stock_of(product_id: int) -> Any:
    return stock.find(product_id)


def _details(new: dict[str, Any]) -> Details:
    return Details(
        code=new["code"],
        name=new["name"],
        description=new["description"],
        unit_code=new["unit"],
        category=new["category"] or "",
        minimum=new["minimum"],
    )


def _expected_version() -> int:
    given = request.headers.get("If-Match")
    if given is None:
        raise PreconditionRequired
    found = _VERSION.fullmatch(given.strip())
    if found is None:
        detail = _l("If-Match lleva un ETag tal como llegó, con sus comillas.")
        raise Problem(400, "malformed", _l("If-Match no válido"), detail)
    return int(found.group(1))


def _with_etag(product_id: int) -> tuple[Product, int, dict[str, str]]:
    product = products.get(product_id)
    return product, 200, {"ETag": f'"{product.version}"'}
