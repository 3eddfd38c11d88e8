"""Where a page of a list begins: the last row before it, as text that travels in an address."""

from __future__ import annotations

import base64
import binascii
import datetime
import decimal
import json
from collections.abc import Callable
from dataclasses import dataclass

Key = str | decimal.Decimal | datetime.datetime
# the longest name and its row, with room
_LONGEST = 800


@dataclass(frozen=True)
class Cursor:
    """A page begins after this row, or ends before it."""

    sort: str
    descending: bool
    backwards: bool
    key: Key
    id: int


def encode(cursor: Cursor) -> str:
    key = cursor.key.isoformat() if isinstance(cursor.key, datetime.datetime) else str(cursor.key)
    parts = [cursor.sort, cursor.descending, cursor.backwards, key, cursor.id]
    # in UTF-8: escaped, a long name in another alphabet outgrows what `decode` takes
    text = json.dumps(parts, separators=(",", ":"), ensure_ascii=False)
    return base64.urlsafe_b64encode(text.encode(errors="surrogatepass")).decode().rstrip("=")


def decode(text: str, sort: str, descending: bool) -> Cursor | None:
    """None for what is no cursor of a list in this order: it begins at its beginning then."""
    if not 0 < len(text) <= _LONGEST:
        return None
    try:
        parts = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        order, direction, backwards, key, number = parts
        if not (isinstance(key, str) and type(number) is int and type(backwards) is bool):
            return None
        if (order, direction) != (sort, descending) or not 0 < number < 2**63:
            return None
        key.encode()
        return Cursor(sort, descending, backwards, _READ.get(sort, str)(key), number)
    except (ValueError, TypeError, RecursionError, binascii.Error, decimal.InvalidOperation):
        return None


def _quantity(text: str) -> decimal.Decimal:
    value = decimal.Decimal(text)
    if not value.is_finite() or abs(value) >= 10**15:
        raise ValueError(text)
    return value


def _moment(text: str) -> datetime.datetime:
    value = datetime.datetime.fromisoformat(text)
    if value.tzinfo is not None:
        raise ValueError(text)
    return value


_READ: dict[str, Callable[[str], Key]] = {"quantity": _quantity, "changed": _moment}
