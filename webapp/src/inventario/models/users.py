from __future__ import annotations

import datetime
from dataclasses import dataclass

from flask_login import UserMixin
from sqlalchemy import CHAR, ForeignKey, String, false, text, true
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import Mapped, mapped_column, relationship

from inventario.models.base import TABLE_OPTIONS, Base, CreatedAt, Moment, not_blank, one_of

ADMINISTRATOR = "administrator"
OPERATOR = "operator"
VIEWER = "viewer"
# each may do what those before it may
ROLES = (VIEWER, OPERATOR, ADMINISTRATOR)


def includes(role: str, other: str) -> bool:
    """Whether a role includes what the other may do."""
    return ROLES.index(role) >= ROLES.index(other)


class User(UserMixin, Base):
    """Somebody who may sign in. Whoever leaves is deactivated: what they did stays theirs."""

    __tablename__ = "users"
    __table_args__ = (not_blank("users", "username"), one_of("users", "role", ROLES), TABLE_OPTIONS)

    id: Mapped[int] = mapped_column(primary_key=True)
    # José and Jose are two people
    username: Mapped[str] = mapped_column(String(64, collation="utf8mb4_0900_as_ci"), unique=True)
    password_hash: Mapped[str] = mapped_column(String(255))
    role: Mapped[str] = mapped_column(String(16))
    active: Mapped[bool] = mapped_column(server_default=true())
    # somebody else chose the password
    must_change_password: Mapped[bool] = mapped_column(server_default=false())
    # a session is valid for the number it began with: another number ends them all
    session_version: Mapped[int] = mapped_column(server_default=text("1"))
    # None: as the browser says
    language: Mapped[str | None] = mapped_column(String(8))
    time_zone: Mapped[str | None] = mapped_column(String(40))
    version: Mapped[int] = mapped_column(server_default=text("1"))
    created_at: Mapped[CreatedAt]

    @property
    def is_active(self) -> bool:
        return self.active

    def may(self, role: str) -> bool:
        """Whether this user's role includes what `role` may do."""
        return includes(self.role, role)


@dataclass(eq=False)
class Person(UserMixin):
    """A user as every request knows who asks: a row of theirs, without what the ORM adds to it."""

    id: int
    username: str
    role: str
    must_change_password: bool
    language: str | None
    time_zone: str | None

    def may(self, role: str) -> bool:
        return includes(self.role, role)


class LoginFailures(Base):
    """Wrong passwords for an account since the last right one, counted for all nodes."""

    __tablename__ = "login_failures"

    username: Mapped[str] = mapped_column(String(64, collation="utf8mb4_0900_as_ci"), primary_key=True)
    # a browser that once signed in is counted by itself, so that strangers cannot lock the account's owner out
    device: Mapped[str] = mapped_column(CHAR(32, collation="ascii_bin"), primary_key=True, server_default="")
    failures: Mapped[int]
    last_failed_at: Mapped[Moment] = mapped_column(index=True)
    locked_until: Mapped[Moment | None]


class EndedSession(Base):
    """A session that was signed out before it expired."""

    __tablename__ = "ended_sessions"

    session_id: Mapped[str] = mapped_column(CHAR(32, collation="ascii_bin"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    ended_at: Mapped[CreatedAt] = mapped_column(index=True)


class ApiToken(Base):
    """What a program signs in with. Only a hash of it is kept."""

    __tablename__ = "api_tokens"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    name: Mapped[str] = mapped_column(String(60))
    # SHA-256, in hexadecimal digits
    token_hash: Mapped[str] = mapped_column(CHAR(64, collation="ascii_bin"), unique=True)
    may_write: Mapped[bool] = mapped_column(server_default=false())
    created_at: Mapped[CreatedAt]
    expires_at: Mapped[datetime.datetime | None] = mapped_column(mysql.DATETIME(fsp=6))
    revoked_at: Mapped[datetime.datetime | None] = mapped_column(mysql.DATETIME(fsp=6))

    user: Mapped[User] = relationship(lazy="raise")
