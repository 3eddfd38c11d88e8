from __future__ import annotations

import pymysql
import pytest
from sqlalchemy import exc

from inventario.database.faults import Fault, classify, duplicate_key


def wrapped(code: int, message: str = "") -> exc.DBAPIError:
    original = pymysql.err.OperationalError(code, message)
    return exc.OperationalError("SELECT 1", {}, original)


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        (2003, Fault.LOST),
        (2006, Fault.LOST),
        (2013, Fault.LOST),
        (1053, Fault.LOST),
        (1927, Fault.LOST),
        (4031, Fault.LOST),
        (1290, Fault.READ_ONLY),
        (1836, Fault.READ_ONLY),
        (3100, Fault.READ_ONLY),
        (1205, Fault.CONFLICT),
        (1213, Fault.CONFLICT),
        (3101, Fault.CONFLICT),
        (3024, Fault.BUSY),
        (1045, None),
        (1064, None),
        (1062, None),
    ],
)
def test_codes(code: int, fault: Fault | None) -> None:
    assert classify(wrapped(code)) is fault


def test_a_time_out_is_told_from_a_lost_connection() -> None:
    assert classify(wrapped(2013, "Lost connection (timed out)")) is Fault.TIMED_OUT


def test_no_free_connection() -> None:
    assert classify(exc.TimeoutError()) is Fault.BUSY


def test_other_exceptions_are_nobodys_fault() -> None:
    assert classify(ValueError()) is None


@pytest.mark.parametrize(
    ("message", "key"),
    [
        ("Duplicate entry 'A' for key 'products.uq_products_code'", "uq_products_code"),
        ("Duplicate entry 'A for key 'x'' for key 'submissions.PRIMARY'", "PRIMARY"),
    ],
)
def test_the_key_that_refused(message: str, key: str) -> None:
    original = pymysql.err.IntegrityError(1062, message)
    assert duplicate_key(exc.IntegrityError("INSERT", {}, original)) == key


def test_another_constraint_is_no_duplicate() -> None:
    original = pymysql.err.IntegrityError(1452, "a foreign key constraint fails")
    assert duplicate_key(exc.IntegrityError("INSERT", {}, original)) == ""
