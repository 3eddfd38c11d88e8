"""What can be chosen: units and categories, remembered by each process for some seconds."""

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
class KnownUnit:
    """A unit as it was in this version."""

    code: str
    name: str
    decimals: int
    active: bool
    version: int


@dataclass(frozen=True)
class Choices:
    """Inactive ones too: products have them still. Codes or numbers, with their names, in their order."""

    known_units: tuple[KnownUnit, ...]
    categories: tuple[tuple[int, str], ...]

    @property
    def units(self) -> tuple[tuple[str, str], ...]:
        return tuple((unit.code, unit.name) for unit in self.known_units)

    def offered_unit(self, code: str) -> KnownUnit | None:
        return next((unit for unit in self.offered_units if unit.code == code), None)

    @property
    def offered_units(self) -> list[KnownUnit]:
        return [unit for unit in self.known_units if unit.active]

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
    remembered = _remembered()
    if remembered is None:
        until, seen = time.monotonic() + _SECONDS, frozenset([after()])
    elif after() not in remembered.seen:
        # not for longer: where somebody writes all the time, it would never end and hold the writes of all
        until, seen = remembered.until, remembered.seen | {after()}
    else:
        return remembered.choices
    remembered = _Remembered(until, _load(), seen)
    current_app.extensions["inventario_choices"] = remembered
    return remembered.choices


def choices_lately() -> Choices:
    """The same without what the user has written since: for whom another decides in the end."""
    remembered = _remembered()
    return remembered.choices if remembered else choices()


def _remembered() -> _Remembered | None:
    remembered: _Remembered | None = current_app.extensions.get("inventario_choices")
    return remembered if remembered and time.monotonic() <= remembered.until else None


@reads
def _load() -> Choices:
    units = db.session.execute(
        select(Unit.code, Unit.name, Unit.decimals, Unit.active, Unit.version).order_by(
            Unit.position, Unit.code
        )
    )
    categories = db.session.execute(select(Category.id, Category.name).order_by(Category.name).limit(_MOST))
    return Choices(
        tuple(KnownUnit(*unit) for unit in units), tuple((number, name) for number, name in categories)
    )
