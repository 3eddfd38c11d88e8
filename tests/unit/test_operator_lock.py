"""The operator's lock: one holder, told by name; taken over only from the very run that is gone."""

from __future__ import annotations

import json
import multiprocessing
import pathlib
from typing import Any

import pytest
from loading import load

lock = load("plugins/modules/operator_lock.py")

ANA = {"operator": "ana", "control_host": "desk", "pid": 7, "started": "100", "command": "site.yml", "since": "today"}
BENITO = {**ANA, "operator": "benito", "control_host": "laptop", "pid": 8}
ANOTHER_RUN = {**ANA, "pid": 9, "started": "200"}


@pytest.fixture
def path(tmp_path: pathlib.Path) -> pathlib.Path:
    return tmp_path / "inventario.operator.json"


def ask(path: pathlib.Path, holder: dict[str, Any], **params: Any) -> dict[str, Any]:
    asked = {"holder": holder, "state": "present", "replaces": {}, "break_lock": False, **params}
    with lock.alone(path.parent):
        return lock.change(path, asked)


def holder(path: pathlib.Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def test_first_operator_has_it_and_may_ask_again(path: pathlib.Path) -> None:
    assert not ask(path, ANA).get("failed")
    assert not ask(path, ANA).get("failed")
    assert holder(path) == ANA


def test_second_operator_is_told_who_since_when_with_what_and_the_remedy(path: pathlib.Path) -> None:
    ask(path, ANA)
    refused = ask(path, BENITO)
    assert refused["failed"]
    for part in ("ana", "desk", "today", "site.yml", "operator_lock_break=true"):
        assert part in refused["msg"]
    assert holder(path) == ANA


def test_nobody_gives_back_what_another_holds(path: pathlib.Path) -> None:
    ask(path, ANA)
    ask(path, BENITO, state="absent")
    assert holder(path) == ANA
    ask(path, ANA, state="absent")
    assert not path.exists()


def test_lock_of_a_run_that_is_gone_is_taken_over(path: pathlib.Path) -> None:
    ask(path, ANA)
    assert ask(path, ANOTHER_RUN, replaces=ANA)["held_by"] == ANA
    assert holder(path) == ANOTHER_RUN


def test_lock_that_a_third_run_took_meanwhile_is_not(path: pathlib.Path) -> None:
    ask(path, BENITO)
    assert ask(path, ANOTHER_RUN, replaces=ANA)["failed"]
    assert holder(path) == BENITO


def test_lock_can_be_broken_by_order(path: pathlib.Path) -> None:
    ask(path, ANA)
    assert not ask(path, BENITO, break_lock=True).get("failed")
    assert holder(path) == BENITO


def test_unreadable_lock_refuses_and_can_be_broken(path: pathlib.Path) -> None:
    path.write_text("not json", encoding="utf-8")
    assert "unknown operator" in ask(path, ANA)["msg"]
    assert not ask(path, ANA, break_lock=True).get("failed")


def try_once(path: pathlib.Path, pid: int) -> bool:
    return not ask(path, {**ANOTHER_RUN, "pid": pid}, replaces=ANA).get("failed")


def test_of_many_runs_that_see_the_same_dead_one_exactly_one_takes_over(path: pathlib.Path) -> None:
    ask(path, ANA)
    with multiprocessing.get_context("fork").Pool(8) as pool:
        taken = pool.starmap(try_once, [(path, pid) for pid in range(100, 140)])
    assert taken.count(True) == 1
