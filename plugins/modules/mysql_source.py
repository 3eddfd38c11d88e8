#!/usr/bin/python
"""Open or close a source, and keep its databases."""

from __future__ import annotations

import time

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.mysql_node import HAS_PYMYSQL, NotAnswering, Server

DOCUMENTATION = r"""
module: mysql_source
short_description: Open or close a source of replication, and create its databases
description:
  - C(open) makes a node writable, with semi-synchronous replication switched on before the first write can
    come, and creates the
    databases and the canary's table that are missing, through the binary log.
  - C(closed) makes a node refuse every write, and waits until none is under way.
options:
  state:
    description: Whether the node takes writes.
    type: str
    choices: [open, closed]
    required: true
  socket:
    description: The server's socket; root logs in through it.
    type: path
    default: /run/mysqld/mysqld.sock
  databases:
    description: Databases to create on an open source.
    type: list
    elements: str
    default: []
  canary_database:
    description: The database, one of I(databases), that gets the table C(canary). Empty for none.
    type: str
    default: ""
  semisync:
    description: Whether a commit waits for replicas.
    type: bool
    default: true
  timeout:
    description: Seconds that opening, closing or one statement may take.
    type: int
    default: 20
author: [Inventario]
"""

EXAMPLES = r"""
- name: Open the source
  mysql_source:
    state: open
    databases: [db_inventario]
"""

RETURN = r"""
gtid_executed:
  description: What the node has executed at the end.
  type: str
  returned: always
"""

if HAS_PYMYSQL:
    import pymysql

CANARY = """CREATE TABLE IF NOT EXISTS canary (
  name VARCHAR(64) NOT NULL PRIMARY KEY,
  token VARCHAR(64) NOT NULL,
  written_at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6)
) ENGINE=InnoDB COMMENT='Rows that the cluster writes to itself'"""


def writable(server: Server) -> bool:
    return not (server.value("SELECT @@GLOBAL.read_only") or server.value("SELECT @@GLOBAL.super_read_only"))


def open_source(module: AnsibleModule, server: Server) -> list[str]:
    done = []
    wanted = int(module.params["semisync"])
    if int(server.value("SELECT @@GLOBAL.rpl_semi_sync_source_enabled")) != wanted:
        done.append("semi-synchronous replication switched " + ("on" if wanted else "off"))
        if not module.check_mode:
            server.run(f"SET GLOBAL rpl_semi_sync_source_enabled = {wanted}")
    if not writable(server):
        done.append("opened for writes")
        if not module.check_mode:
            server.run("SET GLOBAL super_read_only = OFF")
            server.run("SET GLOBAL read_only = OFF")
    there = {row["name"] for row in server.rows("SELECT schema_name AS name FROM information_schema.schemata")}
    for database in module.params["databases"]:
        if database not in there:
            done.append(f"database {database} created")
            if not module.check_mode:
                # the binary log's filter goes by the name in CREATE DATABASE itself
                server.run(f"CREATE DATABASE `{database}`")
    canary = module.params["canary_database"]
    if canary and not server.value(
        "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = %s AND table_name = 'canary'", canary
    ):
        done.append(f"table {canary}.canary created")
        if not module.check_mode:
            # the filter goes by the selected database
            server.run(f"USE `{canary}`")
            server.run(CANARY)
    return done


def close_source(module: AnsibleModule, server: Server) -> list[str]:
    if server.value("SELECT @@GLOBAL.super_read_only"):
        return []
    if module.check_mode:
        return ["closed for writes"]
    server.run("SET SESSION lock_wait_timeout = 2")
    until = time.monotonic() + module.params["timeout"]
    while True:
        try:
            server.run("SET GLOBAL super_read_only = ON")
            return ["closed for writes"]
        except pymysql.MySQLError as error:
            # a transaction under way holds it up; those that wait for it may go on meanwhile
            if time.monotonic() > until:
                module.fail_json(
                    msg=f"the source did not close within {module.params['timeout']} s: {error}. A "
                    "transaction is under way: "
                    "see SHOW PROCESSLIST there, end it and run again."
                )
            time.sleep(0.2)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["open", "closed"], "required": True},
            "socket": {"type": "path", "default": "/run/mysqld/mysqld.sock"},
            "databases": {"type": "list", "elements": "str", "default": []},
            "canary_database": {"type": "str", "default": ""},
            "semisync": {"type": "bool", "default": True},
            "timeout": {"type": "int", "default": 20},
        },
        supports_check_mode=True,
    )
    try:
        server = Server.local(module.params["socket"], timeout=module.params["timeout"])
    except NotAnswering as error:
        if module.check_mode:
            module.exit_json(changed=True, msg="the server would be started first")
        module.fail_json(msg=f"MySQL does not answer: {error}. See journalctl -u mysql.")
    try:
        done = (open_source if module.params["state"] == "open" else close_source)(module, server)
    except pymysql.err.OperationalError as error:
        if error.args and error.args[0] == 2013:
            module.fail_json(
                msg="a statement on the source got no acknowledgement from a replica in time: is one replicating? "
                "See SHOW REPLICA STATUS there, and mysql_semisync_acknowledgements."
            )
        module.fail_json(msg=f"MySQL refused: {error}")
    module.exit_json(
        changed=bool(done),
        gtid_executed=str(server.value("SELECT @@GLOBAL.gtid_executed")).replace("\n", ""),
        diff={"before": "", "after": "".join(f"{line}\n" for line in done)} if done else {},
    )


if __name__ == "__main__":
    main()
