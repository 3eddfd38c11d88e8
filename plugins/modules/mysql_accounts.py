#!/usr/bin/python
"""Keep the accounts of a database node as they are written."""

from __future__ import annotations

import functools
import json
import re
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.caching_sha2 import make, matches
from ansible.module_utils.mysql_node import HAS_PYMYSQL, NotAnswering, Server

DOCUMENTATION = r"""
module: mysql_accounts
short_description: Keep the accounts of a MySQL node as they are written
description:
  - Reads first and acts on a difference only. Nothing is written to the binary log, so each node gets the same task.
  - On a read-only node it switches off C(super_read_only) alone while it works and restores it, whatever
    happens; C(read_only)
    stays on, so that no application can write meanwhile.
  - Accounts that this module made and that are no longer listed are dropped (they carry an attribute), and so
    are the hosts that left
    a listed name. Anonymous accounts are dropped, accounts with an empty password are locked. Others are left alone.
options:
  accounts:
    description: The accounts; those with a password must come over TLS, those without log in through the socket.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: The account's name.
        type: str
        required: true
      hosts:
        description: Where it may come from.
        type: list
        elements: str
        required: true
      password:
        description: Its password. Without one the operating system's user of that name logs in through the socket.
        type: str
      privileges:
        description: "Privileges by level: C(*) for global ones, else the name of a database."
        type: dict
        required: true
  socket:
    description: The server's socket; root logs in through it.
    type: path
    default: /run/mysqld/mysqld.sock
author: [Inventario]
"""

EXAMPLES = r"""
- name: Keep the accounts
  mysql_accounts:
    accounts:
      - name: reader
        hosts: [192.0.2.7]
        password: "{{ vault_reader_password }}"
        privileges: {db_shop: [SELECT]}
"""

RETURN = r"""
"""

if HAS_PYMYSQL:
    import pymysql

MARK = "kept_by"
MARK_VALUE = "ansible"
RESERVED = ("mysql.infoschema", "mysql.session", "mysql.sys", "root")
GRANT = re.compile(r"^GRANT (?P<what>.+?) ON (?P<level>.+?) TO .+$", re.DOTALL)

# what to say of it, and the statement, which may hold what must not be said
Step = tuple[str, str]


def level_sql(level: str) -> str:
    """The level as SHOW GRANTS writes it; _ and % in a database's name are wildcards there."""
    if level == "*":
        return "*.*"
    return "`" + level.replace("\\", "\\\\").replace("_", "\\_").replace("%", "\\%") + "`.*"


def parse_grants(lines: list[str]) -> dict[str, set[str]]:
    """Privileges by level, from SHOW GRANTS."""
    held: dict[str, set[str]] = {}
    for line in lines:
        found = GRANT.match(line)
        if not found:
            # a role, which none of ours has
            held.setdefault(line, set()).add("ROLE")
            continue
        privileges = {name.strip().upper() for name in re.split(r",(?![^(]*\))", found["what"])} - {"USAGE"}
        if "WITH GRANT OPTION" in line.rsplit("TO ", 1)[1]:
            privileges.add("GRANT OPTION")
        if privileges:
            held.setdefault(found["level"], set()).update(privileges)
    return held


def grant_steps(who: str, held: dict[str, set[str]], wanted: dict[str, set[str]]) -> list[Step]:
    steps: list[Step] = []
    for level in sorted(held.keys() | wanted.keys()):
        extra = held.get(level, set()) - wanted.get(level, set())
        missing = wanted.get(level, set()) - held.get(level, set())
        if extra:
            names = ", ".join(sorted(extra))
            steps.append((f"REVOKE {names} ON {level} FROM {who}",) * 2)
        if missing:
            names = ", ".join(sorted(missing))
            steps.append((f"GRANT {names} ON {level} TO {who}",) * 2)
    return steps


@functools.cache
def proven(secret: bytes, password: str) -> bool:
    return matches(secret, password)


def belongs(row: dict[str, Any], password: str) -> bool:
    return row["plugin"] == "caching_sha2_password" and proven(row["secret"] or b"", password)


def login_sql(secret: bytes) -> str:
    """How the account logs in; without a secret through the socket."""
    if secret:
        return f"IDENTIFIED WITH caching_sha2_password AS 0x{secret.hex()} REQUIRE SSL"
    return "IDENTIFIED WITH auth_socket"


def account_steps(
    server: Server, account: dict[str, Any], present: dict[tuple[str, str], dict[str, Any]]
) -> list[Step]:
    """What is to be done for one account, at each of its hosts: (what to say, statement)."""
    steps: list[Step] = []
    password = account.get("password")
    # one stored string for all hosts of a name: proving that it belongs to the password costs time
    stored = (
        row["secret"]
        for (name, _), row in sorted(present.items())
        if password and name == account["name"] and belongs(row, password)
    )
    secret = next(stored, b"") or (make(password) if password else b"")
    wanted = {level_sql(level): {p.upper() for p in privileges} for level, privileges in account["privileges"].items()}
    for host in account["hosts"]:
        who = f"`{account['name']}`@`{host}`"
        login = login_sql(secret)
        row = present.get((account["name"], host))
        if row is None:
            attribute = json.dumps({MARK: MARK_VALUE})
            steps.append((f"CREATE USER {who}", f"CREATE USER {who} {login} ATTRIBUTE '{attribute}'"))
            steps += grant_steps(who, {}, wanted)
            continue
        right = row["ssl_type"] == "ANY" and belongs(row, password) if password else row["plugin"] == "auth_socket"
        if not right or row["account_locked"] == "Y" or row["password_expired"] == "Y":
            steps.append((f"ALTER USER {who}: way to log in", f"ALTER USER {who} {login} ACCOUNT UNLOCK"))
        lines = [next(iter(line.values())) for line in server.rows(f"SHOW GRANTS FOR {who}")]
        steps += grant_steps(who, parse_grants(lines), wanted)
    return steps


def plan(server: Server, accounts: list[dict[str, Any]]) -> list[Step]:
    present = {
        (row["user"], row["host"]): row
        for row in server.rows(
            "SELECT user AS user, host AS host, plugin AS plugin, CAST(authentication_string AS BINARY) AS "
            "secret, ssl_type AS ssl_type, "
            "account_locked AS account_locked, password_expired AS password_expired, "
            f"JSON_UNQUOTE(JSON_EXTRACT(user_attributes, '$.metadata.{MARK}')) AS mark FROM mysql.user"
        )
    }
    steps: list[Step] = []
    for account in accounts:
        steps += account_steps(server, account, present)
    listed = {(account["name"], host) for account in accounts for host in account["hosts"]}
    names = {account["name"] for account in accounts}
    for (user, host), row in sorted(present.items()):
        who = f"`{user}`@`{host}`"
        if (user, host) in listed or user in RESERVED:
            continue
        if user in names or row["mark"] == MARK_VALUE or user == "":
            steps.append((f"DROP USER {who}",) * 2)
        elif not row["secret"] and row["plugin"].endswith("_password") and row["account_locked"] != "Y":
            steps.append((f"ALTER USER {who}: locked, its password is empty", f"ALTER USER {who} ACCOUNT LOCK"))
    return steps


def carry_out(server: Server, steps: list[Step]) -> None:
    server.run("SET SESSION sql_log_bin = 0")
    closed = bool(server.value("SELECT @@GLOBAL.super_read_only"))
    try:
        for _, statement in steps:
            if closed:
                # the health agent may have closed the node again meanwhile
                server.run("SET GLOBAL super_read_only = OFF")
            server.run(statement)
    finally:
        if closed:
            server.run("SET GLOBAL super_read_only = ON")


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "accounts": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "name": {"type": "str", "required": True},
                    "hosts": {"type": "list", "elements": "str", "required": True},
                    "password": {"type": "str", "no_log": True},
                    "privileges": {"type": "dict", "required": True},
                },
            },
            "socket": {"type": "path", "default": "/run/mysqld/mysqld.sock"},
        },
        supports_check_mode=True,
    )
    accounts = module.params["accounts"]
    for account in accounts:
        if account["hosts"] and account["password"] is not None and not account["password"]:
            module.fail_json(msg=f"the password of MySQL account {account['name']} is empty: run playbooks/secrets.yml")
    try:
        server = Server.local(module.params["socket"])
    except NotAnswering as error:
        if module.check_mode:
            module.exit_json(changed=True, msg="the server would be started first")
        module.fail_json(msg=f"MySQL does not answer: {error}. See journalctl -u mysql.")
    steps = plan(server, accounts)
    if steps and not module.check_mode:
        try:
            carry_out(server, steps)
        except pymysql.MySQLError as error:
            module.fail_json(msg=f"MySQL refused a statement on accounts: {error}")
    after = "".join(f"{said}\n" for said, _ in steps)
    module.exit_json(changed=bool(steps), diff={"before": "", "after": after} if steps else {})


if __name__ == "__main__":
    main()
