from __future__ import annotations

import datetime

import pytest

from inventario.presentation import ago, number, utc

NOW = datetime.datetime(2026, 1, 31, 12, 0, 0)  # noqa: DTZ001 - as MySQL gives it


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
    ],
)
def test_ago(seconds: int, text: str) -> None:
    assert ago(NOW - datetime.timedelta(seconds=seconds), NOW) == text


def test_utc() -> None:
    assert utc(NOW) == "31/01/2026 12:00 UTC"


@pytest.mark.parametrize(("value", "text"), [(0, "0"), (999, "999"), (1000, "1.000"), (1234567, "1.234.567")])
def test_number(value: int, text: str) -> None:
    assert number(value) == text
