"""Reads what a program sent, and refuses what is not exactly what it should be."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from flask import Request
from flask_babel import lazy_gettext as _l
from marshmallow import RAISE, Schema, ValidationError
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import UnsupportedMediaType

from inventario.problems import Problem


class StrictParser(FlaskParser):
    DEFAULT_UNKNOWN_BY_LOCATION = FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION | {"json": RAISE, "query": RAISE}

    def load_json(self, req: Request, schema: Schema) -> Any:
        if req.mimetype != "application/json" or req.mimetype_params.get("charset", "utf-8").lower() != "utf-8":
            raise UnsupportedMediaType
        try:
            return json.loads(
                req.get_data().decode("utf-8"), parse_constant=_refuse, object_pairs_hook=_members
            )
        except (ValueError, RecursionError) as error:
            raise Problem(
                400,
                "malformed",
                _l("JSON no válido"),
                _l("El cuerpo no es JSON, está anidado en exceso, repite un nombre o no es UTF-8."),
            ) from error

    def load_querystring(self, req: Request, schema: Schema) -> Any:
        repeated = [name for name, values in req.args.lists() if len(values) > 1]
        if repeated:
            raise ValidationError({name: [str(_l("Se ha enviado más de una vez."))] for name in repeated})
        return req.args.to_dict()


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("the same name twice")
    return members
