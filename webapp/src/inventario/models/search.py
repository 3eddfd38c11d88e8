from __future__ import annotations

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from inventario.models.base import TABLE_OPTIONS, Base

# every character is itself: what looks alike was made alike before (services.terms)
EXACT = "utf8mb4_0900_bin"
LONGEST_TERM = 40


class ProductTerm(Base):
    """A word under which a product is found, written with the product.

    Each word carries the product's code: what it finds comes in the order of the list without sorting.
    """

    __tablename__ = "product_terms"
    __table_args__ = (Index("ix_product_terms_term_code", "term", "code"), TABLE_OPTIONS)

    product_id: Mapped[int] = mapped_column(
        ForeignKey("products.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    term: Mapped[str] = mapped_column(String(LONGEST_TERM, collation=EXACT), primary_key=True)
    code: Mapped[str] = mapped_column(String(40))
