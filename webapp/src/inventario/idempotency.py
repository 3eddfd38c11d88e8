"""A request that changes something counts once, however often it is sent.

Each carries a key: a form in its hidden field `submission_key`, a program in the header `Idempotency-Key`. The
service writes it in the transaction of the change (services.submissions). Here a request without a key is
refused before its view, so that no route can forget it; the load balancer may then send any of them again.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, current_app, g, request
from flask_babel import LazyString
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from werkzeug.exceptions import BadRequest, Conflict, HTTPException, UnprocessableEntity

from inventario.access import SAFE_METHODS
from inventario.bearer import for_programs
from inventario.services.submissions import KeyOfAnother, KeyReused

View = TypeVar("View", bound=Callable[..., Any])

FIELD = "submission_key"
HEADER = "Idempotency-Key"

_KEY = re.compile(r"[0-9a-f]{32}")
_HEADER_VALUE = re.compile(r"[\x20-\x7e]{1,255}")


class SubmissionRefused(HTTPException):
    """Nothing was changed because of the request's key; `title` and `text` say why."""

    title: LazyString
    text: LazyString


class KeyMissing(SubmissionRefused, BadRequest):
    """A request that changes something came without its key."""

    title = _l("Falta la clave del envío")
    text = _l(
        "Lo enviado no lleva la clave con la que se cuenta una sola vez, y no se ha guardado nada. "
        "Vuelva atrás, recargue la página e inténtelo otra vez."
    )


class ContentChanged(SubmissionRefused, UnprocessableEntity):
    """The same key came with another content."""

    title = _l("Ya se había enviado con otros datos")
    text = _l(
        "Este formulario ya se guardó una vez, con otros datos, y lo enviado ahora no se ha guardado. "
        "Compruebe lo que hay y abra un formulario nuevo."
    )


class KeyTaken(SubmissionRefused, Conflict):
    """The key belongs to somebody else."""

    title = _l("El formulario es de otra persona")
    text = _l("Este formulario lo envió otra persona. Recargue la página e inténtelo otra vez.")


def repeatable(view: View) -> View:
    """Mark a view that may be asked twice and does the same as once: it needs no key."""
    view.is_repeatable = True  # type: ignore[attr-defined]
    return view


def is_repeatable(endpoint: str) -> bool:
    return getattr(current_app.view_functions[endpoint], "is_repeatable", False)


def current_key() -> str:
    """The key of this request, 32 hexadecimal digits."""
    key: str = g.submission_key
    return key


def register_idempotency(app: Flask) -> None:
    """After the login and the CSRF token have been asked for."""
    app.before_request(_require_key)
    app.register_error_handler(KeyReused, _reused)
    app.register_error_handler(KeyOfAnother, _of_another)


def _require_key() -> None:
    if request.endpoint is None or request.method in SAFE_METHODS:
        return
    key = _received_key()
    if key:
        g.submission_key = key
    elif not is_repeatable(request.endpoint):
        raise KeyMissing


def _received_key() -> str:
    # a program's body is not read before its view does
    given = "" if for_programs(request.path) else request.form.get(FIELD, "")
    if _KEY.fullmatch(given):
        return given
    given = request.headers.get(HEADER, "")
    if not _HEADER_VALUE.fullmatch(given):
        return ""
    # a program chooses its keys as it likes: two users may choose the same
    user_id = current_user.id if current_user.is_authenticated else None
    return hashlib.sha256(f"{user_id}:{given}".encode()).hexdigest()[:32]


def _reused(_error: KeyReused) -> Any:
    return current_app.handle_http_exception(ContentChanged())


def _of_another(_error: KeyOfAnother) -> Any:
    return current_app.handle_http_exception(KeyTaken())
