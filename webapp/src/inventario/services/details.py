"""What describes a product: as people type it, as it is saved, as the audit log has it."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from inventario.database import db
from inventario.models import AuditEntry, Category, Product, Unit
from inventario.services.choices import KnownUnit
from inventario.services.quantities import plain

# each of them is one version
_CHANGES = ("product.changed", "product.retired", "product.restored")


@dataclass(frozen=True)
class Details:
    """What describes a product, as people type it."""

    code: str
    name: str
    description: str
    unit_code: str
    category: str
    minimum: Decimal | None = None


@dataclass(frozen=True)
class Saved:
    """A product as it is kept, and what happened to it since the version that somebody had opened."""

    id: int
    version: int
    active: bool
    details: Details
    unit: str
    # the last change: by whom, when
    changed_by: str
    changed_at: datetime.datetime
    # what each field that was changed since then had been, as the audit log has it
    before: dict[str, Any]
    retired_or_restored: bool


def details_of(product: Product) -> Details:
    """What a form shows of a product that is loaded with its category."""
    return Details(
        code=product.code,
        name=product.name,
        description=product.description,
        unit_code=product.unit_code,
        category=product.category.name if product.category else "",
        minimum=product.minimum,
    )


def described(details: Details, unit: Unit | KnownUnit, category: Category | None) -> dict[str, str | None]:
    """What the audit log says of a product: by field, as people read it."""
    return {
        "code": details.code,
        "name": details.name,
        "description": details.description,
        "unit": unit.name,
        "category": category.name if category else None,
        "minimum": None if details.minimum is None else plain(details.minimum),
    }


def columns(details: Details, unit: Unit | KnownUnit, category: Category | None) -> dict[str, Any]:
    return {
        "code": details.code,
        "name": details.name,
        "description": details.description,
        "minimum": details.minimum,
        "unit_code": unit.code,
        "category_id": category.id if category else None,
    }


def saved_version(row: Product, version: int) -> Saved:
    """What the second of two people is shown. Every version since theirs left one entry in the audit log."""
    entries = db.session.scalars(
        select(AuditEntry)
        .where(
            AuditEntry.subject_type == "product",
            AuditEntry.subject_id == row.id,
            AuditEntry.action.in_(_CHANGES),
        )
        .order_by(AuditEntry.id.desc())
        .limit(max(row.version - version, 1))
    ).all()
    before: dict[str, Any] = {}
    for entry in entries:
        before |= {field: values[0] for field, values in (entry.changes or {}).items()}
    return Saved(
        id=row.id,
        version=row.version,
        active=row.active,
        details=details_of(row),
        unit=row.unit.name,
        changed_by=entries[0].username if entries else "",
        changed_at=entries[0].created_at if entries else row.updated_at or row.created_at,
        before=before,
        retired_or_restored="active" in before,
    )
