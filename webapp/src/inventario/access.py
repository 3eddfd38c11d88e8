"""Who may see and do what.

Everything asks for a login, unless its view says `public`. A view that says nothing is for viewers when it only
reads and for operators when it changes something; `requires` names another role, `personal` is what everybody
may do for themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, abort, current_app, flash, redirect, request, url_for
from flask_babel import gettext as _
from flask_login import LoginManager, current_user
from werkzeug.wrappers import Response

from inventario import bearer, sessions
from inventario.models import Person
from inventario.models.users import OPERATOR, VIEWER
from inventario.request_log import request_id
from inventario.services import accounts
from inventario.services.actors import Actor

View = TypeVar("View", bound=Callable[..., Any])

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")

# the way in for those who are not signed in, the company's figures for those who are
_HOME = "home.index"
# what somebody may do whose password was chosen by another
_WITH_A_SET_PASSWORD = ("account.password", "sessions.logout")

login_manager = LoginManager()
# a session is as good from another address: people move, and the version ends it
login_manager.session_protection = None


def public(view: View) -> View:
    """Mark a view that anybody may see."""
    view.is_public = True  # type: ignore[attr-defined]
    return view


def requires(role: str) -> Callable[[View], View]:
    """Mark a view that needs this role, whatever the method."""

    def mark(view: View) -> View:
        view.required_role = role  # type: ignore[attr-defined]
        return view

    return mark


def personal(view: View) -> View:
    """Mark a view with which people change only what is theirs, such as their password."""
    return requires(VIEWER)(view)


def is_public(endpoint: str) -> bool:
    if endpoint == "static" or endpoint.endswith(".static"):
        return True
    return getattr(current_app.view_functions[endpoint], "is_public", False)


def required_role(endpoint: str, method: str) -> str:
    """The least role that may use this endpoint with this method."""
    marked = getattr(current_app.view_functions[endpoint], "required_role", None)
    if marked is not None:
        return str(marked)
    return VIEWER if method in SAFE_METHODS else OPERATOR


def current_actor() -> Actor:
    """The person behind this request, for the services and their audit entries."""
    known = current_user.is_authenticated
    return Actor(
        user_id=current_user.id if known else None,
        username=current_user.username if known else "",
        role=current_user.role if known else "",
        address=request.remote_addr or "",
        node=current_app.config["NODE_NAME"],
        request_id=request_id(),
    )


def register_access(app: Flask) -> None:
    # templates get the user from inventario.presentation, which survives a database that is away
    login_manager.init_app(app, add_context_processor=False)
    login_manager.request_loader(bearer.load)
    app.before_request(_require_login)


@login_manager.user_loader
def _load(user_id: str) -> Person | None:
    session_id, version = sessions.claim()
    user = accounts.of_session(int(user_id), session_id, version) if user_id.isdecimal() else None
    if user is None:
        sessions.disown()
    else:
        sessions.keep()
    return user


def _require_login() -> Response | None:
    if request.endpoint is None:
        return None
    if is_public(request.endpoint) and not (request.endpoint == _HOME and current_user.is_authenticated):
        return None
    if bearer.for_programs(request.path):
        bearer.check(current_user, writing=request.method not in SAFE_METHODS)
    if not current_user.is_authenticated:
        flash(_("Inicie sesión para continuar."), "info")
        # a form that was sent cannot be sent again by a redirect
        target = request.full_path.rstrip("?") if request.method in ("GET", "HEAD") else None
        return redirect(url_for("sessions.login", next=target))
    if current_user.must_change_password and request.endpoint not in _WITH_A_SET_PASSWORD:
        flash(_("Elija una contraseña propia para continuar: la que tiene se la puso otra persona."), "info")
        return redirect(url_for("account.password"))
    if not current_user.may(required_role(request.endpoint, request.method)):
        abort(403)
    return None
