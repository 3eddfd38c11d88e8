#!/usr/bin/python
"""One operator at a time: a lock file on a host that every operator's run passes."""

from __future__ import annotations

DOCUMENTATION = r"""
module: operator_lock
short_description: Take or give back the lock of a cluster's operator
description:
  - Creates a file atomically (O_EXCL) that says who runs what since when, or refuses with that name.
  - The action plugin of the same name fills in I(holder), and takes over from a dead run of the same control node.
options:
  path:
    description: The lock file; its folder is one that a reboot empties.
    type: path
    required: true
  state:
    description: Whether the lock is taken (C(present)) or given back (C(absent)).
    type: str
    choices: [present, absent]
    default: present
  holder:
    description: Who takes it; keys operator, control_host, control_id, pid, started, command, since.
    type: dict
    required: true
  replaces:
    description: A holder that is known to be gone; the lock is taken if it is still this one's.
    type: dict
    default: {}
  break_lock:
    description: Take the lock even if somebody else holds it.
    type: bool
    default: false
author: [Inventario]
"""

EXAMPLES = r"""
- name: Take the lock
  operator_lock:
    path: /run/lock/inventario.operator.json
"""

RETURN = r"""
held_by:
  description: The holder that refused this run, or that was replaced.
  type: dict
  returned: when somebody else held the lock
"""

import contextlib
import fcntl
import json
import os
import pathlib
from collections.abc import Iterator

from ansible.module_utils.basic import AnsibleModule

IDENTITY = ("operator", "control_host", "control_id", "pid", "started")


def same(one: dict, other: dict) -> bool:
    return all(str(one.get(key)) == str(other.get(key)) for key in IDENTITY)


@contextlib.contextmanager
def alone(folder: pathlib.Path) -> Iterator[None]:
    """No two runs look and take at once; any user may ask for it."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def read(path: pathlib.Path) -> dict | None:
    """The present holder; an unreadable file is a holder without a name."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError:
        return {"operator": "an unknown operator (unreadable lock file)"}


def take(path: pathlib.Path, holder: dict) -> bool:
    """Create the file, complete from its first moment; False when it is there already."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.write_text(json.dumps(holder), encoding="utf-8")
    try:
        os.link(draft, path)
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    return True


def refusal(path: pathlib.Path, held: dict) -> str:
    return (
        f"another operator is at work: {held.get('operator', '?')} on {held.get('control_host', '?')} since "
        f"{held.get('since', '?')} (process {held.get('pid', '?')}: {held.get('command', '?')}). "
        f"Wait until that run has ended; if it is gone for good, add -e operator_lock_break=true (lock {path})."
    )


def change(path: pathlib.Path, params: dict) -> dict:
    """What the module answers. A run's own lock is no change of the host: it is gone when the run ends."""
    mine, held = params["holder"], read(path)
    if params["state"] == "absent":
        if held and same(held, mine):
            path.unlink()
        return {"changed": False}
    if held and same(held, mine):
        return {"changed": False}
    if held and (params["break_lock"] or (params["replaces"] and same(held, params["replaces"]))):
        path.unlink()
    if take(path, mine):
        return {"changed": False, **({"held_by": held} if held else {})}
    held = read(path) or {}
    return {"failed": True, "held_by": held, "msg": refusal(path, held)}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "holder": {"type": "dict", "required": True},
            "replaces": {"type": "dict", "default": {}},
            "break_lock": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    path = pathlib.Path(module.params["path"])
    if module.check_mode:
        module.exit_json(changed=False)
    try:
        with alone(path.parent):
            module.exit_json(**change(path, module.params))
    except PermissionError as error:
        module.exit_json(
            failed=True,
            msg=f"the lock {path} is another user's: {error}. Its run is over; remove it as that user or as root.",
        )


if __name__ == "__main__":
    main()
