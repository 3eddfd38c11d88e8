"""The arithmetic of GTID sets, against Python's own sets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from loading import load

gtids = load("plugins/filter/mysql_source_decision.py")

A = "ea59d13f-e700-11f1-98d0-0242ac1e021f"
B = "0a59d13f-e700-11f1-98d0-0242ac1e0220"
KEYS = [A, B, f"{A}:blue"]

transactions = st.sets(st.tuples(st.sampled_from(KEYS), st.integers(1, 40)))


def as_text(numbers: set[tuple[str, int]]) -> str:
    return ",\n".join(f"{key}:{number}" for key, number in numbers)


def as_set(found: dict[str, list[tuple[int, int]]]) -> set[tuple[str, int]]:
    return {(key, n) for key, intervals in found.items() for first, last in intervals for n in range(first, last + 1)}


@given(transactions)
def test_text_and_back(numbers: set[tuple[str, int]]) -> None:
    parsed = gtids.parse_gtids(as_text(numbers))
    assert as_set(parsed) == numbers
    assert gtids.parse_gtids(gtids.show(parsed)) == parsed


@given(transactions, transactions)
def test_what_is_missing(whole: set[tuple[str, int]], part: set[tuple[str, int]]) -> None:
    left = gtids.missing(gtids.parse_gtids(as_text(whole)), gtids.parse_gtids(as_text(part)))
    assert as_set(left) == whole - part
    assert all(left.values())


@given(transactions, transactions, transactions)
def test_union(one: set[tuple[str, int]], two: set[tuple[str, int]], three: set[tuple[str, int]]) -> None:
    joined = gtids.union(*(gtids.parse_gtids(as_text(numbers)) for numbers in (one, two, three)))
    assert as_set(joined) == one | two | three


@pytest.mark.parametrize(
    ("text", "size"),
    [("", 0), (f"{A}:1-5:7", 6), (f"{A}:1-5:3-9", 9), (f"{A.upper()}:1", 1), (f"{A}:1:blue:1-2:4", 4)],
)
def test_mysqls_forms(text: str, size: int) -> None:
    assert len(as_set(gtids.parse_gtids(text))) == size
