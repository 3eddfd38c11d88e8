"""How many requests of a process may wait for the source: so few that threads are left for those that read."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

# whoever writes for longer than this is waiting: for a lock, a server that hangs, or a new source
PATIENCE = 1.0


class Crowded(Exception):
    """As many wait as may."""


class Writer:
    """A write under way."""

    def __init__(self, writers: Writers) -> None:
        self._writers = writers
        self.began = time.monotonic()

    def may_wait(self) -> bool:
        """Whether this write may try again."""
        return self._writers.admit(self)


class Writers:
    """The writes of this process. The first `places` of them that do not get on may wait, and no others."""

    def __init__(self, places: int) -> None:
        self._places = places
        self._lock = threading.Lock()
        self._working: set[Writer] = set()
        self._waiting: set[Writer] = set()

    @contextmanager
    def at_work(self) -> Iterator[Writer]:
        """Begin a write; `Crowded` when so many get no further that this one would only be the next of them."""
        slow = self.slow()
        if slow and slow >= self._places:
            raise Crowded
        writer = Writer(self)
        with self._lock:
            self._working.add(writer)
        try:
            yield writer
        finally:
            with self._lock:
                self._working.discard(writer)
                self._waiting.discard(writer)

    def slow(self) -> int:
        """How many do not get on."""
        now = time.monotonic()
        with self._lock:
            return sum(now - writer.began > PATIENCE for writer in self._working)

    def admit(self, writer: Writer) -> bool:
        if time.monotonic() - writer.began <= PATIENCE:
            return True
        with self._lock:
            if writer not in self._waiting and len(self._waiting) >= self._places:
                return False
            self._waiting.add(writer)
            return True
