"""What the overview shows of the whole inventory, quick with millions of products and movements.

Products are counted over the index (active, category_id, low), movements over (created_at, ..., kind), neither
touches a row. What takes long all the same is kept by each process for a while (services.figures): figures by
category are then some seconds late, up to fifty times as long as counting takes (0.2 s for a million products).
The movements of a day that has ended never change and are counted once.
"""

from __future__ import annotations

import datetime
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Integer, Select, func, literal_column, select
from sqlalchemy.orm import joinedload, load_only

from inventario.database import db, reads
from inventario.models import AuditEntry, Category, Movement, Product
from inventario.services.figures import figures

DAYS = 30
LOW_ROWS = 8
LATEST_ROWS = 8
# audit entries among which the latest changes of products are looked for
_LATEST_ENTRIES = 100
# a transaction that began in a day may end in the next one, and a replica may be late
_CLOSED_AFTER = datetime.timedelta(hours=1)
# a page counts days for so long; what is missing then is counted by the next one
_BUDGET_SECONDS = 2.0

# at some of these every zone's day begins
_QUARTER = datetime.timedelta(minutes=15)
# how many movements of a kind began in a quarter of an hour (UTC) of a day
Quarters = Mapping[tuple[int, str], int]


@dataclass(frozen=True)
class CategoryStock:
    """Active products of a category, and how many of them are low. Without a name: those without a category."""

    name: str | None
    products: int
    low: int


@dataclass(frozen=True)
class DayMovements:
    """The movements of a day of the reader's calendar, by kind."""

    day: datetime.date
    counts: Mapping[str, int]


@dataclass(frozen=True)
class Movements:
    """The days, oldest first. `complete` is false while there are days that nobody has counted yet."""

    days: Sequence[DayMovements]
    complete: bool


def by_category() -> Sequence[CategoryStock]:
    """Categories with products, those with the most first."""
    return figures().get("by_category", _by_category)


def movements_over_time(now: datetime.datetime, zone: datetime.tzinfo) -> Movements:
    """Movements of the last days, today included, by the calendar of this zone."""
    today = now.astimezone(zone).date()
    first = today - datetime.timedelta(days=DAYS - 1)
    # a day of any zone lies in two days of UTC
    oldest = first - datetime.timedelta(days=1)
    utc_today = now.astimezone(datetime.UTC).date()
    figures().forget(unless=lambda key: not isinstance(key, datetime.date) or key >= oldest)
    counts: Counter[tuple[datetime.date, str]] = Counter()
    end = time.monotonic() + _BUDGET_SECONDS
    complete = True
    for back in range((utc_today - oldest).days + 1):
        day = utc_today - datetime.timedelta(days=back)
        if time.monotonic() > end:
            complete = False
            break
        midnight = datetime.datetime.combine(day, datetime.time(), datetime.UTC)
        closed = now > midnight + datetime.timedelta(days=1) + _CLOSED_AFTER
        quarters = figures().get(day, lambda day=day: _movements_of(day), closed=closed)  # type: ignore[misc]
        for (quarter, kind), count in quarters.items():
            counts[(midnight + quarter * _QUARTER).astimezone(zone).date(), kind] += count
    days = [first + datetime.timedelta(days=number) for number in range(DAYS)]
    kinds = {kind for _day, kind in counts}
    return Movements(
        days=[DayMovements(day, {kind: counts[day, kind] for kind in kinds}) for day in days],
        complete=complete,
    )


@reads
def low_products() -> Sequence[Product]:
    """Some products whose stock is low, in the order of their codes."""
    return db.session.scalars(
        select(Product)
        .where(Product.low.is_(True), Product.active.is_(True))
        .options(joinedload(Product.unit, innerjoin=True))
        .order_by(Product.code)
        .limit(LOW_ROWS)
    ).all()


@reads
def latest_changes() -> Sequence[AuditEntry]:
    """What was done to products of late, newest first."""
    entries = db.session.scalars(
        select(AuditEntry)
        .options(
            load_only(
                AuditEntry.created_at,
                AuditEntry.username,
                AuditEntry.action,
                AuditEntry.subject_type,
                AuditEntry.subject_id,
                AuditEntry.subject,
                AuditEntry.changes,
            )
        )
        .order_by(AuditEntry.id.desc())
        .limit(_LATEST_ENTRIES)
    )
    return [entry for entry in entries if entry.subject_type == "product"][:LATEST_ROWS]


def category_query() -> Select[int | None, bool | None, int]:
    """How many active products there are of each category, low ones and others."""
    return (
        select(Product.category_id, Product.low, func.count())
        .where(Product.active.is_(True))
        .with_hint(Product, "FORCE INDEX (ix_products_active_category_id_low)", "mysql")
        .group_by(Product.category_id, Product.low)
    )


def day_query(day: datetime.date) -> Select[int, str, int]:
    """How many movements began in each quarter of an hour of a day (UTC), by kind."""
    quarter = literal_column("HOUR(movements.created_at) * 4 + MINUTE(movements.created_at) DIV 15", Integer)
    return (
        select(quarter, Movement.kind, func.count())
        .where(Movement.created_at >= day, Movement.created_at < day + datetime.timedelta(days=1))
        .with_hint(Movement, "FORCE INDEX (ix_movements_created_at_id_kind)", "mysql")
        .group_by(quarter, Movement.kind)
    )


@reads
def _by_category() -> Sequence[CategoryStock]:
    products: Counter[int | None] = Counter()
    low: Counter[int | None] = Counter()
    for category_id, is_low, count in db.session.execute(category_query()):
        products[category_id] += count
        low[category_id] += count if is_low else 0
    names = dict(db.session.execute(select(Category.id, Category.name)).all())
    return [
        CategoryStock(
            name=None if category_id is None else names.get(category_id), products=count, low=low[category_id]
        )
        for category_id, count in products.most_common()
    ]


@reads
def _movements_of(day: datetime.date) -> Quarters:
    return {(quarter, kind): count for quarter, kind, count in db.session.execute(day_query(day))}
