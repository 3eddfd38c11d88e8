from __future__ import annotations

from sqlalchemy import CheckConstraint, SmallInteger, String, text, true
from sqlalchemy.orm import Mapped, mapped_column

from inventario.models.base import TABLE_OPTIONS, Base, not_blank


class Unit(Base):
    """What a product is counted in. The first ones come with the schema."""

    __tablename__ = "units"
    __table_args__ = (
        not_blank("units", "code"),
        not_blank("units", "name"),
        CheckConstraint("decimals BETWEEN 0 AND 3", name="ck_units_decimals"),
        TABLE_OPTIONS,
    )

    code: Mapped[str] = mapped_column(String(8), primary_key=True)
    name: Mapped[str] = mapped_column(String(40), unique=True)
    position: Mapped[int]
    # digits behind the point that a quantity may have, 0 to 3
    decimals: Mapped[int] = mapped_column(SmallInteger, server_default=text("3"))
    # an inactive one is not offered any more
    active: Mapped[bool] = mapped_column(server_default=true())
    version: Mapped[int] = mapped_column(server_default=text("1"))


class Category(Base):
    """A group of products."""

    __tablename__ = "categories"
    __table_args__ = (not_blank("categories", "name"), TABLE_OPTIONS)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(60), unique=True)
    active: Mapped[bool] = mapped_column(server_default=true())
    version: Mapped[int] = mapped_column(server_default=text("1"))
