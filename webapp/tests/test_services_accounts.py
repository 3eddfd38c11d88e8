from __future__ import annotations

import statistics
import time

import pytest
from flask import Flask

from conftest import USERNAME
from inventario.services import accounts


def test_the_right_password(app: Flask, password: str) -> None:
    with app.test_request_context():
        user = accounts.authenticate(USERNAME, password)
        assert user is not None
        assert user.username == USERNAME


@pytest.mark.parametrize("username", [USERNAME, "nadie", "", "' OR 1=1 -- ", "aná"])
def test_anything_else(app: Flask, username: str) -> None:
    with app.test_request_context():
        assert accounts.authenticate(username, "wrong") is None


def test_hashes_follow_owasp() -> None:
    assert accounts.hash_password("x").startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_an_unknown_name_takes_as_long_as_a_wrong_password(app: Flask) -> None:
    """Processor time, so that a busy machine does not decide; a missing hash would cost a hundredth."""

    def cost(username: str) -> float:
        began = time.process_time()
        accounts.authenticate(username, "wrong")
        return time.process_time() - began

    with app.test_request_context():
        accounts.authenticate("nadie", "wrong")
        known = statistics.median(cost(USERNAME) for _ in range(7))
        unknown = statistics.median(cost("nadie") for _ in range(7))
    assert 0.5 < unknown / known < 2
