from __future__ import annotations

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from inventario.models.base import Base, CreatedAt
from inventario.models.catalogue import Category, Unit
from inventario.models.users import User


class Product(Base):
    """Something the company keeps. Its code is unique, whatever the case and the accents."""

    __tablename__ = "products"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(120), index=True)
    description: Mapped[str] = mapped_column(String(1000))
    unit_code: Mapped[str] = mapped_column(ForeignKey("units.code"))
    category_id: Mapped[int | None] = mapped_column(ForeignKey("categories.id"))
    created_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[CreatedAt] = mapped_column(index=True)

    # whoever shows them loads them: a query per row cannot happen by accident
    unit: Mapped[Unit] = relationship(lazy="raise")
    category: Mapped[Category | None] = relationship(lazy="raise")
    created_by: Mapped[User] = relationship(lazy="raise")
