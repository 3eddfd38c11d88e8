#!/usr/bin/python
"""Count in the load balancer's access log which node served how many of a run's requests."""

from __future__ import annotations

import collections
import json
import pathlib
from collections.abc import Iterable

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: served_share
short_description: Count which node served how many requests of a run
description:
  - Reads NGINX's JSON access log (role loadbalancer) and counts for each user agent the nodes that answered.
options:
  log:
    description: The access log; the log before its last rotation is read too.
    type: path
    required: true
  user_agents:
    description: Names under which the runs stand in the log.
    type: list
    elements: str
    required: true
author: [Inventario]
"""

EXAMPLES = r"""
- name: Count who served
  served_share:
    log: /var/log/nginx/access.json
    user_agents: [loadtest-1]
"""

RETURN = r"""
served:
  description: For each user agent the number of requests that each node answered; an empty name stands for no node.
  type: dict
  returned: success
"""


def count(lines: Iterable[str], user_agents: Iterable[str]) -> dict[str, dict[str, int]]:
    """Count the lines of each user agent by the node that served them; a line cut short is left out."""
    counts: dict[str, collections.Counter[str]] = {agent: collections.Counter() for agent in user_agents}
    for line in lines:
        # most lines are of somebody else: look before parsing
        if not any(agent in line for agent in counts):
            continue
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if entry.get("user_agent") in counts:
            counts[entry["user_agent"]][entry.get("served_by", "")] += 1
    return {agent: dict(nodes) for agent, nodes in counts.items()}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "log": {"type": "path", "required": True},
            "user_agents": {"type": "list", "elements": "str", "required": True},
        },
        supports_check_mode=True,
    )
    log = pathlib.Path(module.params["log"])
    if not log.is_file():
        module.fail_json(msg=f"there is no access log {log}")
    lines: list[str] = []
    for part in (log.with_name(f"{log.name}.1"), log):
        if part.is_file():
            lines += part.read_text(encoding="utf-8", errors="replace").splitlines()
    module.exit_json(changed=False, served=count(lines, module.params["user_agents"]))


if __name__ == "__main__":
    main()
