"""Stock: what came, what went, and what was found to be another than thought."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from flask import Flask, current_app
from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.orm import selectinload

from inventario.database import db, reads, writes
from inventario.models import Movement, Product, Unit, User
from inventario.models.stock import ADJUSTMENT, OUT, REASONS
from inventario.services import audit, submissions, timeline
from inventario.services.actors import Actor
from inventario.services.quantities import LARGEST, fits, plain
from inventario.services.submissions import fingerprint
from inventario.services.timeline import Period, Timeline
from inventario.settings import Settings

FINEST = 3
NOTE_LENGTH = 500

# by table, not by object: the way through the ORM takes longer than MySQL does
_MOVE = insert(Movement.__table__)  # type: ignore[arg-type]
_FOUND = (
    select(Product.id, Product.code, Product.name, Product.active, Product.quantity, Unit.code, Unit.decimals)
    .join(Unit, Unit.code == Product.unit_code)
    .where(Product.id == bindparam("wanted"))
)
# nobody gives its unit fewer decimals meanwhile; those who move other products of it do not wait
_LOCKED = _FOUND.with_for_update(of=Product).suffix_with(f"FOR SHARE OF {Unit.__tablename__}")
_PRODUCTS = Product.__table__
_SET_QUANTITY = update(_PRODUCTS).where(_PRODUCTS.c.id == bindparam("moved"))  # type: ignore[arg-type]


class StockRefused(Exception):
    """The movement may not be; nothing was changed."""


class ProductUnknown(StockRefused):
    """There is no such product."""


class ProductRetired(StockRefused):
    """The product is retired."""


@dataclass
class NotEnough(StockRefused):
    """More was to go out than is there."""

    available: Decimal


@dataclass
class QuantityInvalid(StockRefused):
    """Not above zero, too large, or finer than the product's unit, which has so many decimals."""

    decimals: int


class ReasonInvalid(StockRefused):
    """No such kind, or no reason of that kind."""


@dataclass(frozen=True)
class Stock:
    """What a movement needs to know of a product."""

    product_id: int
    code: str
    name: str
    active: bool
    quantity: Decimal
    unit: str
    decimals: int

    def but(self, **known: Any) -> Stock:
        """The same with what is known better."""
        return dataclasses.replace(self, **known)


@dataclass(frozen=True)
class Moved:
    """A movement that was made: what it added to the stock, and what was there afterwards."""

    id: int
    product_id: int
    kind: str
    quantity: Decimal
    balance: Decimal


@dataclass(frozen=True)
class Filters:
    """What a list of movements is narrowed to; None and empty: nothing in particular."""

    kind: str = ""
    product_id: int | None = None
    product_code: str = ""
    username: str = ""
    period: Period = dataclasses.field(default_factory=Period)


def register_stock(app: Flask, settings: Settings) -> None:
    app.config["ALLOW_NEGATIVE_STOCK"] = settings.allow_negative_stock


@writes(repeatable=True)
def move(
    actor: Actor,
    product_id: int,
    kind: str,
    quantity: Decimal,
    reason: str,
    note: str,
    submission_key: str,
) -> Moved:
    """Move stock: submission, quantity, movement and audit entry, all or nothing.

    :param quantity: how much comes or goes; of an adjustment, how much was counted.
    """
    if reason not in REASONS.get(kind, ()):
        raise ReasonInvalid
    if not quantity.is_finite() or abs(quantity) > LARGEST:
        raise QuantityInvalid(FINEST)
    content = fingerprint(product_id, kind, quantity.normalize(), reason, note)
    try:
        submissions.count(submission_key, actor.user_id, "", content)
    except submissions.AlreadyCounted as earlier:
        return _moved(db.session.get_one(Movement, int(earlier.subject)))
    # whoever else moves this product waits here, so that all see the quantity that the one before left
    stock = _stock(product_id, lock=True)
    if not stock.active:
        raise ProductRetired
    balance = _balance(stock, kind, quantity)
    row = {
        "product_id": product_id,
        "kind": kind,
        "quantity": balance - stock.quantity,
        "balance": balance,
        "reason": reason,
        "note": note[:NOTE_LENGTH],
        "user_id": actor.user_id,
    }
    movement_id = db.session.connection().execute(_MOVE, row).lastrowid
    db.session.execute(_SET_QUANTITY, {"moved": product_id, "quantity": balance})
    submissions.tell(submission_key, str(movement_id))
    changes: dict[str, object] = {
        "quantity": [plain(stock.quantity), plain(balance)],
        "kind": kind,
        "reason": reason,
    }
    audit.record(
        actor,
        "stock.moved",
        subject_type="product",
        subject_id=product_id,
        subject=stock.code,
        changes=changes | ({"note": note} if note else {}),
    )
    return Moved(movement_id, product_id, kind, balance - stock.quantity, balance)


@reads
def find(product_id: int) -> Stock:
    """What there is of a product now."""
    return _stock(product_id, lock=False)


@reads
def page(
    filters: Filters,
    *,
    older_than: int | None = None,
    newer_than: int | None = None,
    most: int = timeline.PAGE_ROWS,
) -> Timeline[Movement]:
    """Movements, newest first, with their products and users."""
    # not by joins: for a few users and units MySQL would rather read and sort all movements
    matching = select(Movement).options(
        selectinload(Movement.product)
        .load_only(Product.id, Product.code, Product.name, Product.unit_code)
        .selectinload(Product.unit),
        selectinload(Movement.user).load_only(User.id, User.username),
    )
    product_id, user_id = filters.product_id, None
    if filters.kind:
        matching = matching.where(Movement.kind == filters.kind)
    if filters.product_code:
        product_id = db.session.scalars(
            select(Product.id).where(Product.code == filters.product_code)
        ).one_or_none()
    if product_id is not None:
        matching = matching.where(Movement.product_id == product_id)
    if filters.username:
        user_id = db.session.scalars(select(User.id).where(User.username == filters.username)).one_or_none()
        matching = matching.where(Movement.user_id == user_id)
    if (filters.product_code and product_id is None) or (filters.username and user_id is None):
        return Timeline(rows=[], older=None, newer=None)
    return timeline.page(
        matching,
        Movement,
        filters.period,
        older_than=older_than,
        newer_than=newer_than,
        by_id=product_id is not None,
        most=most,
    )


def _stock(product_id: int, *, lock: bool) -> Stock:
    row = db.session.execute(_LOCKED if lock else _FOUND, {"wanted": product_id}).one_or_none()
    if row is None:
        raise ProductUnknown
    return Stock(*row)


def _balance(stock: Stock, kind: str, quantity: Decimal) -> Decimal:
    """What will be there."""
    counted = kind == ADJUSTMENT
    if quantity < 0 or (quantity == 0 and not counted) or not fits(quantity, stock.decimals):
        raise QuantityInvalid(stock.decimals)
    if counted:
        return quantity
    balance = stock.quantity - quantity if kind == OUT else stock.quantity + quantity
    if balance < 0 and kind == OUT and not current_app.config["ALLOW_NEGATIVE_STOCK"]:
        raise NotEnough(stock.quantity)
    if abs(balance) > LARGEST:
        raise QuantityInvalid(stock.decimals)
    return balance


def _moved(movement: Movement) -> Moved:
    return Moved(
        id=movement.id,
        product_id=movement.product_id,
        kind=movement.kind,
        quantity=movement.quantity,
        balance=movement.balance,
    )
