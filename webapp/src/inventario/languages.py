"""In which language, and by which clock, a person reads.

The language: what the signed-in person chose, else the cookie of the switch, else what the browser asks for,
else Spanish. The zone: what the person chose, else the browser's (a script says it in a cookie), else the
setting.
"""

from __future__ import annotations

from collections.abc import Mapping

import pytz
from flask import Flask, current_app, g, has_app_context, request
from flask_babel import Babel, get_locale
from werkzeug.wrappers import Response

from inventario.readers import reader
from inventario.settings import Settings

DEFAULT_LANGUAGE = "es"
# each in its own words: whoever looks for it may not read the others
LANGUAGES: Mapping[str, str] = {"es": "Español", "en": "English"}

LANGUAGE_COOKIE = "inventario_language"
# written by static/js/page.js
TIME_ZONE_COOKIE = "inventario_time_zone"
_YEAR = 365 * 24 * 3600

babel = Babel()


def register_languages(app: Flask, settings: Settings) -> None:
    app.config["BABEL_DEFAULT_LOCALE"] = DEFAULT_LANGUAGE
    app.config["BABEL_DEFAULT_TIMEZONE"] = settings.time_zone
    babel.init_app(app, locale_selector=_language, timezone_selector=_time_zone)


def language() -> str:
    """The code of the language in force."""
    if not has_app_context():
        return DEFAULT_LANGUAGE
    if "language" not in g:
        locale = get_locale()
        g.language = locale.language if locale else DEFAULT_LANGUAGE
    known: str = g.language
    return known


def is_time_zone(name: str | None) -> bool:
    return name in pytz.all_timezones_set


def keep_language(response: Response, code: str) -> None:
    """Remember the language in this browser; it also serves the pages that cannot ask who reads."""
    response.set_cookie(
        LANGUAGE_COOKIE,
        code,
        max_age=_YEAR,
        httponly=True,
        samesite="Lax",
        secure=current_app.session_interface.get_cookie_secure(current_app),
    )


def _language() -> str:
    person = reader()
    for choice in (person and person.language, request.cookies.get(LANGUAGE_COOKIE)):
        if choice in LANGUAGES:
            return str(choice)
    # es-MX before en is Spanish, though only en is one of ours to the letter
    for asked in request.accept_languages.values():
        primary = asked.partition("-")[0].lower()
        if primary in LANGUAGES:
            return primary
    return DEFAULT_LANGUAGE


def _time_zone() -> str | None:
    person = reader()
    for choice in (person and person.time_zone, request.cookies.get(TIME_ZONE_COOKIE)):
        if is_time_zone(choice):
            return choice
    return None
