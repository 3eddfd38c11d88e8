from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from inventario.models.base import TABLE_OPTIONS, Base, CreatedAt, Quantity, one_of
from inventario.models.products import Product
from inventario.models.users import User

IN = "in"
OUT = "out"
ADJUSTMENT = "adjustment"
KINDS = (IN, OUT, ADJUSTMENT)
# why something moved, by kind; their names are the views' business
REASONS = {
    IN: ("purchase", "return", "production", "transfer", "initial", "other"),
    OUT: ("sale", "consumption", "loss", "transfer", "return", "other"),
    ADJUSTMENT: ("count", "correction", "other"),
}


class Movement(Base):
    """Stock that came, went, or was found to be another than thought. Never changed, never deleted."""

    __tablename__ = "movements"
    __table_args__ = (
        one_of("movements", "kind", KINDS),
        Index("ix_movements_product_id_id", "product_id", "id"),
        # the newest ones, of a kind or a person; and movements over time without touching the rows
        Index("ix_movements_created_at_id_kind", "created_at", "id", "kind"),
        Index("ix_movements_kind_created_at", "kind", "created_at"),
        Index("ix_movements_user_id_created_at", "user_id", "created_at"),
        TABLE_OPTIONS,
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"))
    kind: Mapped[str] = mapped_column(String(12))
    # what it adds to the stock: an out is negative
    quantity: Mapped[Quantity]
    # what was there afterwards
    balance: Mapped[Quantity]
    reason: Mapped[str] = mapped_column(String(20))
    note: Mapped[str] = mapped_column(String(500), server_default="")
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[CreatedAt]

    product: Mapped[Product] = relationship(lazy="raise")
    user: Mapped[User] = relationship(lazy="raise")
