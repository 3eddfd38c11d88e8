"""Two versions of one product, side by side: what somebody wanted to save, and what is saved meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask_babel import LazyString

from inventario import formats
from inventario.forms.products import ProductEditForm
from inventario.forms.quantities import written
from inventario.services.products import Details, Saved
from inventario.services.quantities import plain
from inventario.views.labels import PRODUCT_FIELDS


@dataclass(frozen=True)
class Side:
    """A field on one side: what the form sends, what people read, and what the audit log would say."""

    value: str
    text: str
    noted: str


@dataclass(frozen=True)
class Compared:
    """A field on both sides. `keep_saved`: only the others changed it, so theirs is proposed."""

    field: str
    label: LazyString
    mine: Side
    saved: Side
    differs: bool
    keep_saved: bool


def compare(form: ProductEditForm, saved: Saved) -> Sequence[Compared]:
    mine = form.product()
    unit = form.units[mine.unit_code].name
    left, right = _sides(mine, unit), _sides(saved.details, saved.unit)
    return [
        Compared(
            field=field,
            label=label,
            mine=left[field],
            saved=right[field],
            differs=left[field] != right[field],
            # what was opened is what it had been before the others changed it
            keep_saved=field in saved.before and (saved.before[field] or "") == left[field].noted,
        )
        for field, label in PRODUCT_FIELDS.items()
    ]


def _sides(details: Details, unit: str) -> dict[str, Side]:
    sides = {
        field: Side(text, text, text)
        for field, text in (
            ("code", details.code),
            ("name", details.name),
            ("category", details.category),
            ("description", details.description),
        )
    }
    sides["unit"] = Side(details.unit_code, unit, unit)
    minimum = details.minimum
    sides["minimum"] = Side(
        written(minimum), formats.quantity(minimum), "" if minimum is None else plain(minimum)
    )
    return sides
