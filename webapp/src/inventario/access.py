"""Who may see what: everything asks for a login, unless its view says `public`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, current_app, flash, redirect, request, url_for
from flask_login import LoginManager, current_user
from werkzeug.wrappers import Response

from inventario.models import User
from inventario.services import accounts

View = TypeVar("View", bound=Callable[..., Any])

login_manager = LoginManager()


def public(view: View) -> View:
    """Mark a view that anybody may see."""
    view.is_public = True  # type: ignore[attr-defined]
    return view


def is_public(endpoint: str) -> bool:
    return endpoint == "static" or getattr(current_app.view_functions[endpoint], "is_public", False)


def register_access(app: Flask) -> None:
    # templates get the user from inventario.presentation, which survives a database that is away
    login_manager.init_app(app, add_context_processor=False)
    app.before_request(_require_login)


@login_manager.user_loader
def _load(user_id: str) -> User | None:
    return accounts.load(int(user_id)) if user_id.isdecimal() else None


def _require_login() -> Response | None:
    if request.endpoint is None or is_public(request.endpoint) or current_user.is_authenticated:
        return None
    flash("Inicie sesión para continuar.", "info")
    # a form that was sent cannot be sent again by a redirect
    target = request.full_path.rstrip("?") if request.method in ("GET", "HEAD") else None
    return redirect(url_for("sessions.login", next=target))
