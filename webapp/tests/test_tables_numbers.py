from __future__ import annotations

from decimal import Decimal

import pytest

from inventario.tables.numbers import Ambiguous, parse_number


@pytest.mark.parametrize(
    ("text", "mark", "number"),
    [
        ("0", ",", "0"),
        (" 12 ", ",", "12"),
        ("-3", ".", "-3"),
        ("1,5", ",", "1.5"),
        ("1.5", ",", "1.5"),
        ("1,5", ".", "1.5"),
        ("1,250", ",", "1.250"),
        ("1.250", ".", "1.250"),
        ("0.250", ",", "0.250"),
        ("1234.567", ",", "1234.567"),
        ("1.234,5", ",", "1234.5"),
        ("1,234.5", ".", "1234.5"),
        ("1.234.567", ",", "1234567"),
        ("1 234,5", ",", "1234.5"),
        ("12 345", ".", "12345"),
    ],
)
def test_what_a_person_meant(text: str, mark: str, number: str) -> None:
    assert parse_number(text, mark) == Decimal(number)


@pytest.mark.parametrize(("text", "mark"), [("1.250", ","), ("-12.000", ","), ("1,250", ".")])
def test_what_could_be_thousands_or_thousandths(text: str, mark: str) -> None:
    with pytest.raises(Ambiguous):
        parse_number(text, mark)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "uno",
        "1e5",
        "NaN",
        "Infinity",
        "0x10",
        "1.2.3",
        "1,2,3",
        "1..5",
        "--1",
        "1.234,567,8",
        "9" * 16,
        "1_000",
    ],
)
def test_what_is_no_number(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_number(text, ",")
