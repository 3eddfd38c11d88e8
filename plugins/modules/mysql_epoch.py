#!/usr/bin/python
"""Raise a database node's epoch."""

from __future__ import annotations

import json
import os
import pathlib
import shutil

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.mysql_node import read_epoch

DOCUMENTATION = r"""
module: mysql_epoch
short_description: Raise the epoch that a database node keeps
description:
  - The epoch and the source it names fence an old source off. It only ever rises; the same epoch never names
    another source.
  - The file is on the disk when the module returns.
options:
  path:
    description: The epoch file.
    type: path
    required: true
  epoch:
    description: The number.
    type: int
    required: true
  source:
    description: The node that may be writable in this epoch.
    type: str
    required: true
author: [Inventario]
"""

EXAMPLES = r"""
- name: Raise the epoch
  mysql_epoch:
    path: /var/lib/mysql/cluster/epoch.json
    epoch: 2
    source: slave1
"""

RETURN = r"""
"""


def write(path: pathlib.Path, text: str) -> None:
    """Replace the file at once, and have it on the disk before we say so."""
    draft = path.with_name(f"{path.name}.new")
    with draft.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    # no secret: the health agent reads it, as a user of its own
    draft.chmod(0o644)
    shutil.chown(draft, "mysql", "mysql")
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "epoch": {"type": "int", "required": True},
            "source": {"type": "str", "required": True},
        },
        supports_check_mode=True,
    )
    path = pathlib.Path(module.params["path"])
    wanted = {"epoch": module.params["epoch"], "source": module.params["source"]}
    held = read_epoch(path)
    if held == wanted:
        module.exit_json(changed=False)
    if held and held["epoch"] >= wanted["epoch"]:
        module.fail_json(
            msg=f"{path} holds epoch {held['epoch']} (source {held['source']}); epoch {wanted['epoch']} "
            f"(source {wanted['source']}) is not above it. Somebody else changed the source meanwhile: run again."
        )
    before = json.dumps(held) + "\n" if held else ""
    after = json.dumps(wanted) + "\n"
    if not module.check_mode:
        write(path, after)
    module.exit_json(
        changed=True, diff={"before": before, "after": after, "before_header": str(path), "after_header": str(path)}
    )


if __name__ == "__main__":
    main()
