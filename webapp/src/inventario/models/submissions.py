from __future__ import annotations

from sqlalchemy import CHAR, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from inventario.models.base import Base, CreatedAt


class Submission(Base):
    """A form that was sent, written in the same transaction as what it changed: it counts once."""

    __tablename__ = "submissions"

    key: Mapped[str] = mapped_column(CHAR(32, collation="ascii_bin"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    subject: Mapped[str] = mapped_column(String(60))
    created_at: Mapped[CreatedAt] = mapped_column(index=True)
