"""Who may come in."""

from __future__ import annotations

import functools

import argon2
from sqlalchemy import select

from inventario.database import db, reads
from inventario.models import User

# OWASP's second choice: 19 MiB, two passes, one lane
_hasher = argon2.PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)


def hash_password(password: str) -> str:
    return _hasher.hash(password)


def authenticate(username: str, password: str) -> User | None:
    """The user with this name and password. A name that nobody has takes as long as a wrong password."""
    user = _find(username)
    password_hash = user.password_hash if user else _nobody()
    try:
        _hasher.verify(password_hash, password)
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
        return None
    return user


@reads
def load(user_id: int) -> User | None:
    return db.session.get(User, user_id)


@reads
def _find(username: str) -> User | None:
    return db.session.scalars(select(User).where(User.username == username)).one_or_none()


@functools.cache
def _nobody() -> str:
    return hash_password("nobody")
