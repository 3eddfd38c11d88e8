"""What changed just now: asked once for all open pages, however many there are.

The latest changes come from the audit log, which every change of a product writes in its own transaction.
Rows are told as they are, not how they changed: whoever hears of one twice, or late, is none the worse.
"""

from __future__ import annotations

import decimal
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select, text

from inventario.database import db, reads, reads_latest
from inventario.database.own_writes import executed
from inventario.models import AuditEntry, Category, Product, Unit

# longer than a transaction may last: its entries bear the time at which they were written, not committed
WINDOW_SECONDS = 30
# products told in full; of further ones only which they are, so that pages that show them ask for them
MOST_ROWS = 200
_MOST_ENTRIES = 3000
# enough to say that there is something new
_MOST_CREATED = 100
_CREATED = "product.created"


@dataclass(frozen=True)
class Row:
    """A product as lists show it."""

    id: int
    code: str
    name: str
    quantity: decimal.Decimal
    minimum: decimal.Decimal | None
    active: bool
    version: int
    category: str | None
    unit: str
    unit_name: str
    decimals: int

    @property
    def low(self) -> bool:
        return self.minimum is not None and self.quantity <= self.minimum


@dataclass(frozen=True)
class Created:
    id: int
    code: str


@dataclass(frozen=True)
class Changes:
    """The products that changed of late, the latest first, as of these transactions or later ones."""

    executed: str
    rows: Sequence[Row]
    # changed as well, but not told in full
    others: Sequence[int]
    # there were more still: nobody knows which
    more: bool
    # new ones, which no page shows yet; an import may have made a hundred thousand
    created: Sequence[Created]


@reads_latest
def executed_by_source() -> str:
    """The transactions that are committed by now; those of a replica while the source is away."""
    return executed(db.session())


@reads_latest
def changes(known: str = "") -> Changes | None:
    """None: nothing has been committed since these transactions.

    One server tells both what it has executed and the rows, in this order: so no row is older than it says.
    """
    now = executed(db.session())
    if known and now == known:
        return None
    changed = list(
        db.session.scalars(
            _latest(AuditEntry.subject_id).where(AuditEntry.action != _CREATED).limit(_MOST_ENTRIES + 1)
        )
    )
    created = db.session.execute(
        _latest(AuditEntry.subject_id, AuditEntry.subject)
        .where(AuditEntry.action == _CREATED)
        .limit(_MOST_CREATED)
    )
    ids = list(dict.fromkeys(changed[:_MOST_ENTRIES]))
    return Changes(
        executed=now,
        rows=rows(ids[:MOST_ROWS]),
        others=ids[MOST_ROWS:],
        more=len(changed) > _MOST_ENTRIES,
        created=[Created(*entry) for entry in created],
    )


def _latest(*columns: Any) -> Select[Any]:
    since = func.utc_timestamp(6) - text(f"INTERVAL {WINDOW_SECONDS} SECOND")
    return (
        select(*columns)
        .where(
            AuditEntry.created_at >= since,
            AuditEntry.subject_type == "product",
            AuditEntry.subject_id.is_not(None),
        )
        .order_by(AuditEntry.created_at.desc())
    )


@reads
def rows(ids: Iterable[int]) -> list[Row]:
    """These products, in this order, without those that there are not."""
    wanted = list(ids)
    if not wanted:
        return []
    query = (
        select(
            Product.id,
            Product.code,
            Product.name,
            Product.quantity,
            Product.minimum,
            Product.active,
            Product.version,
            Category.name.label("category"),
            Unit.code.label("unit"),
            Unit.name.label("unit_name"),
            Unit.decimals,
        )
        .join(Unit, Unit.code == Product.unit_code)
        .outerjoin(Category, Category.id == Product.category_id)
        .where(Product.id.in_(wanted))
    )
    found = {row.id: Row(**row._mapping) for row in db.session.execute(query)}
    return [found[number] for number in wanted if number in found]
