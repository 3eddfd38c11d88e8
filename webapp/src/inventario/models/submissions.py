from __future__ import annotations

from sqlalchemy import CHAR, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from inventario.models.base import Base, CreatedAt


class Submission(Base):
    """A change that was asked for, written in the same transaction as the change itself: it counts once."""

    __tablename__ = "submissions"

    key: Mapped[str] = mapped_column(CHAR(32, collation="ascii_bin"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    # what came of it
    subject: Mapped[str] = mapped_column(String(60))
    # of what was asked: the same key with another request is a mistake of the client; None: not compared
    fingerprint: Mapped[str | None] = mapped_column(CHAR(32, collation="ascii_bin"))
    created_at: Mapped[CreatedAt] = mapped_column(index=True)
