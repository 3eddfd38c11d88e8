from __future__ import annotations

import datetime
from collections.abc import Iterator
from decimal import Decimal

import pytest
from flask import Flask
from flask_babel import force_locale

from inventario.formats import ago, day, moment, number, quantity

NOW = datetime.datetime(2026, 1, 31, 12, 0, 0)  # noqa: DTZ001 - as MySQL gives it


@pytest.fixture(autouse=True)
def context(shared_app: Flask) -> Iterator[None]:
    with shared_app.test_request_context():
        yield


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "hace un momento"),
        (0, "hace un momento"),
        (59, "hace un momento"),
        (60, "hace 1 minuto"),
        (3599, "hace 59 minutos"),
        (3600, "hace 1 hora"),
        (86399, "hace 23 horas"),
        (86400, "hace 1 día"),
        (10 * 86400, "hace 10 días"),
        (31 * 86400, "31 dic 2025"),
    ],
)
def test_ago(seconds: int, text: str) -> None:
    assert ago(NOW - datetime.timedelta(seconds=seconds), NOW) == text


@pytest.mark.parametrize(("language", "text"), [("es", "31 ene 2026, 13:00"), ("en", "31 Jan 2026, 13:00")])
def test_a_moment_is_told_by_the_clock_of_the_default_zone(language: str, text: str) -> None:
    with force_locale(language):
        assert moment(NOW) == text


def test_a_moment_with_seconds() -> None:
    assert moment(NOW, seconds=True) == "31 ene 2026, 13:00:00"


def test_the_day_is_the_reader_s() -> None:
    assert day(datetime.datetime(2026, 1, 31, 23, 30)) == "1 feb 2026"  # noqa: DTZ001
    assert day(datetime.date(2026, 1, 31)) == "31 ene 2026"


@pytest.mark.parametrize(("value", "text"), [(0, "0"), (999, "999"), (1000, "1.000"), (1234567, "1.234.567")])
def test_number(value: int, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("value", "spanish", "english"),
    [
        ("0.000", "0", "0"),
        ("-0.000", "0", "0"),
        ("1200.000", "1.200", "1,200"),
        ("1234.500", "1.234,5", "1,234.5"),
        ("-0.001", "-0,001", "-0.001"),
        ("999999999999999.999", "999.999.999.999.999,999", "999,999,999,999,999.999"),
    ],
)
def test_quantity(value: str, spanish: str, english: str) -> None:
    assert quantity(Decimal(value)) == spanish
    with force_locale("en"):
        assert quantity(Decimal(value)) == english


def test_no_quantity_is_nothing() -> None:
    assert quantity(None) == ""
