"""A browser that once signed in is known again: its wrong passwords are counted apart (services.lockout)."""

from __future__ import annotations

import re
import secrets

from flask import Flask, Response, current_app, g, request
from itsdangerous import BadSignature, URLSafeTimedSerializer

from inventario.models import User
from inventario.services.lockout import Gates
from inventario.services.logins import Device
from inventario.settings import Settings

COOKIE = "inventario_device"
_SECONDS = 400 * 24 * 3600
_ID = re.compile(r"[0-9a-f]{32}")
# who shares a browser; whoever was there longest ago is forgotten first
_MOST_USERS = 8


def register_devices(app: Flask, settings: Settings) -> None:
    app.extensions["inventario_login"] = settings.login
    app.extensions["inventario_login_gates"] = Gates()
    app.after_request(_send)


def current_device() -> Device:
    """The browser behind this request; a new one where it brings nothing that is ours."""
    try:
        found = _serializer().loads(request.cookies.get(COOKIE, ""), max_age=_SECONDS)
        identifier, user_ids = str(found["id"]), tuple(int(user_id) for user_id in found["users"])
    except (BadSignature, KeyError, TypeError, ValueError):
        identifier, user_ids = "", ()
    if not _ID.fullmatch(identifier):
        return Device(secrets.token_hex(16), ())
    return Device(identifier, user_ids)


def remember(device: Device, user: User) -> None:
    """This user signed in with this browser: send it its cookie."""
    others = tuple(user_id for user_id in device.user_ids if user_id != user.id)
    g.device = Device(device.id, (*others, user.id)[-_MOST_USERS:])


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.secret_key or "", salt=COOKIE)


def _send(response: Response) -> Response:
    device: Device | None = g.get("device")
    if device is not None:
        response.set_cookie(
            COOKIE,
            _serializer().dumps({"id": device.id, "users": device.user_ids}),
            max_age=_SECONDS,
            httponly=True,
            samesite="Lax",
            secure=current_app.session_interface.get_cookie_secure(current_app),
        )
    return response
