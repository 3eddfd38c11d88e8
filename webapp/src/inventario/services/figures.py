"""Values that cost some time to count and that many people look at: counted once for all of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from flask import Flask, current_app

T = TypeVar("T")

# what is counted faster than this is counted every time, and is exact
QUICK_SECONDS = 0.1
# else it is kept so many times as long as it took: counting takes a fiftieth of a process's time at most
_KEPT = 50
# so long a request waits for another one to count what nobody has counted yet
_PATIENCE_SECONDS = 3


@dataclass
class _Place:
    """Where one value is kept, until when, and who counts it anew."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    value: Any = None
    until: float = float("-inf")

    @property
    def is_filled(self) -> bool:
        return self.until > float("-inf")


class Figures:
    """The counted values of this process. While one request counts, the others get what was counted before."""

    def __init__(self) -> None:
        self._places: dict[Hashable, _Place] = {}
        self._lock = threading.Lock()

    def get(self, key: Hashable, count: Callable[[], T], *, closed: bool = False) -> T:
        """The value of this key, counted now unless it is kept.

        :param closed: it will never change: kept until it is forgotten.
        """
        with self._lock:
            place = self._places.setdefault(key, _Place())
        if time.monotonic() < place.until:
            return cast(T, place.value)
        waits = not place.is_filled
        if not place.lock.acquire(timeout=_PATIENCE_SECONDS if waits else 0):
            return count() if waits else cast(T, place.value)
        try:
            # somebody else has counted it meanwhile
            if waits and time.monotonic() < place.until:
                return cast(T, place.value)
            started = time.monotonic()
            value = count()
            took = time.monotonic() - started
            place.value = value
            kept = float("inf") if closed else (took * _KEPT if took > QUICK_SECONDS else 0)
            place.until = time.monotonic() + kept
            return value
        finally:
            place.lock.release()

    def forget(self, unless: Callable[[Hashable], bool] = lambda _key: False) -> None:
        with self._lock:
            self._places = {key: place for key, place in self._places.items() if unless(key)}


def register_figures(app: Flask) -> None:
    app.extensions["inventario_figures"] = Figures()


def figures() -> Figures:
    kept: Figures = current_app.extensions["inventario_figures"]
    return kept
