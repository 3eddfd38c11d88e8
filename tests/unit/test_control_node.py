"""How hosts are reached is the hosts' own affair: the control node is asked for no sudo, and no other user."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys

import pytest

PROJECT = pathlib.Path(__file__).resolve().parents[2]


def variables(inventory: str, host: str) -> dict[str, object]:
    command = ["ansible-inventory", "-i", f"inventory/{inventory}", "--host", host]
    path = f"{pathlib.Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    answer = subprocess.run(
        command, cwd=PROJECT, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=True
    )
    return dict(json.loads(answer.stdout))


@pytest.mark.parametrize("inventory", ["production.example", "vagrant", "vagrant_test"])
def test_only_the_hosts_are_reached_as_another_user(inventory: str) -> None:
    server = variables(inventory, "maestro1")
    assert server["ansible_become"] is True
    assert server["ansible_user"]
    here = variables(inventory, "localhost")
    assert "cluster_name" in here
    assert not {
        name for name in here if name.startswith(("ansible_become", "ansible_user", "ansible_ssh", "ansible_host"))
    }
