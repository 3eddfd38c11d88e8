"""What templates know besides their own data."""

from __future__ import annotations

import datetime
from typing import Any

from flask import Flask, g
from flask_login import current_user

from inventario.database import read_is_stale


def register_presentation(app: Flask) -> None:
    app.context_processor(_common)
    app.add_template_filter(ago)
    app.add_template_filter(utc)
    app.add_template_filter(number)


def _common() -> dict[str, Any]:
    # the page that says that the database is away must not ask it who reads
    user = None if g.get("error_page") or not current_user.is_authenticated else current_user
    return {"user": user, "read_is_stale": read_is_stale()}


def ago(moment: datetime.datetime, now: datetime.datetime | None = None) -> str:
    """How long ago a moment (UTC, as MySQL gives it) was, as people say it."""
    now = now or datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
    seconds = max(0, int((now - moment).total_seconds()))
    for size, one, many in ((86400, "día", "días"), (3600, "hora", "horas"), (60, "minuto", "minutos")):
        if seconds >= size:
            count = seconds // size
            return f"hace {count} {one if count == 1 else many}"
    return "hace un momento"


def utc(moment: datetime.datetime) -> str:
    return moment.strftime("%d/%m/%Y %H:%M UTC")


def number(value: int) -> str:
    """Spanish thousands: 12.345."""
    return f"{value:,}".replace(",", ".")
