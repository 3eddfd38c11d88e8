"""How many products a list has, as a process counted it a moment ago.

Every page of a list asks for it, and one more or less of many changes nothing. So large sizes are kept for some
seconds; which products a page shows is never taken from here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable

from flask import current_app

# a smaller one is counted each time, and is exact
LARGE = 500
_SECONDS = 5.0
_MOST = 1000

_NAME = "inventario_sizes"


def kept(key: Hashable) -> int | None:
    """The size that is known under this key."""
    found = _all().get(key)
    if found is None or found[1] < time.monotonic():
        return None
    return found[0]


def keep(key: Hashable, size: int) -> None:
    """Take note of a size that was just counted, if it is a large one."""
    if size < LARGE:
        return
    if len(_all()) >= _MOST:
        _all().clear()
    _all()[key] = (size, time.monotonic() + _SECONDS)


def of(key: Hashable, count: Callable[[], int]) -> int:
    """The size that is known, else counted now."""
    size = kept(key)
    if size is None:
        size = count()
        keep(key, size)
    return size


def forget() -> None:
    _all().clear()


def _all() -> dict[Hashable, tuple[int, float]]:
    sizes: dict[Hashable, tuple[int, float]] = current_app.extensions.setdefault(_NAME, {})
    return sizes
