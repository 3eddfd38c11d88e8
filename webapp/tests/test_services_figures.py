from __future__ import annotations

import threading
import time

import pytest

from inventario.services import figures
from inventario.services.figures import Figures


@pytest.fixture
def kept() -> Figures:
    return Figures()


def test_what_is_counted_quickly_is_exact(kept: Figures) -> None:
    values = iter(range(3))
    assert [kept.get("key", lambda: next(values)) for _ in range(3)] == [0, 1, 2]


def test_what_takes_long_is_counted_once_for_a_while(kept: Figures, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "QUICK_SECONDS", 0)
    values = iter(range(3))

    def count() -> int:
        time.sleep(0.02)
        return next(values)

    assert [kept.get("key", count) for _ in range(3)] == [0, 0, 0]
    assert kept.get("another key", count) == 1


def test_what_took_long_is_counted_anew_after_a_while(kept: Figures, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "QUICK_SECONDS", 0)
    monkeypatch.setattr(figures, "_KEPT", 0)
    values = iter(range(2))
    assert [kept.get("key", lambda: next(values)) for _ in range(2)] == [0, 1]


def test_what_is_closed_is_counted_once_until_it_is_forgotten(kept: Figures) -> None:
    values = iter(range(3))
    assert [kept.get("key", lambda: next(values), closed=True) for _ in range(2)] == [0, 0]
    kept.forget(unless=lambda key: key == "key")
    assert kept.get("key", lambda: next(values), closed=True) == 0
    kept.forget()
    assert kept.get("key", lambda: next(values), closed=True) == 1


def test_an_error_is_not_kept(kept: Figures) -> None:
    def fail() -> int:
        raise LookupError

    with pytest.raises(LookupError):
        kept.get("key", fail, closed=True)
    assert kept.get("key", lambda: 1, closed=True) == 1


def test_while_one_counts_the_others_get_what_was_counted_before(kept: Figures) -> None:
    kept.get("key", lambda: "before")
    counting, done = threading.Event(), threading.Event()

    def count() -> str:
        counting.set()
        assert done.wait(10)
        return "after"

    first = threading.Thread(target=kept.get, args=("key", count))
    first.start()
    assert counting.wait(10)
    assert kept.get("key", lambda: "nobody counts twice") == "before"
    done.set()
    first.join()
    assert kept.get("key", lambda: "now") == "now"


def test_those_who_have_nothing_yet_wait_for_the_one_who_counts(kept: Figures) -> None:
    counting, done = threading.Event(), threading.Event()
    answers: list[str] = []

    def count() -> str:
        counting.set()
        assert done.wait(10)
        return "counted"

    def ask() -> None:
        answers.append(kept.get("key", count, closed=True))

    threads = [threading.Thread(target=ask) for _ in range(3)]
    threads[0].start()
    assert counting.wait(10)
    for thread in threads[1:]:
        thread.start()
    done.set()
    for thread in threads:
        thread.join()
    assert answers == ["counted"] * 3
