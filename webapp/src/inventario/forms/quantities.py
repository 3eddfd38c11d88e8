"""Quantities as people write them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _
from wtforms import Field
from wtforms.widgets import TextInput

from inventario.formats import separators
from inventario.services.quantities import LARGEST, plain

_ONE_SEPARATOR = re.compile(r"(-?\d{1,15})(?:[.,](\d+))?")


class QuantityField(Field):
    """An exact quantity, or None for an empty field.

    With the reader's own separators, thousands too, as pages show quantities; else with one point or comma.
    """

    widget = TextInput()

    def __init__(self, *arguments: Any, **options: Any) -> None:
        options["render_kw"] = {"inputmode": "decimal", "autocomplete": "off"} | options.get("render_kw", {})
        super().__init__(*arguments, **options)

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return written(self.data)

    def process_formdata(self, values: Sequence[str]) -> None:
        text = re.sub(r"\s", "", values[0]) if values else ""
        if not text:
            self.data = None
            return
        quantity = parse(text)
        if quantity is None:
            raise ValueError(_("Escriba una cantidad, como %(example)s.", example=f"12{separators()[1]}5"))
        if abs(quantity) > LARGEST:
            raise ValueError(_("Es una cantidad demasiado grande."))
        self.data = quantity


def written(quantity: Decimal | None) -> str:
    """As the reader would type it."""
    return "" if quantity is None else plain(quantity).replace(".", separators()[1])


def parse(text: str) -> Decimal | None:
    """The quantity that is written there, by the reader's separators; None: it is not one."""
    group, point = separators()
    grouped = rf"(-?\d{{1,3}}(?:{re.escape(group)}\d{{3}})+)(?:{re.escape(point)}(\d+))?"
    found = re.fullmatch(grouped, text) or _ONE_SEPARATOR.fullmatch(text)
    if found is None or not text.isascii():
        return None
    whole, fraction = found.groups()
    return Decimal(f"{whole.replace(group, '')}.{fraction or 0}")


def too_fine(decimals: int) -> str:
    """What to say of a quantity that is finer than its unit."""
    if decimals == 0:
        return str(_("En esta unidad se cuenta sin decimales."))
    return str(_("En esta unidad se cuenta con %(decimals)s decimales como mucho.", decimals=decimals))
