from __future__ import annotations

from contextlib import ExitStack

import pytest

from inventario.database.waiting import Crowded, Writer, Writers


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The clock, in seconds; the tests move it."""
    clock = [1000.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    return clock


def begin(stack: ExitStack, writers: Writers, number: int) -> list[Writer]:
    return [stack.enter_context(writers.at_work()) for _ in range(number)]


def test_whoever_is_quick_needs_no_place(now: list[float]) -> None:
    writers = Writers(2)
    with ExitStack() as stack:
        assert all(writer.may_wait() for writer in begin(stack, writers, 8))


def test_so_many_wait_and_no_more(now: list[float]) -> None:
    writers = Writers(2)
    with ExitStack() as stack:
        started = begin(stack, writers, 5)
        now[0] += 2
        assert [writer.may_wait() for writer in started] == [True, True, False, False, False]
        # whoever has a place keeps it
        assert [writer.may_wait() for writer in started[:2]] == [True, True]


def test_a_place_is_free_again(now: list[float]) -> None:
    writers = Writers(1)
    with ExitStack() as stack:
        (last,) = begin(stack, writers, 1)
        with writers.at_work() as first:
            now[0] += 2
            assert first.may_wait()
            assert not last.may_wait()
        assert last.may_wait()


def test_nobody_joins_those_who_do_not_get_on(now: list[float]) -> None:
    writers = Writers(2)
    with ExitStack() as stack:
        begin(stack, writers, 2)
        now[0] += 0.5
        # they may just be at work
        begin(stack, writers, 1)
        now[0] += 0.6
        assert writers.slow() == 2
        with pytest.raises(Crowded), writers.at_work():
            pass
    with writers.at_work():
        assert writers.slow() == 0


def test_without_places_a_write_is_still_begun(now: list[float]) -> None:
    writers = Writers(0)
    with writers.at_work() as writer:
        now[0] += 2
        assert not writer.may_wait()
