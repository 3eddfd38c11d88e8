"""The control node's part of the lock: it knows its own runs, and which of them still live."""

from __future__ import annotations

import os
import pathlib
import socket
import subprocess
import types
from typing import Any

import pytest
from loading import load

action = load("plugins/action/operator_lock.py")
HERE = {"control_host": socket.gethostname(), "control_id": action.identity()}


@pytest.fixture
def dead() -> dict[str, Any]:
    """A run of this control node that has ended."""
    with subprocess.Popen(["sleep", "60"]) as process:
        holder = {**HERE, "pid": process.pid, "started": action.started(process.pid)}
        process.kill()
    return holder


@pytest.fixture
def living() -> dict[str, Any]:
    return {**HERE, "pid": os.getpid(), "started": action.started(os.getpid())}


class Module:
    """A host that keeps the lock: refuses while ``held``, unless asked to replace that very holder."""

    def __init__(self, held: dict[str, Any] | None) -> None:
        self.held = held
        self.asked: list[dict[str, Any]] = []

    def __call__(self, module_args: dict[str, Any], **_: Any) -> dict[str, Any]:
        self.asked.append(module_args)
        if self.held and module_args.get("replaces") != self.held:
            return {"failed": True, "held_by": self.held}
        return {"changed": False}


def run(module: Module, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setattr(action.ActionBase, "run", lambda *_: {})
    plugin = object.__new__(action.ActionModule)
    plugin._task = types.SimpleNamespace(args={"path": "/run/lock/test"})
    plugin._execute_module = module
    return plugin.run()


def test_a_process_is_told_by_when_it_started(living: dict[str, Any], dead: dict[str, Any]) -> None:
    assert action.alive(living)
    assert not action.alive(dead)
    # the kernel gives a pid again: the same number is not the same run
    assert not action.alive({**living, "started": "1"})
    assert not action.alive({"pid": 0})


def test_the_holder_is_told_by_name_and_by_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INVENTARIO_OPERATOR", "ana")
    monkeypatch.setattr("sys.argv", [str(pathlib.Path("bin") / "ansible-playbook"), "site.yml", "-e", "x=secret"])
    module = Module(held=None)
    assert not run(module, monkeypatch).get("failed")
    holder = module.asked[0]["holder"]
    assert (holder["operator"], holder["control_host"]) == ("ana", socket.gethostname())
    assert (holder["pid"], holder["started"]) == (os.getppid(), action.started(os.getppid()))
    # the rest of a command line may hold a secret
    assert holder["command"] == "ansible-playbook site.yml"


def test_a_dead_run_of_this_control_node_is_taken_over(dead: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    module = Module(held=dead)
    assert not run(module, monkeypatch).get("failed")
    assert [ask.get("replaces") for ask in module.asked] == [None, dead]


def test_so_is_one_of_the_release_before(dead: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    module = Module(held={key: value for key, value in dead.items() if key != "control_id"})
    assert not run(module, monkeypatch).get("failed")


def test_a_living_run_is_not(living: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    module = Module(held=living)
    assert run(module, monkeypatch)["failed"]
    assert len(module.asked) == 1


def test_a_run_of_another_control_node_is_not(dead: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    # a name tells no two machines apart: many are called debian
    for other in ({"control_host": "elsewhere.example"}, {"control_id": "another machine"}):
        module = Module(held={**dead, **other})
        assert run(module, monkeypatch)["failed"]
        assert len(module.asked) == 1
