"""Inventario: an inventory in the browser, over several nodes that behave as one."""

from __future__ import annotations

from flask import Flask

from inventario import settings as configuration
from inventario.access import register_access
from inventario.api import register_api
from inventario.assets import register_assets
from inventario.background import register_background
from inventario.bodies import register_bodies
from inventario.commands import register_commands
from inventario.database import register_database
from inventario.devices import register_devices
from inventario.errors import register_errors
from inventario.forms import register_forms
from inventario.hand_over import register_hand_over
from inventario.headers import register_headers
from inventario.idempotency import register_idempotency
from inventario.languages import register_languages
from inventario.presentation import register_presentation
from inventario.rendering import register_rendering
from inventario.request_log import register_request_log
from inventario.services.figures import register_figures
from inventario.services.stock import register_stock
from inventario.sessions import register_sessions
from inventario.uploads import register_uploads
from inventario.views import register_views

__all__ = ["create_app"]


def create_app(settings: configuration.Settings | None = None) -> Flask:
    """The WSGI application. Without settings they are read from the environment; a missing one stops here."""
    settings = settings or configuration.load()
    app = Flask(__name__)
    register_request_log(app, settings)
    register_sessions(app, settings)
    register_database(app, settings)
    register_stock(app, settings)
    register_languages(app, settings)
    register_background(app)
    register_figures(app)
    register_hand_over(app)
    register_access(app)
    register_uploads(app, settings)
    register_devices(app, settings)
    register_bodies(app)
    register_forms(app)
    register_idempotency(app)
    register_assets(app)
    register_presentation(app)
    register_rendering(app)
    register_headers(app)
    register_errors(app)
    register_views(app)
    register_api(app)
    register_commands(app)
    return app
