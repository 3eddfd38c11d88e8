"""Quantities: exact, and as fine as their unit allows."""

from __future__ import annotations

from decimal import Decimal

# what a quantity may be, as the column has it but for a margin
LARGEST = Decimal("999999999999.999")


def fits(quantity: Decimal, decimals: int) -> bool:
    """Whether so many digits behind the point are enough for it."""
    return quantity == round(quantity, decimals)


def plain(quantity: Decimal) -> str:
    """As text, equal for equal quantities: 1.5 for 1.500."""
    return f"{quantity.normalize() + 0:f}"
