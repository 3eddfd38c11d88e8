"""Finding products: search, filters, sorting, pages that are as fast deep in the list as at its beginning.

MySQL knows neither how often a word occurs nor where in an order its products lie, so the way to the rows is
chosen here, by sizes that are counted up to a limit:

- few products: they are looked up, tested and sorted;
- many, in the order of the code: the index is walked in that order, until the page is full;
- many, in another order: that order's index is walked. Where they are not among its next rows, they are sorted.

`tests/test_query_plans.py` shows the plans, `python -m bench --large` measures them.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, true, union

from inventario.database import as_of, db, reads
from inventario.services import sizes, terms
from inventario.services.cursors import Cursor, decode, encode
from inventario.services.narrowing import (
    PRODUCTS,
    TERMS,
    TERMS_INDEX,
    Equal,
    Narrowing,
    Word,
    estimate,
    measure,
    to_merge,
    to_test,
    walk,
)
from inventario.services.product_rows import Columns, Found, Listed, everything, listed, shown

PAGE_ROWS = 50
COUNT_LIMIT = 10_000
# narrowed to so few products, all of them are looked at
FEW = 4000
# of more, so many are tested to be counted
_TESTED = 1000
# so far along an order one looks for products that are common in it
WINDOW = 15_000
_SEARCH_WORDS = 6

ACTIVE, RETIRED, ALL = "active", "retired", "all"
STATES = (ACTIVE, RETIRED, ALL)


@dataclass(frozen=True)
class _Order:
    columns: tuple[str, ...]
    index: str


_ORDERS = {
    "code": _Order(("code",), "uq_products_code"),
    "name": _Order(("name", "id"), "ix_products_name"),
    "quantity": _Order(("quantity", "id"), "ix_products_quantity"),
    "changed": _Order(("updated_at", "id"), "ix_products_updated_at"),
}
SORTS = tuple(_ORDERS)
# statements that are kept, so that the page that many ask for is not put together again each time
_STATEMENTS = 64
# pages that are kept, of up to 50 products
_PAGES = 32
_SORTED, _MERGED = "sorted", "merged"


@dataclass(frozen=True)
class Criteria:
    """What somebody looks for. A cursor is a page's `after` or `before`; a wrong one is the beginning."""

    search: str = ""
    category_id: int | None = None
    unit_code: str = ""
    state: str = ACTIVE
    low: bool = False
    sort: str = "code"
    descending: bool = False
    cursor: str = ""


@dataclass(frozen=True)
class Page:
    """Products in their order, and the cursors of the next page and the one before; empty: there is none."""

    products: tuple[Listed, ...]
    total: int
    total_is_capped: bool
    after: str
    before: str


@dataclass(frozen=True)
class _Plan:
    """Criteria whose parts were measured. `first` is what narrows most; None when nothing narrows."""

    order: _Order
    sort: str
    descending: bool
    first: Narrowing | None
    others: tuple[Narrowing, ...]
    impossible: bool = False

    @property
    def conditions(self) -> list[ColumnElement[bool]]:
        narrowings = self.others if self.first is None else (self.first, *self.others)
        return [narrowing.holds() for narrowing in narrowings]


def find(criteria: Criteria) -> Page:
    """A page of the products that meet the criteria."""
    moment = as_of()
    return _read(criteria) if moment is None else read_at(moment, criteria)


@functools.lru_cache(_PAGES)
def read_at(_moment: Hashable, criteria: Criteria) -> Page:
    """What many ask for, again and again, while nothing is written. Its `cache_clear` forgets what is kept."""
    return _read(criteria)


@reads
def _read(criteria: Criteria) -> Page:
    plan = _plan(criteria)
    cursor = decode(criteria.cursor, criteria.sort, criteria.descending)
    backwards = cursor is not None and cursor.backwards
    found = _rows(plan, cursor, PAGE_ROWS + 1, shown)
    more = len(found) > PAGE_ROWS
    rows = listed(found[:PAGE_ROWS])
    if backwards:
        rows.reverse()
    total, capped = _count(plan)
    return Page(
        products=tuple(product for product, _place in rows),
        total=total,
        total_is_capped=capped,
        after=_cursor(criteria, *rows[-1]) if rows and (more or backwards) else "",
        before=_cursor(criteria, *rows[0], backwards=True)
        if rows and (more if backwards else cursor is not None)
        else "",
    )


@reads
def some(criteria: Criteria, most: int) -> tuple[Sequence[Found], str]:
    """The next products that meet the criteria, not counted, and the cursor of those behind; empty: none."""
    cursor = decode(criteria.cursor, criteria.sort, criteria.descending)
    found = _rows(_plan(criteria), cursor, most + 1, everything)
    rows = [Found(*row) for row in found[:most]]
    return rows, _cursor_at(criteria, rows[-1]) if len(found) > most else ""


def every(criteria: Criteria, batch: int = 1000) -> Iterator[Sequence[Found]]:
    """All products that meet the criteria, in batches: each a read of its own, none of them long."""
    position = ""
    while True:
        found = _batch(dataclasses.replace(criteria, cursor=position), batch)
        if found:
            yield found
        if len(found) < batch:
            return
        position = _cursor_at(criteria, found[-1])


@reads
def _batch(criteria: Criteria, size: int) -> list[Found]:
    cursor = decode(criteria.cursor, criteria.sort, criteria.descending)
    return [Found(*row) for row in _rows(_plan(criteria), cursor, size, everything)]


def _plan(criteria: Criteria) -> _Plan:
    words, possible = _words(criteria.search)
    narrowings: list[Narrowing] = [*words]
    if criteria.low:
        narrowings.append(Equal("low", True, "ix_products_low_code"))
    if criteria.category_id is not None:
        narrowings.append(Equal("category_id", criteria.category_id, "ix_products_category_id_code"))
    if criteria.unit_code:
        narrowings.append(Equal("unit_code", criteria.unit_code, "ix_products_unit_code_code"))
    if criteria.state != ALL:
        narrowings.append(Equal("active", criteria.state == ACTIVE, "ix_products_active_code"))
    most = COUNT_LIMIT if len(narrowings) == 1 else FEW
    measured = [*words, *measure(narrowings[len(words) :], most)]
    # those that are common stay in this order, in which what is active is the last
    measured.sort(key=lambda narrowing: min(narrowing.size, FEW + 1))
    if len(narrowings) - (criteria.state == ACTIVE) > 1 and measured[0].size > FEW:
        guesses = dict(zip(measured, estimate(measured), strict=True))
        measured.sort(key=lambda narrowing: guesses[narrowing])
    first, others = (measured[0], measured[1:]) if measured else (None, [])
    impossible = not possible or (first is not None and first.size == 0)
    if criteria.sort == "code" and isinstance(first, Word) and first.size > FEW:
        first = to_merge(first)
        if first.completions:
            others = [to_test(other) if isinstance(other, Word) else other for other in others]
    return _Plan(
        _ORDERS[criteria.sort],
        criteria.sort,
        criteria.descending,
        first,
        tuple(others),
        impossible,
    )


def _words(search: str) -> tuple[list[Narrowing], bool]:
    """The words of a search, measured, and whether each can be found at all.

    What is written with a hyphen or a dot is the beginning of a code, if there is one; else it is words.
    """
    chunks = search.split()[:_SEARCH_WORDS]
    wholes = {whole: terms.words(whole) for whole in (terms.whole(chunk) for chunk in chunks) if whole}
    idle = all(word in terms.STOP_WORDS for parts in wholes.values() for word in parts)
    texts = dict.fromkeys(
        text
        for whole, parts in wholes.items()
        for text in (whole, *parts)
        if idle or text not in terms.STOP_WORDS
    )
    measured = dict(zip(texts, measure([Word(text) for text in texts], COUNT_LIMIT), strict=True))
    chosen: dict[str, Narrowing] = {}
    for whole, parts in wholes.items():
        if whole in measured and (measured[whole].size or not parts):
            chosen[whole] = measured[whole]
        else:
            chosen |= {part: measured[part] for part in parts if part in measured}
    return list(chosen.values()), all(narrowing.size for narrowing in chosen.values())


def _rows(plan: _Plan, cursor: Cursor | None, limit: int, columns: Columns) -> list[Any]:
    """Up to `limit` products from the cursor on, in the direction of the cursor."""
    if plan.impossible:
        return []
    way = _way(plan)
    if way:
        return _ask(_statement(plan, cursor, limit, way, columns))
    down, place = _from(plan, cursor)
    order = [PRODUCTS.c[name] for name in plan.order.columns]
    end = _end_of_window(plan, order, place, down)
    within = [] if end is None else [~_beyond(order, end[0], end[-1], down)]
    found = _ask(columns(_walked(plan, plan.order.index, [*place, *within], down, limit), down))
    if len(found) == limit or end is None:
        return found
    way = plan.order.index if plan.first is None or _is(plan.first, "active") else _SORTED
    return _ask(_statement(plan, cursor, limit, way, columns))


def _way(plan: _Plan) -> str:
    """How to get at the rows: along an index, or one of the others; empty where the next rows decide it."""
    first = plan.first
    if first is None:
        return plan.order.index
    if first.size <= FEW:
        return _SORTED
    if plan.sort == "code":
        if isinstance(first, Equal):
            return first.index
        if isinstance(first, Word) and first.completions:
            return _MERGED
    if plan.sort == "name" and any(_is(part, "category_id") for part in (first, *plan.others)):
        return "ix_products_category_id_name"
    return ""


@functools.lru_cache(_STATEMENTS)
def _statement(
    plan: _Plan,
    cursor: Cursor | None,
    limit: int,
    way: str,
    columns: Columns,
) -> Select[Any]:
    down, place = _from(plan, cursor)
    if way == _SORTED and plan.first is not None:
        keys = _sorted(plan, plan.first, place, down, limit)
    elif way == _MERGED and isinstance(plan.first, Word):
        keys = _merged(plan, plan.first, cursor, down, limit)
    else:
        keys = _walked(plan, way, place, down, limit)
    return columns(keys, down)


def _from(plan: _Plan, cursor: Cursor | None) -> tuple[bool, list[ColumnElement[bool]]]:
    """Whether it goes down from the cursor, and the condition that it is beyond it."""
    down = plan.descending != (cursor is not None and cursor.backwards)
    columns = [PRODUCTS.c[name] for name in plan.order.columns]
    return down, [] if cursor is None else [_beyond(columns, cursor.key, cursor.id, down)]


def _ask(statement: Select[Any]) -> list[Any]:
    return list(db.session.execute(statement))


def _is(narrowing: Narrowing, column: str) -> bool:
    return isinstance(narrowing, Equal) and narrowing.column == column


def _walked(plan: _Plan, index: str, place: list[ColumnElement[bool]], down: bool, limit: int) -> Select[Any]:
    """The order's index, and the conditions tested on the way."""
    return _ordered(walk(_keys(plan), PRODUCTS, index).where(*place, *plan.conditions), plan, down, limit)


def _sorted(
    plan: _Plan, first: Narrowing, place: list[ColumnElement[bool]], down: bool, limit: int
) -> Select[Any]:
    """All products of what narrows most, the other conditions tested, and then sorted."""
    if isinstance(first, Equal):
        return _walked(plan, first.index, place, down, limit)
    ids = first.ids().distinct().subquery("ids")
    keys = _keys(plan).prefix_with("STRAIGHT_JOIN").select_from(ids.join(PRODUCTS, PRODUCTS.c.id == ids.c.id))
    # words are tested before the product is looked up
    return _ordered(keys.where(*place, *(other.holds(ids.c.id) for other in plan.others)), plan, down, limit)


def _merged(plan: _Plan, word: Word, cursor: Cursor | None, down: bool, limit: int) -> Select[Any]:
    """The first products of each completion of a word, in the order of the code that its index has."""
    arms = []
    for number, term in enumerate(word.completions):
        arm = TERMS.alias(f"arm{number}")
        keys = select(PRODUCTS.c.id, arm.c.code.label("sort_key"))
        keys = keys.select_from(arm.join(PRODUCTS, PRODUCTS.c.id == arm.c.product_id))
        # words are tested on the entry of the index, before the product is looked up
        keys = keys.where(arm.c.term == term, *(other.holds_at(arm) for other in plan.others))
        if cursor is not None:
            keys = keys.where(_beyond([arm.c.code], cursor.key, cursor.id, down))
        keys = keys.order_by(arm.c.code.desc() if down else arm.c.code).limit(limit)
        arms.append(walk(keys, arm, TERMS_INDEX).subquery())
    merged = union(*(select(arm) for arm in arms)).subquery("merged")
    return select(merged).order_by(merged.c.sort_key.desc() if down else merged.c.sort_key).limit(limit)


def _keys(plan: _Plan) -> Select[Any]:
    return select(PRODUCTS.c.id, PRODUCTS.c[plan.order.columns[0]].label("sort_key"))


def _ordered(keys: Select[Any], plan: _Plan, down: bool, limit: int) -> Select[Any]:
    columns = [PRODUCTS.c[name] for name in plan.order.columns]
    return keys.order_by(*(column.desc() if down else column for column in columns)).limit(limit)


def _beyond(columns: Sequence[ColumnElement[Any]], key: Any, number: int, down: bool) -> ColumnElement[bool]:
    """Behind a row, in the direction: as ranges of an index that ends with the id."""
    column, *ids = columns
    further: ColumnElement[bool] = column < key if down else column > key
    if not ids:
        return further
    return or_(further, and_(column == key, ids[0] < number if down else ids[0] > number))


def _end_of_window(
    plan: _Plan, columns: Sequence[ColumnElement[Any]], place: list[ColumnElement[bool]], down: bool
) -> tuple[Any, ...] | None:
    """The place in the order, some rows ahead, up to which one looks; None: the order ends before."""
    ahead = walk(select(*columns), PRODUCTS, plan.order.index).where(*place)
    ahead = ahead.order_by(*(column.desc() if down else column for column in columns)).offset(WINDOW).limit(1)
    row = db.session.execute(ahead).one_or_none()
    return None if row is None else tuple(row)


def _count(plan: _Plan) -> tuple[int, bool]:
    """How many there are, and whether there are more: an exact figure of a million rows helps nobody."""
    first = plan.first
    if plan.impossible:
        return 0, False
    if first is None:
        size = sizes.of(("all", COUNT_LIMIT), _count_all)
    elif not plan.others:
        size = first.size
    else:
        key = (first, plan.others, first.size <= FEW)
        size = sizes.of(key, lambda: _count_tested(first, plan.others))
        return (size, False) if first.size <= FEW else (size // 100 * 100, True)
    return min(size, COUNT_LIMIT), size > COUNT_LIMIT


def _count_all() -> int:
    some = walk(select(PRODUCTS.c.id), PRODUCTS, "uq_products_code").limit(COUNT_LIMIT + 1).subquery()
    return db.session.scalars(select(func.count()).select_from(some)).one()


def _count_tested(first: Narrowing, others: Sequence[Narrowing]) -> int:
    """Test products of what narrows most: all if they are few, else some, and the figure is the least."""
    ids = first.ids().distinct().limit(FEW if first.size <= FEW else _TESTED).subquery("ids")
    tested = (
        select(func.count())
        .prefix_with("STRAIGHT_JOIN")
        .select_from(ids.join(PRODUCTS, PRODUCTS.c.id == ids.c.id))
        .where(true(), *(other.holds(ids.c.id) for other in others))
    )
    return db.session.scalars(tested).one()


def _cursor(criteria: Criteria, row: Listed | Found, place: Any, *, backwards: bool = False) -> str:
    return encode(Cursor(criteria.sort, criteria.descending, backwards, place, row.id))


def _cursor_at(criteria: Criteria, row: Found) -> str:
    keys: dict[str, Any] = {
        "code": row.code,
        "name": row.name,
        "quantity": row.quantity,
        "changed": row.updated_at,
    }
    return _cursor(criteria, row, keys[criteria.sort])
