"""Views parse, call a form and a service, and render."""

from __future__ import annotations

from flask import Flask

from inventario.views import (
    account,
    audit,
    catalogue,
    exports,
    health,
    home,
    imports,
    live,
    people,
    preferences,
    product_list,
    sessions,
    stock,
    tokens,
)


def register_views(app: Flask) -> None:
    app.register_blueprint(home.blueprint)
    app.register_blueprint(sessions.blueprint)
    app.register_blueprint(product_list.blueprint)
    app.register_blueprint(account.blueprint)
    app.register_blueprint(tokens.blueprint)
    app.register_blueprint(people.blueprint)
    app.register_blueprint(stock.blueprint)
    app.register_blueprint(audit.blueprint)
    app.register_blueprint(catalogue.blueprint)
    app.register_blueprint(imports.blueprint)
    app.register_blueprint(exports.blueprint)
    app.register_blueprint(live.blueprint)
    app.register_blueprint(preferences.blueprint)
    app.register_blueprint(health.blueprint)
