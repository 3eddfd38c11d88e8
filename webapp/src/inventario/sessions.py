"""Signed session cookies that every node understands, and the one proxy whose word counts."""

from __future__ import annotations

import datetime

from flask import Flask, has_request_context, request
from flask.sessions import SecureCookieSessionInterface
from werkzeug.middleware.proxy_fix import ProxyFix

from inventario.settings import Settings


class SessionInterface(SecureCookieSessionInterface):
    """The cookie is for HTTPS alone when the request came by HTTPS, unless a setting decides."""

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
        PERMANENT_SESSION_LIFETIME=datetime.timedelta(hours=settings.session_hours),
        MAX_CONTENT_LENGTH=64 * 1024,
        NODE_NAME=settings.node_name,
    )
    app.session_interface = SessionInterface()
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1)  # type: ignore[method-assign]
