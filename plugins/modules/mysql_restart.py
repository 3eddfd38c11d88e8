#!/usr/bin/python
"""Restart MySQL and wait until it is whole."""

from __future__ import annotations

import time

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.mysql_node import NotAnswering, Server, wait_for_server

DOCUMENTATION = r"""
module: mysql_restart
short_description: Restart MySQL and wait until it is whole again
description:
  - One step, so that C(throttle) holds the next node back until this one answers and, when it is a replica,
    replicates again.
options:
  service:
    description: The unit.
    type: str
    default: mysql
  socket:
    description: The server's socket; root logs in through it.
    type: path
    default: /run/mysqld/mysqld.sock
  timeout:
    description: Seconds until it must be whole.
    type: int
    default: 120
author: [Inventario]
"""

EXAMPLES = r"""
- name: Restart one node at a time
  mysql_restart:
  throttle: 1
"""

RETURN = r"""
"""


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "service": {"type": "str", "default": "mysql"},
            "socket": {"type": "path", "default": "/run/mysqld/mysqld.sock"},
            "timeout": {"type": "int", "default": 120},
        },
        supports_check_mode=True,
    )
    if module.check_mode:
        module.exit_json(changed=True)
    service = module.params["service"]
    socket = module.params["socket"]
    replicated = False
    try:
        status = Server.local(socket).replica_status()
        replicated = status.get("Replica_IO_Running") == "Yes" and status.get("Replica_SQL_Running") == "Yes"
    except NotAnswering:
        # a server that is down has nothing to come back to
        replicated = False
    code, out, err = module.run_command(["systemctl", "restart", service])
    if code != 0:
        _, log, _ = module.run_command(
            ["journalctl", "--unit", service, "--lines", "20", "--no-pager", "--output", "cat"]
        )
        module.fail_json(msg=f"{service} did not start again: {(out + err).strip()}\n{log}")
    until = time.monotonic() + module.params["timeout"]
    try:
        server = wait_for_server(socket, module.params["timeout"])
    except NotAnswering as error:
        module.fail_json(msg=f"{service} was restarted but does not answer: {error}. See journalctl -u {service}.")
    while replicated:
        status = server.replica_status()
        if status.get("Replica_IO_Running") == "Yes" and status.get("Replica_SQL_Running") == "Yes":
            break
        if time.monotonic() > until:
            reason = status.get("Last_IO_Error") or status.get("Last_SQL_Error")
            module.fail_json(msg=f"{service} was restarted but does not replicate: {reason}")
        time.sleep(0.2)
    module.exit_json(changed=True)


if __name__ == "__main__":
    main()
