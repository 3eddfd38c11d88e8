"""How the pages look to whoever reads them, signed in or not."""

from __future__ import annotations

from flask import Blueprint, abort, current_app, redirect, request, url_for
from werkzeug.wrappers import Response

from inventario.access import current_actor, public
from inventario.idempotency import repeatable
from inventario.languages import LANGUAGES, keep_language
from inventario.presentation import THEME_COOKIE, THEMES
from inventario.readers import reader
from inventario.services import accounts
from inventario.views.redirects import safe_target

blueprint = Blueprint("preferences", __name__, url_prefix="/preferences")

_YEAR = 365 * 24 * 3600


@blueprint.post("/language")
@public
@repeatable
def set_language() -> Response:
    """The switch of the language, in a cookie; and with the person, whose own choice would count for more."""
    code = request.form.get("language", "")
    if code not in LANGUAGES:
        abort(422)
    person = reader()
    if person is not None and person.language not in (None, code):
        accounts.save_preferences(code, person.time_zone, actor=current_actor())
    response = _back()
    keep_language(response, code)
    return response


@blueprint.post("/theme")
@public
@repeatable
def set_theme() -> Response:
    """The switch between light and dark without scripts; static/js/page.js writes the same cookie."""
    chosen = request.form.get("theme", "")
    if chosen not in THEMES:
        abort(422)
    response = _back()
    response.set_cookie(
        THEME_COOKIE,
        chosen,
        max_age=_YEAR,
        samesite="Lax",
        secure=current_app.session_interface.get_cookie_secure(current_app),
    )
    return response


def _back() -> Response:
    return redirect(safe_target(request.form.get("back"), url_for("home.index")), 303)
