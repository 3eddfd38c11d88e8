#!/usr/bin/python
"""Read what discovery needs to know of a database node."""

from __future__ import annotations

import pathlib

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.mysql_node import read_state

DOCUMENTATION = r"""
module: mysql_node_state
short_description: Read the state of a database node
description:
  - One read of everything that decides who the source is. Changes nothing and never fails for a server that
    does not answer.
options:
  socket:
    description: The server's socket; root logs in through it.
    type: path
    default: /run/mysqld/mysqld.sock
  datadir:
    description: The data directory.
    type: path
    required: true
  epoch_file:
    description: Where the node keeps the cluster's epoch.
    type: path
    required: true
  peers_file:
    description: Where the node's health agent is told who is in the cluster.
    type: path
    required: true
  config_files:
    description: Files that the server reads at its start only.
    type: list
    elements: path
    default: []
  pid_file:
    description: The server's pid file.
    type: path
    default: /run/mysqld/mysqld.pid
author: [Inventario]
"""

EXAMPLES = r"""
- name: Read this node's state
  mysql_node_state:
    datadir: /var/lib/mysql/data
    epoch_file: /var/lib/mysql/cluster/epoch.json
    peers_file: /etc/db-health-peers.json
"""

RETURN = r"""
state:
  description: The node's state, as the filter mysql_source_decision takes it.
  type: dict
  returned: always
"""


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "socket": {"type": "path", "default": "/run/mysqld/mysqld.sock"},
            "datadir": {"type": "path", "required": True},
            "epoch_file": {"type": "path", "required": True},
            "peers_file": {"type": "path", "required": True},
            "config_files": {"type": "list", "elements": "path", "default": []},
            "pid_file": {"type": "path", "default": "/run/mysqld/mysqld.pid"},
        },
        supports_check_mode=True,
    )
    try:
        state = read_state(
            module.params["socket"],
            pathlib.Path(module.params["datadir"]),
            pathlib.Path(module.params["epoch_file"]),
            pathlib.Path(module.params["peers_file"]),
            module.params["config_files"],
            module.params["pid_file"],
        )
    except (ValueError, KeyError) as error:
        module.fail_json(
            msg=f"{module.params['epoch_file']} or {module.params['peers_file']} can't be read: {error}. "
            "Restore it from another node."
        )
    module.exit_json(changed=False, state=state)


if __name__ == "__main__":
    main()
