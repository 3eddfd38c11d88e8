"""Error pages: what happened, what still works, what to do."""

from __future__ import annotations

import logging

from flask import Flask, g, render_template
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, InternalServerError

from inventario.database import DatabaseUnavailable, DataRefused
from inventario.idempotency import SubmissionRefused
from inventario.request_log import request_id

logger = logging.getLogger(__name__)

_PAGES = {
    400: ("Petición no válida", "El navegador ha enviado algo que no se entiende."),
    403: ("Sin permiso", "Su usuario no puede ver esta página."),
    404: ("No encontrado", "Esta página no existe o ha cambiado de sitio."),
    405: ("Acción no disponible", "Esta página no admite esa acción."),
    413: ("Demasiado grande", "Lo enviado ocupa más de lo que se admite."),
    500: ("Error interno", "Algo ha fallado por nuestra parte. Ha quedado anotado."),
}


def register_errors(app: Flask) -> None:
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(CSRFError, _csrf)
    app.register_error_handler(DatabaseUnavailable, _database)
    app.register_error_handler(DataRefused, _refused)
    app.register_error_handler(InternalServerError, _internal)


def _http(error: HTTPException) -> tuple[str, int, list[tuple[str, str]]]:
    code = error.code or 500
    if isinstance(error, SubmissionRefused):
        title, text = error.title, error.text
    else:
        title, text = _PAGES.get(code, ("No se ha podido completar", "La petición no se ha podido completar."))
    # what the exception itself wants said, such as Allow or Retry-After, but for the headers of its own page
    headers = [(name, value) for name, value in error.get_headers() if name.lower() != "content-type"]
    return _page(title, text), code, headers


def _csrf(_error: CSRFError) -> tuple[str, int]:
    text = (
        "La página llevaba demasiado tiempo abierta o la sesión ha cambiado. "
        "Vuelva atrás, recargue e inténtelo otra vez."
    )
    return _page("El formulario ha caducado", text), 400


def _internal(_error: InternalServerError) -> tuple[str, int]:
    # Flask has logged the exception already
    return _page(*_PAGES[500]), 500


def _database(error: DatabaseUnavailable) -> tuple[str, int, dict[str, str]]:
    logger.error("database unavailable: %s", error)
    g.error_page = True
    page = render_template("errors/database.html", writing=error.writing, request_id=request_id())
    return page, 503, {"Retry-After": "5"}


def _refused(error: DataRefused) -> tuple[str, int]:
    """The last line of defence: the form or the service should have said it at its field."""
    logger.warning("the database refused a value", extra={"rule": error.rule})
    text = _(
        "La base de datos no admite uno de los datos enviados y no se ha guardado nada. "
        "Vuelva atrás, revíselos e inténtelo otra vez (%(rule)s).",
        rule=error.rule,
    )
    return _page(_("Datos no admitidos"), text), 422


def _page(title: object, text: object) -> str:
    g.error_page = True
    return render_template("errors/error.html", title=title, text=text, request_id=request_id())
