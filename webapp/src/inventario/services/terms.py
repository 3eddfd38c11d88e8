"""The words under which a product is found: how text becomes words, and the table that holds them.

Whoever writes the code, the name or the description of a product calls `index` in the same transaction.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any, Protocol

from sqlalchemy import Connection, delete, insert, select
from sqlalchemy.orm import Session

from inventario.database import db, writes
from inventario.models import Product, ProductTerm
from inventario.models.search import LONGEST_TERM

_BATCH = 1000
_INSERT = insert(ProductTerm.__table__)  # type: ignore[arg-type]
_WORD = re.compile(r"[^\W_]+")
_TILDE = "\u0303"
# in nearly every name: they would make the table half as long again and tell nothing apart
_IDLE = (
    "a al con de del desde e el en entre es la las lo los o para por que se sin su sus u un una unas uno unos y"
)
STOP_WORDS = frozenset(_IDLE.split())
# the collation takes them for letters with an accent, Unicode does not
_STROKES = str.maketrans({"ø": "o", "đ": "d", "ł": "l", "ð": "d", "ħ": "h", "æ": "ae", "œ": "oe"})


class Described(Protocol):
    """A product, or a row that tells as much of one."""

    @property
    def id(self) -> int: ...
    @property
    def code(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def description(self) -> str: ...


def normalise(text: str) -> str:
    """What the collation takes for the same is spelled the same: no case, no accents, but ñ is a letter."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    kept: list[str] = []
    for character in decomposed:
        if character == _TILDE and kept and kept[-1] == "n":
            kept[-1] = "ñ"
        elif not unicodedata.combining(character):
            kept.append(character)
    return "".join(kept).casefold().translate(_STROKES)


def words(text: str) -> list[str]:
    """The words of a text, each once, in their order."""
    return list(dict.fromkeys(word[:LONGEST_TERM] for word in _WORD.findall(normalise(text))))


def whole(code: str) -> str:
    """A code as one term, with its hyphens and dots, so that every beginning of it finds it."""
    return normalise(code)[:LONGEST_TERM]


def of(product: Described) -> set[str]:
    """All terms of a product."""
    described = {word for text in (product.name, product.description) for word in words(text)}
    return {whole(product.code), *words(product.code), *(described - STOP_WORDS)}


@writes()
def index(product: Described) -> None:
    """Make a product, new or changed, findable, in the running unit of work. The product has its id already."""
    _write(db.session(), [product])


@writes()
def index_new(product: Described) -> None:
    """The same for a product that the running unit of work has just made."""
    db.session.connection().execute(_INSERT, _rows([product]))


@writes()
def index_many(products: Iterable[Described]) -> None:
    """The same for many, in batches, all in the running unit of work."""
    for batch in _batches(products):
        _write(db.session(), batch)


def missing(connection: Connection) -> bool:
    """Whether there are products that nobody finds yet."""
    return bool(_unindexed(connection, after=0, limit=1))


def catch_up(connection: Connection) -> int:
    """Index what is not: products from before there was an index, and those that an earlier release registers.

    Each batch is a transaction of its own, so that the registrations of others wait for none of it for long.
    """
    done = last = 0
    while batch := _unindexed(connection, after=last, limit=_BATCH):
        _write(connection, batch)
        connection.commit()
        done, last = done + len(batch), batch[-1].id
    return done


def _unindexed(connection: Connection, *, after: int, limit: int) -> list[Described]:
    found = connection.execute(
        select(Product.id, Product.code, Product.name, Product.description)
        .outerjoin(ProductTerm, ProductTerm.product_id == Product.id)
        .where(ProductTerm.product_id.is_(None), Product.id > after)
        .order_by(Product.id)
        .limit(limit)
    ).all()
    connection.rollback()  # the next batch sees what others have committed meanwhile
    return list(found)


def _write(target: Session | Connection, products: list[Described]) -> None:
    target.execute(delete(ProductTerm).where(ProductTerm.product_id.in_([product.id for product in products])))
    target.execute(_INSERT, _rows(products))


def _rows(products: list[Described]) -> list[dict[str, Any]]:
    return [
        {"product_id": product.id, "term": term, "code": product.code}
        for product in products
        for term in sorted(of(product))
    ]


def _batches(products: Iterable[Described]) -> Iterator[list[Described]]:
    remaining = iter(products)
    while batch := list(itertools.islice(remaining, _BATCH)):
        yield batch
