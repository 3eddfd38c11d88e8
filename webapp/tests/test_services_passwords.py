from __future__ import annotations

import statistics
import time

import pytest

from inventario.models import User
from inventario.services import passwords


@pytest.fixture
def user() -> User:
    return User(id=7, username="pepa", password_hash=passwords.hash_password("una buena frase"))


def test_the_right_password(user: User) -> None:
    assert passwords.fits(user, "una buena frase")


@pytest.mark.parametrize("password", ["", "una buena fras", "Una buena frase", "nobody", "x" * 1024])
def test_anything_else(user: User, password: str) -> None:
    assert not passwords.fits(user, password)
    assert not passwords.fits(None, password)


def test_a_hash_that_is_none_fits_nothing(user: User) -> None:
    user.password_hash = "una buena frase"
    assert not passwords.fits(user, "una buena frase")


def test_hashes_follow_owasp() -> None:
    assert passwords.hash_password("x").startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_nobody_takes_as_long_as_somebody(user: User) -> None:
    """Processor time, so that a busy machine does not decide; a missing hash would cost a hundredth."""

    def cost(who: User | None) -> float:
        began = time.process_time()
        passwords.fits(who, "wrong")
        return time.process_time() - began

    passwords.fits(None, "wrong")
    known = statistics.median(cost(user) for _ in range(7))
    unknown = statistics.median(cost(None) for _ in range(7))
    assert 0.5 < unknown / known < 2


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("corta", passwords.TOO_SHORT),
        ("x" * 1025, passwords.TOO_LONG),
        ("Pepa.Luz-Ruiz", passwords.LIKE_THE_NAME),
        ("pepa.luz-ruiz2026", passwords.LIKE_THE_NAME),
        ("ziur-zul.apep", passwords.LIKE_THE_NAME),
        ("Contraseña123", passwords.COMMON),
        ("qwertyuiop", passwords.COMMON),
        ("aaaaaaaaaaaa", passwords.MONOTONOUS),
        ("abcabcabcabc", passwords.MONOTONOUS),
        ("lunes lunes lunes", passwords.MONOTONOUS),
        ("1234567890", passwords.MONOTONOUS),
        ("abcdefghijklm", passwords.MONOTONOUS),
        ("zyxwvutsrqponm", passwords.MONOTONOUS),
    ],
)
def test_what_is_guessed_first(password: str, reason: str) -> None:
    with pytest.raises(passwords.WeakPassword) as refused:
        passwords.check(password, "pepa.luz-ruiz")
    assert refused.value.reason == reason


@pytest.mark.parametrize(
    "password", ["tres tristes tigres", "correct horse battery", "8fQ2-xyz_P", "ñandú en el río"]
)
def test_what_is_fine(password: str) -> None:
    passwords.check(password, "pepa")
