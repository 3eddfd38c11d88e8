#!/usr/bin/python
"""Make a node replicate from the source, or make it ready to be the source."""

from __future__ import annotations

import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.mysql_node import (
    HAS_PYMYSQL,
    SYSTEM_SCHEMAS,
    NotAnswering,
    Server,
    wait_for_server,
)

DOCUMENTATION = r"""
module: mysql_replica
short_description: Point a node at its source, or take a node out of replication
description:
  - C(replicating) seeds a node that holds nothing by CLONE when the source holds something, points it at the
    source with
    C(SOURCE_AUTO_POSITION) and starts it. It refuses a node that holds transactions which the source does not.
    It reads first, and
    does nothing on a node that replicates as wanted.
  - C(not_receiving) stops the receiver alone, so that the node acknowledges nothing more, and tells what the
    node holds.
  - C(promoted) waits until the node has executed I(gtid_set) and all that it received, then forgets its source.
options:
  state:
    description: What the node is to do.
    type: str
    choices: [replicating, not_receiving, promoted]
    required: true
  socket:
    description: The server's socket; root logs in through it.
    type: path
    default: /run/mysqld/mysqld.sock
  source_host:
    description: Address of the source.
    type: str
  source_port:
    description: Port of the source.
    type: int
    default: 3306
  user:
    description: The account that replicates.
    type: str
  password:
    description: Its password.
    type: str
  ssl_ca:
    description: The authority that signed the source's certificate.
    type: path
  gtid_set:
    description: What a promoted node must have executed first.
    type: str
    default: ""
  timeout:
    description: Seconds to wait for the threads to run, or for the transactions to be executed.
    type: int
    default: 30
  clone_timeout:
    description: Seconds that seeding may take.
    type: int
    default: 3600
author: [Inventario]
"""

EXAMPLES = r"""
- name: Point the replica at its source
  mysql_replica:
    state: replicating
    source_host: 192.0.2.31
    user: replicator
    password: "{{ vault_replication_password }}"
    ssl_ca: /etc/ssl/certs/cluster.pem
"""

RETURN = r"""
gtid_executed:
  description: What the node has executed.
  type: str
  returned: always
gtid_held:
  description: What the node has executed or received.
  type: str
  returned: always
"""

if HAS_PYMYSQL:
    import pymysql

# never give up on the source: a replica that waits is there when it comes back
CONNECT_RETRY = 1
RETRY_COUNT = 0
# of MySQL's own messages: what a node that asks for a copy is told, and the reason within it
CLONE_DONOR_ERROR = 3862
TOO_MANY_CLONES = 3634


class Refused(Exception):
    """The node can't be what was asked for, and why."""


def held(server: Server) -> str:
    """All transactions that this node has executed or received."""
    received = server.replica_status().get("Retrieved_Gtid_Set", "")
    executed = server.value("SELECT @@GLOBAL.gtid_executed")
    return ",".join(part.replace("\n", "") for part in (executed, received) if part)


def is_blank(server: Server) -> bool:
    marks = ", ".join(["%s"] * len(SYSTEM_SCHEMAS))
    schemas = server.value(
        f"SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name NOT IN ({marks})", *SYSTEM_SCHEMAS
    )
    return not held(server) and not schemas


def settings(params: dict[str, Any]) -> dict[str, Any]:
    """The channel as mysql.slave_master_info tells it."""
    return {
        "Host": params["source_host"],
        "Port": params["source_port"],
        "User_name": params["user"],
        "User_password": params["password"],
        "Enabled_ssl": 1,
        "Ssl_ca": params["ssl_ca"],
        "Ssl_verify_server_cert": 1,
        "Enabled_auto_position": 1,
        "Connect_retry": CONNECT_RETRY,
        "Retry_count": RETRY_COUNT,
    }


def differences(server: Server, wanted: dict[str, Any]) -> list[str]:
    rows = server.rows("SELECT * FROM mysql.slave_master_info WHERE Channel_name = ''")
    if not rows or not rows[0]["Host"]:
        return sorted(wanted)
    return sorted(key for key, value in wanted.items() if str(rows[0][key]) != str(value))


def running(status: dict[str, Any]) -> bool:
    return status.get("Replica_IO_Running") == "Yes" and status.get("Replica_SQL_Running") == "Yes"


def copied(server: Server, params: dict[str, Any]) -> bool:
    """Take a copy of the source; False while it gives one to another node, because a server gives one at a time."""
    try:
        server.run(
            f"CLONE INSTANCE FROM %s@%s:{int(params['source_port'])} IDENTIFIED BY %s REQUIRE SSL",
            params["user"],
            params["source_host"],
            params["password"],
        )
    except pymysql.MySQLError as error:
        code, text = (*error.args, None, None)[:2]
        if code == CLONE_DONOR_ERROR and f": {TOO_MANY_CLONES} :" in str(text):
            return False
        # the connection ends as the server restarts into the copy
        if code not in (0, 2006, 2013, 3707):
            raise
    return True


def seed(server: Server, params: dict[str, Any]) -> Server:
    """Replace all that is here by a copy of the source; the server restarts itself at the end."""
    server.run("SET GLOBAL clone_valid_donor_list = %s", f"{params['source_host']}:{params['source_port']}")
    until = time.monotonic() + params["clone_timeout"]
    while not copied(server, params):
        if time.monotonic() >= until:
            raise Refused(f"{params['source_host']} has been giving its data to another node for too long")
        time.sleep(1)
    time.sleep(0.5)
    server = wait_for_server(params["socket"], 120)
    if is_blank(server):
        raise Refused("the server came back from CLONE without the source's data: see journalctl -u mysql")
    return server


def check_history(server: Server, source: Server) -> None:
    """Refuse a node whose history is not a part of the source's."""
    own = held(server)
    for _ in range(25):
        errant = server.lacks(own, str(source.value("SELECT @@GLOBAL.gtid_executed")))
        if not errant:
            break
        # a replica receives a transaction a moment before the source counts it as executed (AFTER_SYNC)
        time.sleep(0.2)
    if errant:
        raise Refused(
            f"it holds transactions that the source does not: {errant}. They were never replicated and would be lost. "
            "Look at them there (mysqlbinlog), write again at the source what is wanted, then remove this node's data "
            "(its volume, or its data directory) and run site.yml: it is then seeded from the source."
        )
    purged = server.lacks(str(source.value("SELECT @@GLOBAL.gtid_purged")), held(server))
    if purged:
        raise Refused(
            f"it lacks transactions that the source has already removed from its binary log: {purged}. Remove this "
            "node's data (its volume, or its data directory) and run site.yml: it is then seeded from the source."
        )


def stop_acknowledging_nothing(server: Server) -> None:
    """A former source: whoever still waits for an acknowledgement must not be told that the write is safe."""
    if not server.value("SELECT @@GLOBAL.rpl_semi_sync_source_enabled"):
        return
    for row in server.rows("SELECT id AS id, user AS user, command AS command FROM information_schema.processlist"):
        if (
            row["user"] not in ("system user", "event_scheduler", "root", "db_health")
            and row["command"] != "Binlog Dump GTID"
        ):
            server.run(f"KILL {int(row['id'])}")
    server.run("SET GLOBAL rpl_semi_sync_source_enabled = 0")


def wait_until_running(server: Server, seconds: int) -> None:
    until = time.monotonic() + seconds
    while True:
        status = server.replica_status()
        if running(status):
            return
        error = status.get("Last_IO_Error") or status.get("Last_SQL_Error")
        if time.monotonic() > until or status.get("Replica_SQL_Running") == "No":
            raise Refused(f"replication does not run: {error or status}")
        time.sleep(0.1)


def replicate(module: AnsibleModule, server: Server) -> list[str]:
    params = module.params
    wanted = settings(params)
    status = server.replica_status()
    different = differences(server, wanted)
    if not different and running(status):
        return []
    if module.check_mode:
        return [f"replicates from {params['source_host']}"]
    done = []
    source = Server.remote(
        params["source_host"], params["source_port"], params["user"], params["password"], params["ssl_ca"]
    )
    if is_blank(server) and source.value("SELECT @@GLOBAL.gtid_executed"):
        server = seed(server, params)
        done.append(f"seeded by CLONE from {params['source_host']}")
        different = differences(server, wanted)
    check_history(server, source)
    if not server.value("SELECT @@GLOBAL.super_read_only"):
        server.run("SET SESSION lock_wait_timeout = 5")
        server.run("SET GLOBAL super_read_only = ON")
        done.append("closed for writes")
    stop_acknowledging_nothing(server)
    if different:
        server.run("STOP REPLICA")
        if {"Host", "Port"} & set(different):
            # what was received of another source and not yet applied comes again from this one
            server.run("RESET REPLICA ALL")
        server.run(
            "CHANGE REPLICATION SOURCE TO SOURCE_HOST=%s, SOURCE_PORT=%s, SOURCE_USER=%s, SOURCE_PASSWORD=%s, "
            "SOURCE_AUTO_POSITION=1, SOURCE_SSL=1, SOURCE_SSL_CA=%s, SOURCE_SSL_VERIFY_SERVER_CERT=1, "
            f"SOURCE_CONNECT_RETRY={CONNECT_RETRY}, SOURCE_RETRY_COUNT={RETRY_COUNT}",
            params["source_host"],
            params["source_port"],
            params["user"],
            params["password"],
            params["ssl_ca"],
        )
        done.append(f"pointed at {params['source_host']} ({', '.join(different).replace('User_password', 'password')})")
    server.run("START REPLICA")
    wait_until_running(server, params["timeout"])
    return [*done, "started"]


def stop_receiving(module: AnsibleModule, server: Server) -> list[str]:
    if server.replica_status().get("Replica_IO_Running", "No") == "No":
        return []
    if not module.check_mode:
        server.run("STOP REPLICA IO_THREAD")
    return ["receives no more"]


def promote(module: AnsibleModule, server: Server) -> list[str]:
    if not server.replica_status():
        missing = server.lacks(module.params["gtid_set"], str(server.value("SELECT @@GLOBAL.gtid_executed")))
        if missing:
            raise Refused(f"it has no source to get these transactions from: {missing}")
        return []
    if module.check_mode:
        return ["source forgotten"]
    if server.replica_status()["Replica_IO_Running"] == "No":
        missing = server.lacks(module.params["gtid_set"], held(server))
        if missing:
            raise Refused(f"another node holds transactions that it lacks: {missing}. Promote that one")
    wanted = ",".join(part for part in (module.params["gtid_set"], held(server)) if part)
    seconds = module.params["timeout"]
    if wanted and server.value("SELECT WAIT_FOR_EXECUTED_GTID_SET(%s, %s)", wanted, seconds):
        missing = server.lacks(wanted, str(server.value("SELECT @@GLOBAL.gtid_executed")))
        error = server.replica_status().get("Last_SQL_Error")
        raise Refused(f"it has not executed these transactions within {seconds} s: {missing}. {error}".strip())
    server.run("STOP REPLICA")
    server.run("RESET REPLICA ALL")
    return ["source forgotten"]


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["replicating", "not_receiving", "promoted"], "required": True},
            "socket": {"type": "path", "default": "/run/mysqld/mysqld.sock"},
            "source_host": {"type": "str"},
            "source_port": {"type": "int", "default": 3306},
            "user": {"type": "str"},
            "password": {"type": "str", "no_log": True},
            "ssl_ca": {"type": "path"},
            "gtid_set": {"type": "str", "default": ""},
            "timeout": {"type": "int", "default": 30},
            "clone_timeout": {"type": "int", "default": 3600},
        },
        required_if=[("state", "replicating", ["source_host", "user", "password", "ssl_ca"])],
        supports_check_mode=True,
    )
    action = {"replicating": replicate, "not_receiving": stop_receiving, "promoted": promote}[module.params["state"]]
    try:
        timeout = max(module.params["timeout"] + 10, module.params["clone_timeout"])
        server = Server.local(module.params["socket"], timeout=timeout)
    except NotAnswering as error:
        if module.check_mode:
            module.exit_json(changed=True, msg="the server would be started first")
        module.fail_json(msg=f"MySQL does not answer: {error}. See journalctl -u mysql.")
    try:
        done = action(module, server)
        server = Server.local(module.params["socket"])
        executed = str(server.value("SELECT @@GLOBAL.gtid_executed")).replace("\n", "")
        everything = held(server)
    except Refused as error:
        module.fail_json(msg=f"this node can't be {module.params['state'].replace('_', ' ')}: {error}")
    except (NotAnswering, pymysql.MySQLError) as error:
        module.fail_json(msg=f"this node can't be {module.params['state'].replace('_', ' ')}: {error}")
    module.exit_json(
        changed=bool(done),
        gtid_executed=executed,
        gtid_held=everything,
        diff={"before": "", "after": "".join(f"{line}\n" for line in done)} if done else {},
    )


if __name__ == "__main__":
    main()
