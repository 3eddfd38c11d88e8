"""Waiting is asking again until it is so, within a limit."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
# how much longer than a container a host may take: 10 for a machine whose processor is emulated
PATIENCE = float(os.environ.get("INVENTARIO_TEST_PATIENCE", "1"))


class TooLate(AssertionError):
    """What was waited for did not happen in time."""


def until(
    condition: Callable[[], T],
    what: str,
    *,
    seconds: float,
    every: float = 0.25,
    holds: Callable[[T], object] = bool,
) -> T:
    """The first answer of the condition that holds. The last question is asked when the time is over, never before."""
    seconds *= PATIENCE
    end = time.monotonic() + seconds
    while True:
        over = time.monotonic() >= end
        answer = condition()
        if holds(answer):
            return answer
        if over:
            raise TooLate(f"not within {seconds:g} s: {what} (last answer: {answer!r})")
        time.sleep(every)


def becomes(ask: Callable[[], T], wanted: T, *, seconds: float = 20) -> None:
    """Wait until the answer is the wanted one."""
    until(ask, f"the answer is {wanted!r}", seconds=seconds, holds=lambda answer: answer == wanted)


def lasts(seconds: float) -> None:
    """The length of a fault that is measured; everything else waits for a condition."""
    time.sleep(seconds)
