"""How much may be sent: little, but for the views that say otherwise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, current_app, request

from inventario.settings import ImportSettings, Settings

View = TypeVar("View", bound=Callable[..., Any])

# the fields beside the file, and what stands between them
_AROUND_THE_FILE = 64 * 1024


def takes_file(view: View) -> View:
    """Mark a view to which a file of products is sent."""
    view.takes_file = True  # type: ignore[attr-defined]
    return view


def import_settings() -> ImportSettings:
    settings: ImportSettings = current_app.extensions["inventario_imports"]
    return settings


def register_uploads(app: Flask, settings: Settings) -> None:
    """After the login is asked for, before anything reads the form."""
    app.extensions["inventario_imports"] = settings.imports
    app.before_request(_widen)


def _widen() -> None:
    if request.endpoint and getattr(current_app.view_functions[request.endpoint], "takes_file", False):
        request.max_content_length = import_settings().megabytes * 1024 * 1024 + _AROUND_THE_FILE
