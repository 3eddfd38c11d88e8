"""In which language, and with which clock, a person reads."""

from __future__ import annotations

from flask import Flask, request
from flask_babel import Babel

DEFAULT_LANGUAGE = "es"
LANGUAGES = ("es", "en")

babel = Babel()


def register_languages(app: Flask) -> None:
    app.config["BABEL_DEFAULT_LOCALE"] = DEFAULT_LANGUAGE
    babel.init_app(app, locale_selector=_language)


def _language() -> str:
    return request.accept_languages.best_match(LANGUAGES, DEFAULT_LANGUAGE) or DEFAULT_LANGUAGE
