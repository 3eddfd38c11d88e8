"""The description of the API: for programs as OpenAPI, for people as a page of it."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, json, render_template

from inventario.access import public
from inventario.api.blueprints import BASE, DocumentedApi

blueprint = Blueprint("api-document", __name__, url_prefix=BASE)


@blueprint.get("/openapi.json")
@public
def openapi() -> Response:
    """Public: it says nothing that is not in the source code."""
    api: DocumentedApi = current_app.extensions["inventario_api"]
    return Response(json.dumps(api.spec.to_dict()), mimetype="application/json")


@blueprint.get("/docs")
def page() -> str:
    return render_template("api/docs.html")
