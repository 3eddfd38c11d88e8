from __future__ import annotations

import datetime

from sqlalchemy import CheckConstraint, Computed, ForeignKey, Index, String, func, text, true
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
        # the ways into the lists, each in the order of the code (services.finding)
        Index("ix_products_active_code", "active", "code"),
        Index("ix_products_low_code", "low", "code"),
        Index("ix_products_category_id_code", "category_id", "code"),
        # what a category holds is mostly called alike: it stands in one place of the order by name
        Index("ix_products_category_id_name", "category_id", "name"),
        # the overview counts over it without touching the rows
        Index("ix_products_active_category_id_low", "active", "category_id", "low"),
        Index("ix_products_unit_code_code", "unit_code", "code"),
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
    quantity: Mapped[Quantity] = mapped_column(server_default=text("0"), index=True)
    # at or below it the stock is low; None: nobody minds
    minimum: Mapped[Quantity | None]
    # counts the changes of what describes the product, so that two people do not overwrite each other
    version: Mapped[int] = mapped_column(server_default=text("1"))
    created_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[CreatedAt] = mapped_column(index=True)
    # as created_at until something that describes the product changes; None for a moment, during a migration
    updated_at: Mapped[datetime.datetime | None] = mapped_column(
        mysql.DATETIME(fsp=6), server_default=func.utc_timestamp(6), index=True
    )
    # computed by MySQL, for the index
    low: Mapped[bool | None] = mapped_column(
        Computed("minimum IS NOT NULL AND quantity <= minimum", persisted=False), deferred=True
    )

    # whoever shows them loads them: a query per row cannot happen by accident
    unit: Mapped[Unit] = relationship(lazy="raise")
    category: Mapped[Category | None] = relationship(lazy="raise")
    created_by: Mapped[User] = relationship(lazy="raise")

    @property
    def is_low(self) -> bool:
        return self.minimum is not None and self.quantity <= self.minimum
