"""Static files: their address carries a hash of their content, so that browsers may keep them for a year."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path
from typing import Any

from flask import Flask, Response, current_app, request
from flask_bootstrap import Bootstrap5

_YEAR = 365 * 24 * 3600

bootstrap = Bootstrap5()


def register_assets(app: Flask) -> None:
    # Bootstrap's files come with Bootstrap-Flask, from its blueprint `bootstrap`
    app.config["BOOTSTRAP_SERVE_LOCAL"] = True
    bootstrap.init_app(app)
    app.url_defaults(_add_hash)
    app.after_request(_keep)


def is_static(endpoint: str | None) -> bool:
    """Whether this endpoint serves files that are the same for everybody."""
    return endpoint == "static" or (endpoint or "").endswith(".static")


def _add_hash(endpoint: str, values: dict[str, Any]) -> None:
    if is_static(endpoint):
        current = _hash(_folder(endpoint), values["filename"])
        if current:
            values["v"] = current


def _keep(response: Response) -> Response:
    if is_static(request.endpoint) and response.status_code in (200, 304):
        # during a rolling update a node may be asked for a version that it does not have
        current = _hash(_folder(request.endpoint or ""), (request.view_args or {})["filename"])
        named = request.args.get("v") == current
        response.headers["Cache-Control"] = f"public, max-age={_YEAR}, immutable" if named else "no-cache"
    return response


def _folder(endpoint: str) -> str:
    blueprint = endpoint.rpartition(".")[0]
    owner = current_app.blueprints[blueprint] if blueprint else current_app
    return owner.static_folder or ""


@functools.cache
def _hash(folder: str, filename: str) -> str | None:
    """Read once: a release's files do not change while it runs."""
    path = Path(folder) / filename
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12] if path.is_file() else None
