"""Waiting is asking again until it is so, within a limit."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class TooLate(AssertionError):
    """What was waited for did not happen in time."""


def until(condition: Callable[[], T], what: str, *, seconds: float, every: float = 0.25) -> T:
    """The first truthy answer of the condition. The last question is asked when the time is over, never before."""
    end = time.monotonic() + seconds
    while True:
        over = time.monotonic() >= end
        answer = condition()
        if answer:
            return answer
        if over:
            raise TooLate(f"not within {seconds:g} s: {what} (last answer: {answer!r})")
        time.sleep(every)


def lasts(seconds: float) -> None:
    """The length of a fault that is measured; everything else waits for a condition."""
    time.sleep(seconds)
