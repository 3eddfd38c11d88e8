"""Signed session cookies that every node understands, and the one proxy whose word counts.

A session carries its user's id, an id of its own and the user's `session_version`: whether it is still valid is
asked of the database (services.accounts.of_session), on whatever node it comes back.
"""

from __future__ import annotations

import datetime
import secrets
import time

from flask import Flask, Request, Response, has_request_context, request, session
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask_login import login_user, logout_user
from werkzeug.middleware.proxy_fix import ProxyFix

from inventario import bearer
from inventario.models import User
from inventario.settings import Settings

_ID = "sid"
_VERSION = "version"
_SEEN = "seen"
# what a session of the release before this one stands for
_FIRST_VERSION = 1
_RENEW_SECONDS = 300
# what waits to be told travels in the cookie, and a proxy takes no answer whose head is too long
_MOST_MESSAGES = 5
_MESSAGES = "_flashes"


class SessionInterface(SecureCookieSessionInterface):
    """The cookie is for HTTPS alone when the request came by HTTPS, unless a setting decides."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """Programs show who they are in each request: a cookie that a browser adds by itself is not enough."""
        if bearer.for_programs(request.path):
            return self.session_class()
        return super().open_session(app, request)

    def get_cookie_secure(self, app: Flask) -> bool:
        setting = app.config["SESSION_COOKIE_SECURE"]
        if setting is None:
            return has_request_context() and request.is_secure
        return bool(setting)


def register_sessions(app: Flask, settings: Settings) -> None:
    app.config.update(
        SECRET_KEY=settings.secret_key,
        SESSION_COOKIE_NAME="inventario_session",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.session_cookie_secure,
        # only a session that was found valid lives on: see `keep`
        SESSION_REFRESH_EACH_REQUEST=False,
        PERMANENT_SESSION_LIFETIME=datetime.timedelta(hours=settings.session_hours),
        MAX_CONTENT_LENGTH=64 * 1024,
        NODE_NAME=settings.node_name,
    )
    app.session_interface = SessionInterface()
    app.after_request(_tell_the_latest)
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1)  # type: ignore[method-assign]


def _tell_the_latest(response: Response) -> Response:
    """Whoever changes things and looks at no page, as a script does, is told of the latest changes only."""
    if session.modified and len(session.get(_MESSAGES, ())) > _MOST_MESSAGES:
        session[_MESSAGES] = session[_MESSAGES][-_MOST_MESSAGES:]
    return response


def begin(user: User) -> None:
    """A new session: nothing of the anonymous one, which somebody else may know, goes on."""
    session.clear()
    session.permanent = True
    login_user(user)
    _stamp(user.session_version)


def go_on(version: int) -> None:
    """The user's sessions were ended, and this one begins anew without a login."""
    _stamp(version)


def claim() -> tuple[str, int]:
    """The id and the version that this request's session claims; an empty id for one of the release before."""
    return str(session.get(_ID, "")), int(session.get(_VERSION, _FIRST_VERSION))


def keep() -> None:
    """A session that was found valid expires later."""
    if _ID not in session:
        _stamp(_FIRST_VERSION)
    elif time.time() - session.get(_SEEN, 0) > _RENEW_SECONDS:
        session[_SEEN] = int(time.time())


def disown() -> None:
    """A session that was found ended: nothing that a page writes into its cookie makes it last longer."""
    for name in ("_user_id", "_fresh", "_id", _ID, _VERSION, _SEEN):
        session.pop(name, None)


def leave() -> None:
    """This browser is nobody's any more."""
    logout_user()
    session.clear()


def _stamp(version: int) -> None:
    session[_ID] = secrets.token_hex(16)
    session[_VERSION] = version
    session[_SEEN] = int(time.time())
