"""What changed just now: asked once for all open pages, however many there are.

The latest changes come from the audit log, which every change of a product writes in its own transaction.
Rows are told as they are, not how they changed: whoever hears of one twice, or late, is none the worse. Of
a unit or a category that got another name, which thousands of products may have, only the names are told.
"""

from __future__ import annotations

import decimal
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select, text

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
# of units and categories
_MOST_RENAMED = 1000
_CREATED = "product.created"
# whose names rows show, and how these are called there
_NAMES = {"unit": "unit_name", "category": "category"}
# the few entries of a rare family, without a look at those of products
_BY_FAMILY = "FORCE INDEX (ix_audit_entries_family_created_at)"


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
class Renamed:
    """Units and categories that are called otherwise of late, by the names that pages may still show.

    None: something else has, or had meanwhile, the old name: what is shown does not tell which one it is.
    """

    # grows with each further one
    latest: int
    names: Mapping[str, Mapping[str, str | None]]


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
    renamed: Renamed | None


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
        renamed=_renamed(),
    )


def renamed_query() -> Select[int, str, Any]:
    """What happened of late to units and categories, the latest first."""
    return (
        select(AuditEntry.id, AuditEntry.family, AuditEntry.changes)
        .with_hint(AuditEntry, _BY_FAMILY, "mysql")
        .where(AuditEntry.family.in_(_NAMES), AuditEntry.created_at >= _since())
        .order_by(AuditEntry.id.desc())
        .limit(_MOST_RENAMED)
    )


def _renamed() -> Renamed | None:
    entries = db.session.execute(renamed_query()).all()
    names: dict[str, dict[str, str | None]] = {}
    for family, field in _NAMES.items():
        changes = [entry.changes or {} for entry in reversed(entries) if entry.family == family]
        if called := _called([change["name"] for change in changes if "name" in change]):
            names[field] = called
    return Renamed(entries[0].id, names) if names else None


def _called(changes: Iterable[tuple[str | None, str | None]]) -> dict[str, str | None]:
    """How what had each of the old names is called now; changes of names (before, after), oldest first."""
    # of each unit or category its present name, which no other has
    present: list[str | None] = []
    which: dict[str, int] = {}
    had: dict[str, set[int]] = {}
    for before, after in changes:
        number = len(present) if before is None else which.pop(before, len(present))
        if number == len(present):
            present.append(None)
        present[number] = after
        if after is not None:
            which[after] = number
        for name in (before, after):
            if name is not None:
                had.setdefault(name, set()).add(number)
    told: dict[str, str | None] = {}
    for name, numbers in had.items():
        now = present[next(iter(numbers))]
        if len(numbers) > 1:
            told[name] = None
        # no product has what was deleted
        elif now not in (None, name):
            told[name] = now
    return told


def _since() -> ColumnElement[Any]:
    return func.utc_timestamp(6) - text(f"INTERVAL {WINDOW_SECONDS} SECOND")


def _latest(*columns: Any) -> Select[Any]:
    return (
        select(*columns)
        .where(
            AuditEntry.created_at >= _since(),
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
