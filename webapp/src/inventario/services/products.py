"""Products: registering, listing, searching."""

from __future__ import annotations

import datetime
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.dialects.mysql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload

from inventario.database import db, duplicate_key, reads, writes
from inventario.models import Category, Product, Unit
from inventario.services import audit, submissions, terms
from inventario.services.actors import Actor

PAGE_ROWS = 50
COUNT_LIMIT = 10_000
_SEARCH_WORDS = 6


class DuplicateCode(Exception):
    """Another product has this code already."""


@dataclass(frozen=True)
class NewProduct:
    code: str
    name: str
    description: str
    unit_code: str
    category: str


@dataclass(frozen=True)
class Page:
    """Rows in the order of the code. `after` and `before` are the codes from which the next pages start."""

    products: Sequence[Product]
    total: int
    after: str | None
    before: str | None

    @property
    def total_is_capped(self) -> bool:
        return self.total > COUNT_LIMIT


@dataclass(frozen=True)
class Overview:
    products: int
    categories: int
    registered_today: int
    latest: Sequence[Product]


def normalise(text: str) -> str:
    """One spelling for what looks alike: composed characters, single spaces, none around."""
    return " ".join(unicodedata.normalize("NFC", text).split())


@writes(repeatable=True)
def register(product: NewProduct, *, actor: Actor, submission_key: str) -> str:
    """Register a product and return its code. The unique key decides between two people with the same code."""
    try:
        submissions.count(submission_key, actor.user_id, product.code)
    except submissions.AlreadyCounted as earlier:
        return earlier.subject
    row = Product(
        code=product.code,
        name=product.name,
        description=product.description,
        unit_code=product.unit_code,
        category_id=_category_id(product.category),
        created_by_id=actor.user_id,
    )
    db.session.add(row)
    try:
        db.session.flush()
    except IntegrityError as error:
        if duplicate_key(error) == "uq_products_code":
            raise DuplicateCode from error
        raise
    terms.index(row)
    audit.record(
        actor, "product.created", subject_type="product", subject_id=row.id, subject=product.code, changes=None
    )
    return product.code


@reads
def page(search: str = "", *, after: str = "", before: str = "") -> Page:
    matching = select(Product).where(*_conditions(search))
    backwards = bool(before)
    rows = matching.options(joinedload(Product.unit), joinedload(Product.category)).limit(PAGE_ROWS + 1)
    if backwards:
        rows = rows.where(Product.code < before).order_by(Product.code.desc())
    elif after:
        rows = rows.where(Product.code > after).order_by(Product.code)
    else:
        rows = rows.order_by(Product.code)
    found = list(db.session.scalars(rows))
    more = len(found) > PAGE_ROWS
    products = found[:PAGE_ROWS]
    if backwards:
        products.reverse()
    return Page(
        products=products,
        total=_capped_count(matching),
        after=products[-1].code if products and (more or backwards) else None,
        before=products[0].code if products and (more if backwards else bool(after)) else None,
    )


@reads
def units() -> Sequence[Unit]:
    return db.session.scalars(select(Unit).order_by(Unit.position)).all()


@reads
def category_names() -> Sequence[str]:
    return db.session.scalars(select(Category.name).order_by(Category.name).limit(200)).all()


@reads
def overview(today: datetime.date) -> Overview:
    latest = (
        select(Product)
        .options(joinedload(Product.unit), joinedload(Product.category), joinedload(Product.created_by))
        .order_by(Product.created_at.desc(), Product.id.desc())
        .limit(8)
    )
    return Overview(
        products=_capped_count(select(Product)),
        categories=db.session.scalars(select(func.count()).select_from(Category)).one(),
        registered_today=_capped_count(select(Product).where(Product.created_at >= today)),
        latest=db.session.scalars(latest).all(),
    )


def _conditions(search: str) -> list[ColumnElement[bool]]:
    """Every word in the code, the name or the description; the collation ignores case and accents."""
    return [
        or_(
            *(
                column.contains(word, autoescape=True)
                for column in (Product.code, Product.name, Product.description)
            )
        )
        for word in normalise(search).split()[:_SEARCH_WORDS]
    ]


def _capped_count(matching: Select[Product]) -> int:
    """Count up to the limit and one more: an exact figure of a million rows helps nobody."""
    some = matching.with_only_columns(Product.id).order_by(None).limit(COUNT_LIMIT + 1).subquery()
    return db.session.scalars(select(func.count()).select_from(some)).one()


def _category_id(name: str) -> int | None:
    if not name:
        return None
    found = db.session.scalars(select(Category.id).where(Category.name == name)).one_or_none()
    if found is None:
        # two people may name the same new category at the same moment
        row = insert(Category).values(name=name).on_duplicate_key_update(id=func.last_insert_id(Category.id))
        db.session.execute(row)
        found = db.session.scalars(select(Category.id).where(Category.name == name)).one()
    return found
