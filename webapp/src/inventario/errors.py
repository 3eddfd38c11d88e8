"""Error pages: what happened, what still works, what to do."""

from __future__ import annotations

import logging

from flask import Flask, render_template, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, InternalServerError

from inventario import problems
from inventario.database import DatabaseUnavailable, DataRefused, OutcomeUnknown
from inventario.idempotency import SubmissionRefused
from inventario.readers import ask_no_more_who_reads
from inventario.request_log import request_id

logger = logging.getLogger(__name__)


_PAGES: dict[int, tuple[object, object]] = {
    400: (
        _l("Petición no válida"),
        _l("El navegador ha enviado algo que no se entiende."),
    ),
    403: (
        _l("Sin permiso"),
        _l("Su usuario no puede ver ni hacer esto. Si lo necesita, pídalo a quien administra Inventario."),
    ),
    404: (
        _l("No encontrado"),
        _l("Esta página no existe o ha cambiado de sitio. Compruebe la dirección o empiece por el inicio."),
    ),
    405: (_l("Acción no disponible"), _l("Esta página no admite esa acción. No se ha cambiado nada.")),
    413: (_l("Demasiado grande"), _l("Lo enviado ocupa más de lo que se admite. No se ha guardado nada.")),
    429: (_l("Demasiados intentos"), _l("Espere un momento antes de volver a intentarlo.")),
    500: (
        _l("Error interno"),
        _l("Algo ha fallado por nuestra parte y ha quedado anotado. Vuelva a intentarlo dentro de un momento."),
    ),
}
_OTHER = (_l("No se ha podido completar"), _l("La petición no se ha podido completar. Vuelva a intentarlo."))


def register_errors(app: Flask) -> None:
    # for people a page, for programs a problem
    app.register_error_handler(HTTPException, problems.or_page(_http))
    app.register_error_handler(CSRFError, problems.or_page(_csrf))
    app.register_error_handler(DatabaseUnavailable, problems.or_page(_database))
    app.register_error_handler(DataRefused, problems.or_page(_refused))
    app.register_error_handler(InternalServerError, problems.or_page(_internal))


def _http(error: HTTPException) -> tuple[str, int, list[tuple[str, str]]]:
    code = error.code or 500
    if isinstance(error, SubmissionRefused):
        title, text = error.title, error.text
    else:
        title, text = _PAGES.get(code, _OTHER)
    # what the exception itself wants said, such as Allow or Retry-After, but for the headers of its own page
    headers = [(name, value) for name, value in error.get_headers() if name.lower() != "content-type"]
    return _page(title, text, retry=code >= 500 or code == 429), code, headers


def _csrf(_error: CSRFError) -> tuple[str, int]:
    text = _l(
        "La página llevaba demasiado tiempo abierta o la sesión ha cambiado. "
        "Vuelva atrás, recargue e inténtelo otra vez."
    )
    return _page(_l("El formulario ha caducado"), text), 400


def _internal(_error: InternalServerError) -> tuple[str, int]:
    # Flask has logged the exception already
    ask_no_more_who_reads()
    return _page(*_PAGES[500], retry=True), 500


def _database(error: DatabaseUnavailable) -> tuple[str, int, dict[str, str]]:
    logger.error("database unavailable: %s", error)
    ask_no_more_who_reads()
    page = render_template(
        "errors/database.html",
        writing=error.writing,
        unknown=isinstance(error, OutcomeUnknown),
        again=_same_page(),
        request_id=request_id(),
    )
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


def _page(title: object, text: object, *, retry: bool = False) -> str:
    again = _same_page() if retry else None
    return render_template("errors/error.html", title=title, text=text, again=again, request_id=request_id())


def _same_page() -> str | None:
    """Where to try again; what a form sent cannot be sent again by a link."""
    return request.full_path.rstrip("?") if request.method in ("GET", "HEAD") else None
