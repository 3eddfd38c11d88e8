from __future__ import annotations

from flask_login import UserMixin
from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from inventario.models.base import Base, CreatedAt

ADMINISTRATOR = "administrator"


class User(UserMixin, Base):
    """Somebody who may sign in."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    # José and Jose are two people
    username: Mapped[str] = mapped_column(String(64, collation="utf8mb4_0900_as_ci"), unique=True)
    password_hash: Mapped[str] = mapped_column(String(255))
    role: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[CreatedAt]
