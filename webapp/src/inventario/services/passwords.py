"""Passwords: their hashes, and which of them nobody may have."""

from __future__ import annotations

import functools
import itertools
from typing import Final

import argon2

from inventario.models import User
from inventario.services.products import normalise

SHORTEST: Final = 10
# argon2 reads all of it: an endless password must not cost endless time
LONGEST: Final = 1024

TOO_SHORT = "too short"
TOO_LONG = "too long"
LIKE_THE_NAME = "like the name"
COMMON = "common"
MONOTONOUS = "monotonous"
THE_SAME = "the same"

_FEWEST_CHARACTERS = 4
# of those that are guessed first, what is long enough to be allowed otherwise
_COMMON_TEXT = """
    12345678910 123456789a 1q2w3e4r5t 1qaz2wsx3edc qwertyuiop qwerty12345 asdfghjklñ asdfghjkl1 zaq12wsxcde3
    contraseña contraseña1 contraseña123 contrasena contrasena1 contrasena123 password12 password123
    password1234 passw0rd123 letmein123 iloveyou12 welcome123 changeme123 cambiame123 bienvenido1 bienvenida1
    administrador administrador1 administrator inventario inventario1 inventario123 barcelona1 realmadrid1
    tequieromucho españa2024 españa2025 españa2026 superman123 princess123 football123
"""
_COMMON = frozenset(_COMMON_TEXT.split())

# OWASP's second choice: 19 MiB, two passes, one lane
_hasher = argon2.PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)


class WeakPassword(Exception):
    """Nobody may have this password; `reason` is one of TOO_SHORT and those that follow it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def hash_password(password: str) -> str:
    return _hasher.hash(password)


def fits(user: User | None, password: str) -> bool:
    """Whether it is this user's password. Nobody's takes as long as a wrong one."""
    try:
        return _hasher.verify(user.password_hash if user else _nobody(), password) and user is not None
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
        return False


def check(password: str, username: str) -> None:
    """Refuse what is guessed first."""
    plain = normalise(password).casefold()
    name = username.casefold()
    if len(password) < SHORTEST:
        raise WeakPassword(TOO_SHORT)
    if len(password) > LONGEST:
        raise WeakPassword(TOO_LONG)
    if plain == name[::-1] or (name in plain and not plain.replace(name, "").strip("0123456789 .,-_!?")):
        raise WeakPassword(LIKE_THE_NAME)
    if plain in _COMMON:
        raise WeakPassword(COMMON)
    if len(set(plain)) < _FEWEST_CHARACTERS or _runs(plain):
        raise WeakPassword(MONOTONOUS)


def _runs(text: str) -> bool:
    """Whether it is one short piece again and again, or characters that follow one another."""
    if any(text == (text[:size] * len(text))[: len(text)] for size in range(1, len(text) // 2 + 1)):
        return True
    # 1234567890 as well
    return len({(ord(after) - ord(before)) % 10 for before, after in itertools.pairwise(text)}) == 1


@functools.cache
def _nobody() -> str:
    return hash_password("nobody")
