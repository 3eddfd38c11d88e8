"""What a search or a filter narrows a list of products to, and the index that leads to those products.

Each index ends with the code, so that what it finds comes in the order of the list; and each condition can be
tested on any product: one index is walked, and the other conditions are tested on the way.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import ColumnElement, FromClause, Select, Table, exists, func, literal, select

from inventario.database import db
from inventario.models import Product, ProductTerm

PRODUCTS = cast(Table, Product.__table__)
TERMS = cast(Table, ProductTerm.__table__)
TERMS_INDEX = "ix_product_terms_term_code"
# so many completions of a word are merged in the order of the code
MERGED = 16


@dataclass(frozen=True)
class Narrowing:
    """A condition on products. `size` is how many there are, as far as they were counted."""

    size: int = dataclasses.field(default=0, kw_only=True)

    @property
    def condition(self) -> ColumnElement[bool]:
        raise NotImplementedError

    def ids(self) -> Select[Any]:
        """The ids of its products, from its index alone."""
        raise NotImplementedError


@dataclass(frozen=True)
class Equal(Narrowing):
    """A column that has one value."""

    column: str
    value: int | str | bool
    index: str

    @property
    def condition(self) -> ColumnElement[bool]:
        return PRODUCTS.c[self.column] == self.value

    def ids(self) -> Select[Any]:
        return walk(select(PRODUCTS.c.id), PRODUCTS, self.index).where(self.condition)


@dataclass(frozen=True)
class Word(Narrowing):
    """The beginning of a word of the product, or of its whole code."""

    text: str
    # the words that begin so, if they are few
    completions: tuple[str, ...] = ()

    @property
    def condition(self) -> ColumnElement[bool]:
        tested = TERMS.alias("tested")
        return exists(
            select(literal(1))
            .where(tested.c.product_id == PRODUCTS.c.id, tested.c.term.startswith(self.text, autoescape=True))
            .correlate(PRODUCTS)
        )

    def ids(self) -> Select[Any]:
        found = TERMS.alias("found")
        entries = walk(select(found.c.product_id.label("id")), found, TERMS_INDEX)
        return entries.where(found.c.term.startswith(self.text, autoescape=True))


def walk(statement: Select[Any], table: FromClause, index: str) -> Select[Any]:
    """This table by this index, and the others in the order in which they are joined to it."""
    return statement.prefix_with("STRAIGHT_JOIN").with_hint(table, f"FORCE INDEX ({index})")


def measure(narrowings: Sequence[Narrowing], most: int) -> list[Narrowing]:
    """Count the products of each, up to `most` and one more, in one statement."""
    if not narrowings:
        return []
    counts = []
    for narrowing in narrowings:
        some = narrowing.ids().limit(most + 1).subquery()
        counts.append(select(func.count(some.c.id.distinct())).select_from(some).scalar_subquery())
    sizes = db.session.execute(select(*counts)).one()
    return [
        dataclasses.replace(narrowing, size=size) for narrowing, size in zip(narrowings, sizes, strict=True)
    ]


def complete(word: Word) -> Word:
    """A word with its completions, unless they are too many: a jump in the index for each."""
    some = select(TERMS.c.term).distinct().where(TERMS.c.term.startswith(word.text, autoescape=True))
    found = db.session.scalars(some.with_hint(TERMS, f"FORCE INDEX ({TERMS_INDEX})").limit(MERGED + 1)).all()
    return dataclasses.replace(word, completions=tuple(found) if len(found) <= MERGED else ())
