"""What the services refuse, as problems."""

from __future__ import annotations

from typing import Any

from flask import current_app
from flask_babel import lazy_gettext as _l
from werkzeug.exceptions import HTTPException, NotFound, PreconditionFailed

from inventario.problems import Problem, Text
from inventario.services import catalogue, products, stock
from inventario.services.quantities import plain

REFUSALS: tuple[type[Exception], ...] = (
    products.ProductRefused,
    products.ProductUnknown,
    stock.StockRefused,
    catalogue.CatalogueRefused,
)


def answer(error: Exception) -> Any:
    """An error handler for what is in REFUSALS."""
    return current_app.handle_http_exception(_problem(error))


def _problem(error: Exception) -> HTTPException:
    match error:
        case products.ProductUnknown() | stock.ProductUnknown():
            return NotFound()
        case products.StaleVersion():
            return PreconditionFailed()
        case products.DuplicateCode():
            title, detail = _l("El código ya existe"), _l("Otro producto tiene este código.")
            return Problem(409, "code-taken", title, detail, {"json": {"code": [str(detail)]}})
        case products.TooFine():
            detail = _l("La unidad admite %(decimals)s decimales.", decimals=error.decimals)
            return _impossible(error.field, detail)
        case catalogue.NotOffered():
            return _impossible(error.field, _l("No existe o ya no se ofrece."))
        case stock.ProductRetired():
            return Problem(409, "product-retired", _l("Producto retirado"), _l("Sus existencias no se mueven."))
        case stock.NotEnough():
            detail = _l("Hay %(available)s.", available=plain(error.available))
            return Problem(409, "not-enough", _l("No hay tanto"), detail)
        case stock.QuantityInvalid():
            detail = _l("Demasiado grande, o con más de %(decimals)s decimales.", decimals=error.decimals)
            return _impossible("quantity", detail)
        case _:
            return Problem(409, "conflict", _l("En conflicto"), _l("El estado actual no lo permite."))


def _impossible(field: str, detail: Text) -> Problem:
    """Well formed, and yet not possible with what is kept."""
    return Problem(422, "not-possible", _l("No es posible"), detail, {"json": {field: [str(detail)]}})
