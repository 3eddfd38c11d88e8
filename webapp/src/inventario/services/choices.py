"""What lists can be narrowed to: units and categories, remembered by each process for some seconds."""

from __future__ import annotations

import time
from dataclasses import dataclass

from flask import current_app
from sqlalchemy import select

from inventario.database import db, reads
from inventario.database.own_writes import after
from inventario.models import Category, Unit

_SECONDS = 5.0
_MOST = 1000


@dataclass(frozen=True)
class Choices:
    """Inactive ones too: products have them still. Codes or numbers, with their names, in their order."""

    units: tuple[tuple[str, str], ...]
    categories: tuple[tuple[int, str], ...]

    def unit(self, code: str) -> str:
        return dict(self.units).get(code, code)

    def category(self, number: int | None) -> str:
        return dict(self.categories).get(number or 0, "")


@dataclass(frozen=True)
class _Remembered:
    until: float
    choices: Choices
    # the own writes that they were read after
    seen: frozenset[str]


def choices() -> Choices:
    """As they were some seconds ago; whoever has written something since sees it."""
    remembered: _Remembered | None = current_app.extensions.get("inventario_choices")
    if remembered is None or time.monotonic() > remembered.until:
        seen = frozenset([after()])
    elif after() not in remembered.seen:
        seen = remembered.seen | {after()}
    else:
        return remembered.choices
    remembered = _Remembered(time.monotonic() + _SECONDS, _load(), seen)
    current_app.extensions["inventario_choices"] = remembered
    return remembered.choices


@reads
def _load() -> Choices:
    units = db.session.execute(select(Unit.code, Unit.name).order_by(Unit.position, Unit.code))
    categories = db.session.execute(select(Category.id, Category.name).order_by(Category.name).limit(_MOST))
    return Choices(
        tuple((code, name) for code, name in units), tuple((number, name) for number, name in categories)
    )
