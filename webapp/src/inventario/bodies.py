"""What requests may carry besides forms."""

from __future__ import annotations

from typing import Any

from flask import Flask
from flask.json.provider import DefaultJSONProvider


class BoundedJSON(DefaultJSONProvider):
    """JSON that is nested without end is no JSON: it is refused like any other nonsense."""

    def loads(self, s: str | bytes, **options: Any) -> Any:
        try:
            return super().loads(s, **options)
        except RecursionError as error:
            raise ValueError("nested too deeply") from error


def register_bodies(app: Flask) -> None:
    app.json = BoundedJSON(app)
