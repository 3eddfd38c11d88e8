"""Programs sign in with a token in each request.

Under /api/ there are no sessions, so that no page of somebody else can make use of one.
"""

from __future__ import annotations

from flask import Request, g, request
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Forbidden, Unauthorized

from inventario.models import User
from inventario.services import tokens

PREFIX = "/api/"
# the page for people who write programs, which they open in a browser
DOCUMENTATION = "/api/v1/docs"

_LONGEST = 200


class TokenMissing(Unauthorized):
    """No token came, or one that is not valid (any more)."""

    def __init__(self, *, sent: bool) -> None:
        challenge: dict[str, str | None] = {"realm": "inventario"}
        if sent:
            challenge["error"] = "invalid_token"
        super().__init__(www_authenticate=WWWAuthenticate("bearer", challenge))


class PasswordExpired(Forbidden):
    """The token's user has yet to choose a password of their own."""


class TokenReadsOnly(Forbidden):
    """This token is not for changes."""


def for_programs(path: str) -> bool:
    """Whether what is at this path is for programs, with tokens, and not for people, with sessions."""
    return path.startswith(PREFIX) and path != DOCUMENTATION


def load(from_request: Request) -> User | None:
    """The user whose token the request carries; for Flask-Login, which asks when there is no session."""
    if not for_programs(from_request.path):
        return None
    token = _sent(from_request)
    found = tokens.authenticate(token) if token else None
    if found is None:
        return None
    g.token_may_write = found.may_write
    return found.user


def check(user: User, *, writing: bool) -> None:
    """After `load`: what the token and the state of its user stand in the way of."""
    if not user.is_authenticated:
        raise TokenMissing(sent=bool(_sent(request)))
    if user.must_change_password:
        raise PasswordExpired
    if writing and not g.get("token_may_write", False):
        raise TokenReadsOnly


def _sent(from_request: Request) -> str:
    scheme, _, token = from_request.headers.get("Authorization", "").partition(" ")
    token = token.strip()
    return token if scheme.lower() == "bearer" and len(token) <= _LONGEST and token.isascii() else ""
