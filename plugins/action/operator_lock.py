"""Control node's part of the module operator_lock: says who the operator is, and knows whether an earlier run of
this control node still lives."""

from __future__ import annotations

import datetime
import getpass
import os
import pathlib
import socket
import sys
from typing import Any

from ansible.plugins.action import ActionBase


def started(pid: int) -> str | None:
    """When a process started, in the kernel's ticks, so that a pid used again is not taken for the same run."""
    try:
        return (
            pathlib.Path(f"/proc/{pid}/stat")
            .read_text(encoding="ascii", errors="replace")
            .rsplit(")", 1)[1]
            .split()[19]
        )
    except (FileNotFoundError, ProcessLookupError, IndexError):
        return None


def command_line(arguments: list[str]) -> str:
    """The program and the playbooks it was given, without options and what belongs to them."""
    playbooks = [
        argument for argument in arguments[1:] if argument.endswith((".yml", ".yaml")) and argument[0] not in "-@"
    ]
    return " ".join(pathlib.Path(argument).name for argument in [*arguments[:1], *playbooks])


def alive(holder: dict[str, Any]) -> bool:
    return started(int(holder.get("pid", 0))) == str(holder.get("started"))


def identity() -> str:
    """What tells this control node, and its processes, from another one that has the same name."""
    machine = pathlib.Path("/etc/machine-id")
    known = machine.read_text(encoding="ascii").strip() if machine.exists() else ""
    return f"{known} {pathlib.Path('/proc/self/ns/pid').readlink()}"


class ActionModule(ActionBase):
    """Fill in the holder; take over from a dead run of the same control node."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        # the worker's parent is the ansible-playbook process itself, which lives as long as the run
        run_pid = os.getppid()
        holder = {
            "operator": os.environ.get("INVENTARIO_OPERATOR") or os.environ.get("SUDO_USER") or getpass.getuser(),
            "control_host": socket.gethostname(),
            "control_id": identity(),
            "pid": run_pid,
            "started": started(run_pid),
            "command": command_line(sys.argv),
            "since": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M:%SZ"),
        }
        arguments = {**self._task.args, "holder": holder}
        result = self._execute_module(module_args=arguments, task_vars=task_vars)
        held = result.get("held_by") or {}
        # the release before wrote no control_id
        known = {"control_id": holder["control_id"], **held}
        same_node = all(known.get(key) == holder[key] for key in ("control_host", "control_id"))
        if result.get("failed") and same_node and not alive(held):
            result = self._execute_module(module_args={**arguments, "replaces": held}, task_vars=task_vars)
        return result
