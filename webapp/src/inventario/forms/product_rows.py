"""The columns of a file of products. What a cell may hold is what the field of the product's form may hold."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms.validators import StopValidation, ValidationError

from inventario.forms.products import ProductForm
from inventario.models import Unit
from inventario.services.imports import Problem
from inventario.services.quantities import LARGEST, fits, plain
from inventario.services.staging import CheckedRow
from inventario.tables.numbers import Ambiguous, parse_number
from inventario.tables.reading import Cell, Row, Unusable

LABELS = {
    "code": _l("Código"),
    "name": _l("Nombre"),
    "description": _l("Descripción"),
    "unit": _l("Unidad"),
    "category": _l("Categoría"),
    "minimum": _l("Mínimo"),
    "quantity": _l("Cantidad"),
}
COLUMNS = tuple(LABELS)
_REQUIRED = ("code", "name", "unit")
_TEXTS = ("code", "name", "description", "category")
_NUMBERS = ("minimum", "quantity")
# in Spanish and English, without accents
_NAMES = {
    "codigo": "code", "code": "code", "referencia": "code", "sku": "code",
    "nombre": "name", "name": "name", "producto": "name", "product": "name",
    "descripcion": "description", "description": "description",
    "unidad": "unit", "unit": "unit",
    "categoria": "category", "category": "category",
    "minimo": "minimum", "minimum": "minimum", "stock minimo": "minimum", "minimum stock": "minimum",
    "cantidad": "quantity", "quantity": "quantity", "existencias": "quantity", "stock": "quantity",
}  # fmt: skip


class ProductRows:
    """Checks rows by the rules of the product's form; services.staging calls it row by row."""

    def __init__(self, units: Sequence[Unit]) -> None:
        # to the letter, else as people write it
        self._units = [(spelling, _named(units, spelling)) for spelling in (str.casefold, _key)]
        self._rules = {column: _Rule(getattr(ProductForm, column)) for column in _TEXTS}
        self._positions: dict[str, int] = {}
        self._width = 0
        self._decimal_mark = "."

    @property
    def can_check(self) -> bool:
        return all(column in self._positions for column in _REQUIRED)

    def recognise(self, heading: str) -> bool:
        return _key(heading) in _NAMES

    def label(self, column: str) -> str:
        return str(LABELS[column])

    def begin(self, headings: Row, decimal_mark: str) -> Sequence[Problem]:
        self._decimal_mark = decimal_mark
        self._width = len(headings.cells)
        problems = []
        for position, cell in enumerate(headings.cells):
            heading = "" if isinstance(cell, Unusable) else _text(cell)
            column = _NAMES.get(_key(heading))
            if column is None:
                shown = heading.strip()[:60] or _("columna %(number)s", number=position + 1)
                message = _("No se conoce esta columna. Bórrela o cámbiele el nombre.")
                problems.append(Problem(headings.number, shown, message))
            elif column in self._positions:
                problems.append(Problem(headings.number, self.label(column), _("Esta columna está dos veces.")))
            else:
                self._positions[column] = position
        for column in _REQUIRED:
            if column not in self._positions:
                problems.append(Problem(headings.number, self.label(column), _("Falta esta columna.")))
        return problems

    def check(self, row: Row) -> CheckedRow:
        fields = dict.fromkeys(COLUMNS, "")
        problems: list[Problem] = []

        def wrong(column: str, message: str) -> None:
            problems.append(Problem(row.number, self.label(column), message))

        for column, rule in self._rules.items():
            try:
                fields[column] = rule.apply(_known(self._cell(row, column)))
            except ValueError as error:
                wrong(column, str(error))
        unit = None
        try:
            unit = self._unit(_known(self._cell(row, "unit")))
            fields["unit"] = unit.code
        except ValueError as error:
            wrong("unit", str(error))
        for column in _NUMBERS:
            try:
                fields[column] = self._number(_known(self._cell(row, column)), unit)
            except ValueError as error:
                wrong(column, str(error))
        if any(row.cells[self._width :]):
            problems.append(Problem(row.number, "", _("Hay más celdas que columnas con nombre.")))
        bad = any(problem.column == self.label("code") for problem in problems)
        return CheckedRow(row.number, None if bad else fields["code"], fields, problems)

    def _cell(self, row: Row, column: str) -> Cell:
        position = self._positions.get(column)
        return row.cells[position] if position is not None and position < len(row.cells) else ""

    def _unit(self, cell: str | Decimal) -> Unit:
        text = _text(cell).strip()
        if not text:
            raise ValueError(_("Escriba una unidad."))
        for spelling, units in self._units:
            found = units.get(spelling(text), ())
            if len(found) > 1:
                message = _(
                    "«%(unit)s» puede ser más de una unidad. Escriba lo que solo ella lleve.", unit=text[:40]
                )
                raise ValueError(message)
            if found:
                return found[0]
        raise ValueError(_("No hay ninguna unidad «%(unit)s».", unit=text[:40]))

    def _number(self, cell: str | Decimal, unit: Unit | None) -> str:
        if cell == "" or (isinstance(cell, str) and not cell.strip()):
            return ""
        try:
            number = parse_number(cell, self._decimal_mark) if isinstance(cell, str) else cell
        except Ambiguous as error:
            raise ValueError(
                _("«%(number)s» se puede leer de dos maneras. Escríbalo sin puntos de millar.", number=error)
            ) from error
        except ValueError as error:
            raise ValueError(_("No es un número.")) from error
        if number < 0:
            raise ValueError(_("No puede ser menor que cero."))
        if number > LARGEST:
            raise ValueError(_("Es un número demasiado grande."))
        decimals = 3 if unit is None else unit.decimals
        if not fits(number, decimals):
            raise ValueError(_("Esta unidad admite como mucho %(count)s decimales.", count=decimals))
        return plain(number)


class _Rule:
    """The filters and validators of a form's field, without a form: a file has many rows."""

    def __init__(self, field: Any) -> None:
        self._filters = field.kwargs.get("filters", ())
        self._validators = field.kwargs.get("validators", ())

    def apply(self, cell: str | Decimal) -> str:
        text = _text(cell)
        for change in self._filters:
            text = change(text)
        field = _Typed(text)
        for validator in self._validators:
            try:
                validator(None, field)
            except (StopValidation, ValidationError) as error:
                raise ValueError(str(error)) from error
        return text


class _Typed:
    """As much of a field as validators look at."""

    def __init__(self, data: str) -> None:
        # InputRequired looks at what was sent; here what the filters left of it counts
        self.raw_data = [data] if data else []
        self.data = data
        self.errors: list[str] = []

    def gettext(self, text: str) -> str:
        return text

    def ngettext(self, one: str, many: str, count: int) -> str:
        return one if count == 1 else many


def _named(units: Sequence[Unit], spelling: Callable[[str], str]) -> dict[str, list[Unit]]:
    """Units by their names and their codes; the name of one may be the code of another."""
    found: dict[str, list[Unit]] = {}
    for unit in units:
        for name in {spelling(unit.name), spelling(unit.code)}:
            found.setdefault(name, []).append(unit)
    return found


def _known(cell: Cell) -> str | Decimal:
    if isinstance(cell, Unusable):
        raise ValueError(cell.message)
    return cell


def _text(cell: str | Decimal) -> str:
    return cell if isinstance(cell, str) else f"{cell:f}"


def _key(text: str) -> str:
    """What is compared of a name: no case, no accents but the one of ñ, single spaces."""
    plain = unicodedata.normalize("NFD", text[:100].casefold())
    kept = "".join(mark for mark in plain if not unicodedata.combining(mark) or mark == "\u0303")
    return " ".join(re.sub(r"[\W_]+", " ", unicodedata.normalize("NFC", kept)).split())
