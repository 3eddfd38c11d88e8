"""The API for programs, /api/v1: the same services as the pages, with tokens, JSON and problems."""

from __future__ import annotations

from flask import Flask, Response, request
from flask_babel import lazy_gettext as _l

from inventario import bearer
from inventario.api import account, catalogue, document, movements, products
from inventario.api.blueprints import DocumentedApi, IdConverter, describe, id_schema
from inventario.api.schemas import MOVEMENTS
from inventario.forms import csrf

__all__ = ["register_api"]

_RESOURCES = (products.blueprint, movements.blueprint, catalogue.blueprint, account.blueprint)
_DESCRIPTION = _l(
    "Productos, existencias y movimientos, para programas.\n\n"
    "**Tokens.** Cada petición lleva `Authorization: Bearer inv_...`; los tokens se crean en la cuenta de "
    "cada persona y pueden lo que ella puede, o solo leer.\n\n"
    "**Cambios.** Cada petición que cambia algo lleva `Idempotency-Key`. Repetida con la misma clave cuenta "
    "una sola vez y responde lo mismo; sin respuesta, o con 503, repítala con la misma clave. La respuesta "
    "trae `X-Inventario-Written`: enviado con las peticiones siguientes, lo leído incluye lo escrito.\n\n"
    "**Cantidades.** Texto decimal exacto, con punto.\n\n"
    "**Errores.** `application/problem+json` (RFC 9457): `type` no cambia, `title` y `detail` son para "
    "personas, en el idioma de `Accept-Language`."
)


def _without_page(response: Response) -> Response:
    """Werkzeug sends a page along when it leads to the right address."""
    if bearer.for_programs(request.path) and response.status_code == 308:
        response.data = b""
        del response.headers["Content-Type"]
    return response


def register_api(app: Flask) -> None:
    app.url_map.converters["id"] = IdConverter
    app.config.update(API_TITLE="Inventario", API_VERSION="1", OPENAPI_VERSION="3.1.0")
    api = DocumentedApi(
        spec_kwargs={
            "info": {"description": _DESCRIPTION},
            "security": [{"token": []}],
            "servers": [{"url": "/"}],
        }
    )
    api.register_converter(IdConverter, id_schema)
    api.init_app(app)
    describe(api)
    for schema in MOVEMENTS.values():
        api.spec.components.schema(schema.__name__, schema=schema)
    for blueprint in _RESOURCES:
        # a session's cookie counts for nothing here, so nobody else's page can make use of it
        csrf.exempt(blueprint)
        api.register_blueprint(blueprint)
    app.register_blueprint(document.blueprint)
    app.extensions["inventario_api"] = api
    app.after_request(_without_page)
