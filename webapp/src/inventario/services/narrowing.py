"""What a search or a filter narrows a list of products to, and the index that leads to those products.

Each index ends with the code, so that what it finds comes in the order of the list; and each condition can be
tested on any product: one index is walked, and the other conditions are tested on the way.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import (
    ClauseElement,
    ColumnElement,
    FromClause,
    Select,
    Table,
    exists,
    func,
    literal,
    or_,
    select,
    union_all,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.base import Executable

from inventario.database import db
from inventario.models import Product, ProductTerm
from inventario.services import sizes

PRODUCTS = cast(Table, Product.__table__)
TERMS = cast(Table, ProductTerm.__table__)
TERMS_INDEX = "ix_product_terms_term_code"
# so many completions of a word are merged in the order of the code
MERGED = 6
# so many are tested one by one in that order, where each one's entry lies near the last one's
TESTED_IN_ORDER = 2


@dataclass(frozen=True)
class Narrowing:
    """A condition on products. `size` is how many there are, as far as they were counted."""

    size: int = dataclasses.field(default=0, kw_only=True, compare=False)

    def holds(self, product_id: ColumnElement[int] = PRODUCTS.c.id) -> ColumnElement[bool]:
        """The condition on the product of a row."""
        raise NotImplementedError

    def holds_at(self, entry: FromClause) -> ColumnElement[bool]:
        """The same on an entry of the words' index, which is walked in the order of the code."""
        return self.holds(entry.c.product_id)

    def ids(self) -> Select[Any]:
        """The ids of its products, from its index alone."""
        raise NotImplementedError


@dataclass(frozen=True)
class Equal(Narrowing):
    """A column that has one value."""

    column: str
    value: int | str | bool
    index: str

    def holds(
        self,
        product_id: ColumnElement[int] = PRODUCTS.c.id,  # noqa: ARG002 - the column is the product's own
    ) -> ColumnElement[bool]:
        return PRODUCTS.c[self.column] == self.value

    def ids(self) -> Select[Any]:
        return walk(select(PRODUCTS.c.id), PRODUCTS, self.index).where(self.holds())


@dataclass(frozen=True)
class Word(Narrowing):
    """The beginning of a word of the product, or of its whole code."""

    text: str
    # the words that begin so, if they are few
    completions: tuple[str, ...] = ()

    def holds(self, product_id: ColumnElement[int] = PRODUCTS.c.id) -> ColumnElement[bool]:
        tested = TERMS.alias("tested")
        begins = tested.c.term.startswith(self.text, autoescape=True)
        return exists(
            select(literal(1)).where(tested.c.product_id == product_id, begins).correlate_except(tested)
        )

    def holds_at(self, entry: FromClause) -> ColumnElement[bool]:
        if not self.completions:
            return super().holds_at(entry)
        return or_(*(self._stands_at(entry, term) for term in self.completions))

    @staticmethod
    def _stands_at(entry: FromClause, term: str) -> ColumnElement[bool]:
        tested = TERMS.alias("tested")
        one = select(literal(1)).with_hint(tested, f"FORCE INDEX ({TERMS_INDEX})")
        return exists(one.where(tested.c.term == term, tested.c.code == entry.c.code).correlate_except(tested))

    def ids(self) -> Select[Any]:
        found = TERMS.alias("found")
        entries = walk(select(found.c.product_id.label("id")), found, TERMS_INDEX)
        return entries.where(found.c.term.startswith(self.text, autoescape=True))


def walk(statement: Select[Any], table: FromClause, index: str) -> Select[Any]:
    """This table by this index, and the others in the order in which they are joined to it."""
    return statement.prefix_with("STRAIGHT_JOIN").with_hint(table, f"FORCE INDEX ({index})")


def measure(narrowings: Sequence[Narrowing], most: int) -> list[Narrowing]:
    """Count the products of each, up to `most` and one more, in one statement. Large ones may be kept."""
    kept = {narrowing: sizes.kept((narrowing, most)) for narrowing in narrowings}
    known = {narrowing: size for narrowing, size in kept.items() if size is not None}
    unknown = [narrowing for narrowing in kept if narrowing not in known]
    if unknown:
        counts = []
        for narrowing in unknown:
            some = narrowing.ids().limit(most + 1).subquery()
            counts.append(select(func.count(some.c.id.distinct())).select_from(some).scalar_subquery())
        for narrowing, size in zip(unknown, db.session.execute(select(*counts)).one(), strict=True):
            known[narrowing] = size
            sizes.keep((narrowing, most), size)
    return [dataclasses.replace(narrowing, size=known[narrowing]) for narrowing in narrowings]


def to_merge(word: Word) -> Word:
    """The word that is walked: with the completions whose entries are merged."""
    return _complete(word, MERGED)


def to_test(word: Word) -> Word:
    """A word that is tested on the way: with the completions that are looked for in the order of the code."""
    return _complete(word, TESTED_IN_ORDER)


def _complete(word: Word, most: int) -> Word:
    """A word with its completions, unless they are too many: a jump in the index for each.

    DISTINCT would read every entry: MySQL takes all words to be as rare as most are.
    """
    # one or two letters are the beginning of too many words
    if len(word.text) <= 2:
        return word
    found: list[str] = []
    while len(found) <= most:
        beyond = TERMS.c.term > found[-1] if found else TERMS.c.term >= word.text
        following = walk(select(TERMS.c.term), TERMS, TERMS_INDEX).where(beyond).order_by(TERMS.c.term).limit(1)
        term = db.session.scalars(following).one_or_none()
        if term is None or not term.startswith(word.text):
            return dataclasses.replace(word, completions=tuple(found))
        found.append(term)
    return word


def estimate(narrowings: Sequence[Narrowing]) -> list[int]:
    """How many products each has, as MySQL guesses from a few pages of its index."""
    explained = db.session.execute(_Explain([narrowing.ids() for narrowing in narrowings])).mappings()
    return [int(row["rows"] or 0) for row in explained if row["table"] and not row["table"].startswith("<")]


class _Explain(Executable, ClauseElement):
    """EXPLAIN as a statement: its rows say how many entries MySQL expects."""

    inherit_cache = False

    def __init__(self, statements: Sequence[Select[Any]]) -> None:
        self.union = union_all(*statements)


@compiles(_Explain)
def _explain(element: _Explain, compiler: Any, **options: Any) -> str:
    return f"EXPLAIN FORMAT=TRADITIONAL {compiler.process(element.union, **options)}"
