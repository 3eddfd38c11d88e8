from __future__ import annotations

import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String, text, true
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import Mapped, mapped_column, relationship

from inventario.models.base import TABLE_OPTIONS, Base, CreatedAt, Quantity, not_blank
from inventario.models.catalogue import Category, Unit
from inventario.models.users import User


class Product(Base):
    """Something the company keeps. Its code is unique, whatever the case and the accents."""

    __tablename__ = "products"
    __table_args__ = (
        not_blank("products", "code"),
        not_blank("products", "name"),
        CheckConstraint("minimum >= 0", name="ck_products_minimum"),
        TABLE_OPTIONS,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(120), index=True)
    description: Mapped[str] = mapped_column(String(1000))
    unit_code: Mapped[str] = mapped_column(ForeignKey("units.code"))
    category_id: Mapped[int | None] = mapped_column(ForeignKey("categories.id"))
    # a retired one keeps its history and is offered no more
    active: Mapped[bool] = mapped_column(server_default=true())
    # what is there: the sum of its movements, kept with them in one transaction
    quantity: Mapped[Quantity] = mapped_column(server_default=text("0"))
    # at or below it the stock is low; None: nobody minds
    minimum: Mapped[Quantity | None]
    # counts the changes of what describes the product, so that two people do not overwrite each other
    version: Mapped[int] = mapped_column(server_default=text("1"))
    created_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[CreatedAt] = mapped_column(index=True)
    # None: never changed since it was registered
    updated_at: Mapped[datetime.datetime | None] = mapped_column(mysql.DATETIME(fsp=6))

    # whoever shows them loads them: a query per row cannot happen by accident
    unit: Mapped[Unit] = relationship(lazy="raise")
    category: Mapped[Category | None] = relationship(lazy="raise")
    created_by: Mapped[User] = relationship(lazy="raise")

    @property
    def is_low(self) -> bool:
        return self.minimum is not None and self.quantity <= self.minimum
