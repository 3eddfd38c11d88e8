"""Products as rows of a table: all that somebody looks for, read in batches and never held as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from inventario.services import finding
from inventario.services.finding import Criteria
from inventario.services.product_rows import Found

_BATCH = 1000


@dataclass(frozen=True)
class Exported:
    """A product as a file has it: what an import understands, and no quantity finer than it is."""

    code: str
    name: str
    description: str
    unit: str
    category: str
    minimum: Decimal | None
    quantity: Decimal


def products(criteria: Criteria) -> Iterator[Exported]:
    """In the order of the criteria, from the beginning. A database that goes away in the middle is an error."""
    for batch in finding.every(criteria, _BATCH):
        for found in batch:
            yield _exported(found)


def _exported(found: Found) -> Exported:
    return Exported(
        code=found.code,
        name=found.name,
        description=found.description,
        unit=found.unit,
        category=found.category or "",
        minimum=None if found.minimum is None else _trimmed(found.minimum),
        quantity=_trimmed(found.quantity),
    )


def _trimmed(quantity: Decimal) -> Decimal:
    # 1.500 reads as one and a half thousand where points group
    return Decimal(f"{quantity.normalize() + 0:f}")
