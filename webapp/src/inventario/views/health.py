from __future__ import annotations

from flask import Blueprint, jsonify
from werkzeug.wrappers import Response

from inventario.access import public
from inventario.database import check_health

blueprint = Blueprint("health", __name__, url_prefix="/health")


@blueprint.get("/live")
@public
def live() -> Response:
    """The process answers; no database is asked."""
    return jsonify(status="ok")


@blueprint.get("/ready")
@public
def ready() -> tuple[Response, int]:
    """Pages can be shown. A source that is away degrades a node, it does not take it out."""
    health = check_health()
    body = jsonify(status=health.status, reader=health.reader, writer=health.writer)
    return body, 200 if health.can_read else 503
