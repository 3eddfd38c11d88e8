"""Pages of a list: each says where the next one starts, in its body and in the header Link."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

from flask import request
from flask_babel import lazy_gettext as _l
from marshmallow import Schema as MarshmallowSchema
from marshmallow import ValidationError, fields

from inventario.api.fields import IN_QUERY, Schema, Strict, Whole

PAGE_ROWS = 50
MOST_ROWS = 200
_LONGEST = 800
_SHAPE = re.compile(rf"[A-Za-z0-9_-]{{1,{_LONGEST}}}")
WRONG_CURSOR = _l("Use el valor de next de la página anterior, con los mismos filtros y orden.")


class Cursor(Strict):
    """Where a page starts: what an earlier page called `next`. Nobody else's business what is in it."""

    def shape(self) -> dict[str, Any]:
        return {"type": "string", "format": "cursor", "pattern": r"^[A-Za-z0-9_-]+$", "maxLength": _LONGEST}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_options: Any) -> str:
        if not isinstance(value, str) or not _SHAPE.fullmatch(value):
            raise ValidationError(str(WRONG_CURSOR))
        return value


class CursorQuery(Schema):
    cursor = Cursor(_l("De dónde sigue la lista: el valor de `next` de la página anterior."))


class PageQuery(CursorQuery):
    limit = Whole(
        _l("Cuántas filas como mucho."),
        most=MOST_ROWS,
        load_default=PAGE_ROWS,
        metadata=IN_QUERY,
    )


def page(items: Any, following: str) -> tuple[dict[str, Any], int, dict[str, str]]:
    """What a view returns: the rows, and the cursor of the next ones (empty: these are the last)."""
    if not following:
        return {"items": items, "next": None}, 200, {}
    query = urlencode({**request.args.to_dict(), "cursor": following})
    return {"items": items, "next": following}, 200, {"Link": f'<{request.path}?{query}>; rel="next"'}


def page_of(schema: type[Schema], name: str) -> MarshmallowSchema:
    """The schema of a page of such rows."""
    described = {
        "items": fields.List(fields.Nested(schema), required=True),
        "next": Cursor(_l("Para la página siguiente; null en la última."), required=True, allow_none=True),
    }
    return Schema.from_dict(described, name=name)()
