"""What all resources share: where they live, how they are read, and what their document says of each."""

from __future__ import annotations

import http
from collections.abc import Callable
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_smorest import Api, Blueprint
from werkzeug.routing import IntegerConverter

from inventario.access import SAFE_METHODS, View
from inventario.api import refusals
from inventario.api.parsing import StrictParser
from inventario.api.schemas import ProblemBody
from inventario.problems import MEDIA_TYPE

BASE = "/api/v1"
PARSER = StrictParser()


class IdConverter(IntegerConverter):
    """An id, short enough to be a number for everybody."""

    regex = r"[1-9][0-9]{0,8}"


def id_schema(_converter: IdConverter) -> dict[str, Any]:
    return {"type": "integer", "minimum": 1, "maximum": 999_999_999}


class Resources(Blueprint):
    """A blueprint whose operations are documented with what each of them may answer."""

    ARGUMENTS_PARSER = PARSER

    def __init__(self, name: str, import_name: str, *, description: Any) -> None:
        super().__init__(f"api-{name}", import_name, url_prefix=BASE, description=description)
        self._prepare_doc_cbks.append(self._prepare_common_doc)
        for refusal in refusals.REFUSALS:
            self.register_error_handler(refusal, refusals.answer)

    def operation(
        self, rule: str, method: str, name: str, summary: Any, description: Any = ""
    ) -> Callable[[View], View]:
        """Mark a view as what a program does with such a request."""

        def mark(view: View) -> View:
            texts = {"summary": summary} | ({"description": description} if description else {})
            documented = self.doc(operationId=name, **texts)(view)
            return self.route(rule, methods=[method])(documented)  # type: ignore[no-any-return]

        return mark

    @staticmethod
    def _prepare_common_doc(doc: dict[str, Any], _info: Any, *, method: str, **_context: Any) -> dict[str, Any]:
        writing = method.upper() not in SAFE_METHODS
        statuses = [401, 403, 500, 503]
        parameters = ["WRITTEN"]
        if writing:
            statuses += [400, 409, 413, 422]
            parameters.append("IDEMPOTENCY_KEY")
        if "requestBody" in doc:
            statuses.append(415)
        responses = doc.setdefault("responses", {})
        if 428 in responses:
            parameters.append("IF_MATCH")
        for status in statuses:
            responses.setdefault(status, http.HTTPStatus(status).name)
        for status, response in responses.items():
            if writing and int(status) < 300:
                response.setdefault("headers", {})["X-Inventario-Written"] = "WRITTEN"
        doc.setdefault("parameters", []).extend(parameters)
        return doc


class DocumentedApi(Api):
    """flask-smorest's, with problems for errors (inventario.problems) and a document of our own."""

    ERROR_SCHEMA = ProblemBody
    # each operation says which errors it has
    DEFAULT_ERROR_RESPONSE_NAME = None

    def _register_error_handlers(self) -> None:
        """inventario.errors has registered them for everything."""

    def _register_responses(self) -> None:
        for status in http.HTTPStatus:
            if status >= 400:
                content = {MEDIA_TYPE: {"schema": self.ERROR_SCHEMA}}
                response: dict[str, Any] = {"description": status.phrase, "content": content}
                if status == 503:
                    response["headers"] = {"Retry-After": {"schema": {"type": "integer"}}}
                if status == 401:
                    response["headers"] = {"WWW-Authenticate": {"schema": {"type": "string"}}}
                self.spec.components.response(status.name, response, lazy=True)

    def _register_etag_headers(self) -> None:
        """See describe."""


def describe(api: DocumentedApi) -> None:
    """The parts of the document that all operations refer to."""
    components = api.spec.components
    components.security_scheme(
        "token",
        {
            "type": "http",
            "scheme": "bearer",
            "description": _l("Un token que se crea en la cuenta de cada persona; empieza por inv_."),
        },
    )
    components.parameter(
        "IDEMPOTENCY_KEY",
        "header",
        {
            "name": "Idempotency-Key",
            "required": True,
            "description": _l("Una clave propia de cada cambio: repetido con ella, cuenta una sola vez."),
            "schema": {"type": "string", "pattern": r"^[!-~]([ -~]{0,253}[!-~])?$"},
            "example": "pedido-4711-linea-1",
        },
        lazy=True,
    )
    components.parameter(
        "WRITTEN",
        "header",
        {
            "name": "X-Inventario-Written",
            "description": _l(
                "El último valor recibido en esta cabecera: lo leído incluye lo que usted escribió."
            ),
            "schema": {"type": "string"},
        },
        lazy=True,
    )
    components.parameter(
        "IF_MATCH",
        "header",
        {
            "name": "If-Match",
            "required": True,
            "description": _l("El ETag de la versión que se ha leído."),
            "schema": {"type": "string", "pattern": r'^"[1-9][0-9]{0,8}"$'},
            "example": '"1"',
        },
        lazy=True,
    )
    components.header(
        "WRITTEN",
        {"description": _l("Envíelo con las peticiones siguientes."), "schema": {"type": "string"}},
        lazy=True,
    )
    components.header(
        "ETAG", {"description": _l("La versión del producto."), "schema": {"type": "string"}}, lazy=True
    )
    components.header(
        "LINK",
        {"description": _l("La página siguiente (RFC 8288), si la hay."), "schema": {"type": "string"}},
        lazy=True,
    )
