"""What went wrong, said to a program: application/problem+json, as RFC 9457 has it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar
from urllib.parse import quote

from flask import Response, json, request
from flask_babel import LazyString
from flask_babel import lazy_gettext as _l
from werkzeug.exceptions import HTTPException

from inventario import bearer
from inventario.database import DatabaseUnavailable, DataRefused
from inventario.idempotency import ContentChanged, KeyMissing, KeyTaken
from inventario.request_log import request_id

logger = logging.getLogger(__name__)

Failure = TypeVar("Failure", bound=Exception)
Text: TypeAlias = str | LazyString

MEDIA_TYPE = "application/problem+json"
_TYPE = "urn:inventario:problem:"

# by status: the end of the type, title and detail
_BY_STATUS: dict[int, tuple[str, Text, Text]] = {
    400: ("malformed", _l("Petición no válida"), _l("La petición no se entiende.")),
    401: (
        "unauthenticated",
        _l("Falta un token válido"),
        _l("Envíe un token en vigor en la cabecera Authorization: Bearer."),
    ),
    403: ("forbidden", _l("Sin permiso"), _l("El usuario del token no puede hacer esto.")),
    404: ("not-found", _l("No encontrado"), _l("No hay nada en esta dirección.")),
    405: (
        "method-not-allowed",
        _l("Método no admitido"),
        _l("Esta dirección no admite ese método; la cabecera Allow dice cuáles sí."),
    ),
    409: ("conflict", _l("En conflicto"), _l("El estado actual no lo permite.")),
    412: (
        "changed-meanwhile",
        _l("Otra persona lo ha cambiado"),
        _l("La versión de If-Match ya no es la actual. Lea el recurso otra vez y decida con lo que hay."),
    ),
    413: ("too-large", _l("Demasiado grande"), _l("Lo enviado ocupa más de lo que se admite.")),
    415: (
        "unsupported-media-type",
        _l("Tipo de contenido no admitido"),
        _l("Envíe el cuerpo como application/json, en UTF-8."),
    ),
    422: ("invalid", _l("Datos no válidos"), _l("Corrija los campos que se indican en errors.")),
    428: (
        "precondition-required",
        _l("Falta If-Match"),
        _l("Envíe en If-Match el ETag de la versión que ha leído."),
    ),
    429: ("too-many-requests", _l("Demasiadas peticiones"), _l("Espere antes de volver a intentarlo.")),
    500: ("internal", _l("Error interno"), _l("Algo ha fallado por nuestra parte. Ha quedado anotado.")),
    503: (
        "unavailable",
        _l("La base de datos no responde"),
        _l("Inténtelo de nuevo tras lo que dice Retry-After, con la misma Idempotency-Key."),
    ),
}
# more than the status says
_BY_KIND: dict[type[HTTPException], tuple[str, Text, Text]] = {
    bearer.PasswordExpired: (
        "password-expired",
        _l("El usuario debe cambiar su contraseña"),
        _l("Hasta que lo haga en el navegador, sus tokens no sirven."),
    ),
    bearer.TokenReadsOnly: (
        "token-reads-only",
        _l("El token es solo de lectura"),
        _l("Este token no puede cambiar nada. Cree uno que pueda escribir."),
    ),
    KeyMissing: (
        "idempotency-key-missing",
        _l("Falta Idempotency-Key"),
        _l("Cada petición que cambia algo lleva en la cabecera Idempotency-Key una clave propia, de 1 a 255 "
           "caracteres ASCII. Repetida con la misma clave, cuenta una sola vez."),
    ),
    ContentChanged: (
        "idempotency-key-reused",
        _l("La clave ya se usó con otros datos"),
        _l("Esta Idempotency-Key ya acompañó a otra petición, y la de ahora no ha cambiado nada."),
    ),
    KeyTaken: (
        "idempotency-key-taken",
        _l("La clave es de otro usuario"),
        _l("Esta Idempotency-Key ya la usó otro usuario, y la petición no ha cambiado nada."),
    ),
}  # fmt: skip


class Problem(HTTPException):
    """A refusal with a type of its own; `errors` says by field what is wrong."""

    def __init__(
        self, status: int, kind: str, title: Text, detail: Text, errors: dict[str, Any] | None = None
    ) -> None:
        super().__init__(str(detail))
        self.code = status
        self.kind, self.title, self.detail, self.errors = kind, title, detail, errors


def invalid(place: str, field: str, message: Text) -> Problem:
    """One field, in the body (json) or the query, is not what it may be."""
    kind, title, detail = _BY_STATUS[422]
    return Problem(422, kind, title, detail, {place: {field: [str(message)]}})


def or_page(page: Callable[[Failure], Any]) -> Callable[[Failure], Any]:
    """An error handler that answers programs with a problem and people with a page."""

    def answer(error: Failure) -> Any:
        return _problem(error) if bearer.for_programs(request.path) else page(error)

    return answer


def _problem(error: Exception) -> Response:
    if isinstance(error, DatabaseUnavailable):
        logger.error("database unavailable: %s", error)
        return _render(503, *_BY_STATUS[503], headers=[("Retry-After", "5")])
    if isinstance(error, DataRefused):
        logger.warning("the database refused a value", extra={"rule": error.rule})
        return _render(422, *_BY_STATUS[422], errors={"_database": [error.rule]})
    if not isinstance(error, HTTPException):
        return _render(500, *_BY_STATUS[500])
    status = error.code or 500
    # what the exception itself wants said, such as Allow, WWW-Authenticate or Retry-After
    headers = [(name, value) for name, value in error.get_headers() if name.lower() != "content-type"]
    if isinstance(error, Problem):
        return _render(status, error.kind, error.title, error.detail, error.errors, headers)
    known = _BY_KIND.get(type(error)) or _BY_STATUS.get(status)
    kind, title, detail = known or ("other", error.name, error.description or error.name)
    # webargs' word for what it found wrong in a parameter or the body
    errors = getattr(error, "data", {}).get("messages")
    return _render(status, kind, title, detail, errors, headers)


def _render(
    status: int,
    kind: str,
    title: Text,
    detail: Text,
    errors: dict[str, Any] | None = None,
    headers: list[tuple[str, str]] | None = None,
) -> Response:
    body: dict[str, Any] = {
        "type": _TYPE + kind,
        "title": str(title),
        "status": status,
        "detail": str(detail),
        "instance": quote(request.path),
        "request_id": request_id(),
    }
    if errors:
        body["errors"] = errors
    return Response(json.dumps(body), status, headers, mimetype=MEDIA_TYPE)
