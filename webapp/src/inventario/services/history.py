"""What happened to a product, newest first: its movements, and the changes of what describes it."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Generic, TypeVar

from sqlalchemy import Select, select
from sqlalchemy.orm import selectinload

from inventario.database import db, reads
from inventario.models import AuditEntry, Movement, User

PAGE_ROWS = 20
# what a chart of the stock goes back to
CHART_ROWS = 100
ACTIONS = ("product.created", "product.changed", "product.retired", "product.restored")

# where few of many movements are a product's, MySQL may prefer to go through all of them in their order
_BY_PRODUCT = "FORCE INDEX (ix_movements_product_id_id)"

Row = TypeVar("Row", Movement, AuditEntry)


@dataclass(frozen=True)
class Past(Generic[Row]):
    """Rows, newest first; `older` is the id before which the next ones are, None when these are the last."""

    rows: Sequence[Row]
    older: int | None


@reads
def movements(product_id: int, *, before: int | None = None) -> Past[Movement]:
    """Movements of a product with who made them."""
    query = (
        select(Movement)
        .with_hint(Movement, _BY_PRODUCT)
        .where(Movement.product_id == product_id)
        .options(selectinload(Movement.user).load_only(User.id, User.username))
        .order_by(Movement.id.desc())
    )
    return _past(query if before is None else query.where(Movement.id < before))


@reads
def balances(product_id: int) -> Sequence[tuple[datetime.datetime, Decimal]]:
    """When the stock of a product last changed, and what there was from then on; oldest first."""
    latest = (
        select(Movement.created_at, Movement.balance)
        .with_hint(Movement, _BY_PRODUCT)
        .where(Movement.product_id == product_id)
        .order_by(Movement.id.desc())
        .limit(CHART_ROWS)
    )
    return [(moment, balance) for moment, balance in db.session.execute(latest)][::-1]


@reads
def changes(product_id: int, *, before: int | None = None) -> Past[AuditEntry]:
    """What was said of a product in the audit log besides its movements."""
    query = (
        select(AuditEntry)
        .where(
            AuditEntry.subject_type == "product",
            AuditEntry.subject_id == product_id,
            AuditEntry.action.in_(ACTIONS),
        )
        .order_by(AuditEntry.id.desc())
    )
    return _past(query if before is None else query.where(AuditEntry.id < before))


def _past(query: Select[Row]) -> Past[Row]:
    found = list(db.session.scalars(query.limit(PAGE_ROWS + 1)))
    rows = found[:PAGE_ROWS]
    return Past(rows=rows, older=rows[-1].id if len(found) > PAGE_ROWS else None)
