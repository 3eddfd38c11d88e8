"""Units and categories: two lists of their own, which products point to.

What products use is never deleted: it is deactivated, the products keep it, and no other product gets it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import func, literal, or_, select, true
from sqlalchemy.exc import IntegrityError

from inventario.database import db, duplicate_key, reads, reads_latest, refused_by, writes
from inventario.models import Category, Product, Unit
from inventario.services import audit, submissions
from inventario.services.actors import Actor

PAGE_ROWS = 100
# so many products of a unit or a category are counted, and one more
COUNT_LIMIT = 1_000
# so many categories are offered while typing
_OFFERED = 1_000

Entry = TypeVar("Entry", Unit, Category)
_SUBJECT = {Unit: "unit", Category: "category"}
_TAKEN = {"PRIMARY": "code", "uq_units_name": "name", "uq_categories_name": "name"}


class CatalogueRefused(Exception):
    """The list may not be changed like that, and was not."""


class NotOffered(CatalogueRefused):
    """A product is to get a unit or a category that is inactive, or that is not there any more."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


class Taken(CatalogueRefused):
    """Another entry has this code or this name; `field` says which."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


class InUse(CatalogueRefused):
    """Products have it."""


class DecimalsInUse(CatalogueRefused):
    """There are quantities that need more decimals."""


class StaleEntry(CatalogueRefused):
    """Somebody else changed the entry since it was opened; `saved` is what is kept now."""

    def __init__(self, saved: Unit | Category) -> None:
        super().__init__()
        self.saved = saved


class EntryUnknown(LookupError):
    """There is no such unit or category."""


@dataclass(frozen=True)
class Counted(Generic[Entry]):
    """An entry and how many products have it; more than `COUNT_LIMIT` are not counted."""

    entry: Entry
    products: int

    @property
    def is_capped(self) -> bool:
        return self.products > COUNT_LIMIT


@dataclass(frozen=True)
class CategoryPage:
    """Categories by name. `after` is the name from which the next page starts."""

    rows: Sequence[Counted[Category]]
    after: str | None


@reads
def units(*, also: str = "") -> Sequence[Unit]:
    """The units that are offered, and the one that a product has already."""
    return db.session.scalars(
        select(Unit).where(or_(Unit.active, Unit.code == also)).order_by(Unit.position)
    ).all()


@reads
def category_names() -> Sequence[str]:
    """The categories that are offered."""
    return db.session.scalars(
        select(Category.name).where(Category.active).order_by(Category.name).limit(_OFFERED)
    ).all()


@reads
def counted_units() -> Sequence[Counted[Unit]]:
    products = (
        select(literal(1).label("one"))
        .where(Product.unit_code == Unit.code)
        .limit(COUNT_LIMIT + 1)
        .lateral("products")
    )
    rows = db.session.execute(
        select(Unit, func.count(products.c.one))
        .outerjoin(products, true())
        .group_by(Unit.code)
        .order_by(Unit.position, Unit.code)
    )
    return [Counted(unit, number) for unit, number in rows]


@reads
def counted_categories(*, after: str = "") -> CategoryPage:
    page = (
        select(Category.id)
        .where(Category.name > after)
        .order_by(Category.name)
        .limit(PAGE_ROWS + 1)
        .subquery("page")
    )
    products = (
        select(literal(1).label("one"))
        .where(Product.category_id == page.c.id)
        .limit(COUNT_LIMIT + 1)
        .lateral("products")
    )
    found = [
        Counted(category, number)
        for category, number in db.session.execute(
            select(Category, func.count(products.c.one))
            .join(page, page.c.id == Category.id)
            .outerjoin(products, true())
            .group_by(Category.id)
            .order_by(Category.name)
        )
    ]
    rows = found[:PAGE_ROWS]
    return CategoryPage(rows=rows, after=rows[-1].entry.name if len(found) > PAGE_ROWS else None)


@reads
def get(model: type[Entry], key: str | int) -> Entry:
    entry = db.session.get(model, key)
    if entry is None:
        raise EntryUnknown(key)
    return entry


@reads_latest
def latest(model: type[Entry], key: str | int) -> Entry:
    """The same as the source has it: what a form that will be saved begins with."""
    return get(model, key)


def offered_unit(code: str, *, unless: str = "") -> Unit:
    """The unit that a product gets in the running unit of work; it keeps its decimals until that ends.

    :param unless: the one that the product has already, offered or not.
    """
    as_it_is_now = select(Unit).where(Unit.code == code).with_for_update(read=True)
    unit = db.session.scalars(as_it_is_now.execution_options(populate_existing=True)).one_or_none()
    if unit is None or not (unit.active or unit.code == unless):
        raise NotOffered("unit")
    return unit


def category_named(name: str, *, actor: Actor) -> Category | None:
    """The category that a product gets in the running unit of work: who names a new one makes it."""
    if not name:
        return None
    named = select(Category).where(Category.name == name)
    category = db.session.scalars(named).one_or_none()
    if category is None:
        category = Category(name=name, active=True)
        try:
            with db.session.begin_nested():
                db.session.add(category)
        except IntegrityError:
            # two people named the same new category at the same moment
            return db.session.scalars(named).one()
        _record(actor, "created", category, {"name": [None, name]})
    if not category.active:
        raise NotOffered("category")
    return category


@writes(repeatable=True)
def add_unit(code: str, name: str, decimals: int, *, actor: Actor, submission_key: str) -> None:
    if _counted_before(actor, submission_key, "unit.created", code, name, decimals):
        return
    last = db.session.scalars(select(func.max(Unit.position))).one() or 0
    unit = Unit(code=code, name=name, decimals=decimals, position=last + 1)
    db.session.add(unit)
    _flush()
    _record(actor, "created", unit, {"code": [None, code], "name": [None, name], "decimals": [None, decimals]})


@writes(repeatable=True)
def add_category(name: str, *, actor: Actor, submission_key: str) -> None:
    if _counted_before(actor, submission_key, "category.created", name):
        return
    category = Category(name=name)
    db.session.add(category)
    _flush()
    _record(actor, "created", category, {"name": [None, name]})


@writes(repeatable=True)
def edit_unit(code: str, version: int, name: str, decimals: int, *, actor: Actor, submission_key: str) -> None:
    """Rename a unit, or give it other decimals: never fewer than the quantities of its products need."""
    if _counted_before(actor, submission_key, "unit.changed", code, version, name, decimals):
        return
    unit = _locked(Unit, code)
    if unit.version != version:
        raise StaleEntry(unit)
    if decimals < unit.decimals and _needs_more(code, decimals):
        raise DecimalsInUse
    _change(actor, unit, name=name, decimals=decimals)


@writes(repeatable=True)
def edit_category(category_id: int, version: int, name: str, *, actor: Actor, submission_key: str) -> None:
    if _counted_before(actor, submission_key, "category.changed", category_id, version, name):
        return
    category = _locked(Category, category_id)
    if category.version != version:
        raise StaleEntry(category)
    _change(actor, category, name=name)


@writes(repeatable=True)
def set_active(model: type[Entry], key: str | int, active: bool, *, actor: Actor, submission_key: str) -> str:
    """Offer an entry, or offer it no more. Returns its name."""
    known = _counted_before(actor, submission_key, f"{_SUBJECT[model]}.active", key, active)
    entry = _locked(model, key)
    name: str = entry.name
    if not known and entry.active != active:
        entry.active = active
        entry.version += 1
        _record(actor, "restored" if active else "retired", entry, {"active": [not active, active]})
    return name


@writes(repeatable=True)
def delete(model: type[Entry], key: str | int, *, actor: Actor, submission_key: str) -> None:
    """Delete an entry that no product has."""
    if _counted_before(actor, submission_key, f"{_SUBJECT[model]}.deleted", key):
        return
    entry = _locked(model, key)
    db.session.delete(entry)
    try:
        db.session.flush()
    except IntegrityError as error:
        # the foreign key knows it better than a count
        if refused_by(error):
            raise InUse from error
        raise
    _record(actor, "deleted", entry, {"name": [entry.name, None]})


@writes(repeatable=True)
def move_unit(code: str, places: int, *, actor: Actor, submission_key: str) -> None:
    """Show a unit earlier (below zero) or later in the list."""
    if _counted_before(actor, submission_key, "unit.moved", code, places):
        return
    rows = list(db.session.scalars(select(Unit).order_by(Unit.position, Unit.code).with_for_update()))
    unit = next((unit for unit in rows if unit.code == code), None)
    if unit is None:
        raise EntryUnknown(code)
    before = rows.index(unit)
    after = min(max(before + places, 0), len(rows) - 1)
    rows.insert(after, rows.pop(before))
    for position, row in enumerate(rows, 1):
        row.position = position
    if before != after:
        _record(actor, "moved", unit, {"position": [before + 1, after + 1]})


def _counted_before(actor: Actor, submission_key: str, action: str, *content: object) -> bool:
    try:
        submissions.count(submission_key, actor.user_id, action, submissions.fingerprint(action, *content))
    except submissions.AlreadyCounted:
        return True
    return False


def _locked(model: type[Entry], key: str | int) -> Entry:
    entry = db.session.get(model, key, with_for_update=True)
    if entry is None:
        raise EntryUnknown(key)
    return entry


def _needs_more(code: str, decimals: int) -> bool:
    finer = (column != func.truncate(column, decimals) for column in (Product.quantity, Product.minimum))
    some = select(Product.id).where(Product.unit_code == code, or_(*finer)).limit(1)
    return db.session.scalars(some).first() is not None


def _change(actor: Actor, entry: Unit | Category, **values: Any) -> None:
    changes = {
        field: [getattr(entry, field), value]
        for field, value in values.items()
        if getattr(entry, field) != value
    }
    if not changes:
        return
    for field, value in values.items():
        setattr(entry, field, value)
    entry.version += 1
    _flush()
    _record(actor, "changed", entry, changes)


def _flush() -> None:
    try:
        db.session.flush()
    except IntegrityError as error:
        field = _TAKEN.get(duplicate_key(error))
        if field:
            raise Taken(field) from error
        raise


def _record(actor: Actor, verb: str, entry: Unit | Category, changes: dict[str, Any]) -> None:
    subject_type = _SUBJECT[type(entry)]
    audit.record(
        actor,
        f"{subject_type}.{verb}",
        subject_type=subject_type,
        subject_id=entry.id if isinstance(entry, Category) else None,
        subject=entry.name,
        changes=changes,
    )
