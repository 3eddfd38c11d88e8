"""Headers that every answer carries."""

from __future__ import annotations

from flask import Flask, Response, request

from inventario.assets import is_static

_POLICY = (
    # data: for the small images in Bootstrap's own stylesheet
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def register_headers(app: Flask) -> None:
    app.after_request(_secure)


def _secure(response: Response) -> Response:
    response.headers.update(_HEADERS)
    if not is_static(request.endpoint):
        # pages show a company's data: neither a proxy nor the back button of the next person keeps them
        response.headers["Cache-Control"] = "no-store"
    return response
