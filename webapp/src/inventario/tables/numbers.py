"""Numbers in texts. What could be read in two ways is not read: a wrong stock is worse than a refused file."""

from __future__ import annotations

import re
from decimal import Decimal

_PLAIN = re.compile(r"[+-]?\d{1,15}")
_WITH_MARK = re.compile(r"([+-]?\d{1,15})([.,])(\d{1,15})")
_GROUPED = re.compile(r"([+-]?\d{1,3})((?:[.,   ]\d{3})+)(?:([.,])(\d{1,15}))?")


class Ambiguous(ValueError):
    """One thousand, or one and a fraction?"""


def parse_number(text: str, decimal_mark: str) -> Decimal:
    """The number that a person meant.

    :param decimal_mark: what stands before a fraction in this file. The other mark is taken for it as well,
        unless three digits follow, which might be thousands.
    :raise Ambiguous: it can be read in two ways.
    :raise ValueError: it is no number.
    """
    text = text.strip()
    if _PLAIN.fullmatch(text):
        return Decimal(text)
    found = _WITH_MARK.fullmatch(text)
    if found:
        whole, mark, fraction = found.groups()
        thousands = len(fraction) == 3 and len(whole.lstrip("+-")) <= 3 and whole.lstrip("+-")[0] != "0"
        if mark != decimal_mark and thousands:
            raise Ambiguous(text)
        return Decimal(f"{whole}.{fraction}")
    found = _GROUPED.fullmatch(text)
    if found:
        start, groups, mark, fraction = found.groups()
        separators = set(re.findall(r"\D", groups))
        if len(separators) == 1 and mark not in separators:
            return Decimal(start + re.sub(r"\D", "", groups) + (f".{fraction}" if fraction else ""))
    raise ValueError("not a number")
