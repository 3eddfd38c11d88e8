#!/usr/bin/python
"""What the gate asks of one database node."""

from __future__ import annotations

DOCUMENTATION = r"""
module: gate_database
short_description: Ask one database node what the gate has to know
description:
  - C(mark) says whether the node takes writes and, on the one that does, writes the canary row and reads the GTIDs
    that now have to arrive everywhere. C(read) waits for them, bounded, and reads all that has to be equal on every
    node. C(sums) waits too and sums tables up again. C(sets) reads the executed GTIDs alone.
  - Apart from the canary row nothing is changed.
options:
  action:
    description: Which of them.
    type: str
    choices: [mark, read, sums, sets]
    required: true
  databases:
    description: The replicated databases.
    type: list
    elements: str
    default: []
  canary_database:
    description: The database that holds the table C(canary).
    type: str
    default: ""
  token:
    description: What is written to, and expected in, the canary row.
    type: str
    default: ""
  gtids:
    description: Transactions that C(read) and C(sums) wait for. Empty waits for nothing.
    type: str
    default: ""
  timeout:
    description: Seconds to wait for them, and for the canary row to be acknowledged.
    type: int
    default: 30
  checksum_seconds:
    description: Seconds that the checksums may take; 0 compares every row.
    type: float
    default: 2
  checksum_tables:
    description: Tables, as C(DATABASE.TABLE), that are summed up; empty for all.
    type: list
    elements: str
    default: []
  chunk_rows:
    description: Rows of one checksum.
    type: int
    default: 10000
  agent_url:
    description: Where the node's health agent answers; not asked where empty.
    type: str
    default: ""
  agent_ca:
    description: The authority that verifies the agent.
    type: path
    default: ""
author: [Inventario]
"""

EXAMPLES = r"""
- name: Read what has to be equal
  gate_database:
    action: read
    databases: [db_inventario]
"""

RETURN = r"""
reading:
  description: What the node said, as the filter gate_database_findings takes it.
  type: dict
  returned: always
"""

import hashlib
import re
import ssl
import time
import urllib.error
import urllib.request
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.mysql_node import SYSTEM_SCHEMAS, NotAnswering, Server

try:
    import pymysql

    DATABASE_ERRORS: tuple[type[Exception], ...] = (pymysql.MySQLError,)
except ImportError:
    DATABASE_ERRORS = ()


# what a database holds beside its tables: (name, definition)
STORED_CODE = """
    SELECT '(defaults)' AS name, CONCAT_WS(' ', default_character_set_name, default_collation_name) AS definition
        FROM information_schema.schemata WHERE schema_name = %s
    UNION ALL SELECT trigger_name, CONCAT_WS(' ', action_timing, event_manipulation, event_object_table, action_order,
        action_statement) FROM information_schema.triggers WHERE trigger_schema = %s
    UNION ALL SELECT CONCAT(LOWER(routine_type), ' ', routine_name), CONCAT_WS(' ', dtd_identifier, routine_definition,
        security_type, definer) FROM information_schema.routines WHERE routine_schema = %s
    UNION ALL SELECT CONCAT('event ', event_name), CONCAT_WS(' ', interval_value, interval_field, execute_at,
        event_definition) FROM information_schema.events WHERE event_schema = %s
"""


# an agent checks every second, and a replica that was just waited for may be a moment behind in its eyes
AGENT_SECONDS = 4


def quote(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def write_canary(server: Server, database: str, token: str) -> None:
    # its own database is selected: binlog-do-db goes by that
    server.run(f"USE {quote(database)}")
    server.run(
        "INSERT INTO canary (name, token) VALUES ('gate', %s) ON DUPLICATE KEY UPDATE token = VALUES(token)", token
    )


def mark(server: Server, params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    writable = not server.value("SELECT @@GLOBAL.read_only OR @@GLOBAL.super_read_only")
    error = ""
    if writable and not check_mode:
        try:
            # a commit that no replica acknowledges waits for ever on the server; the gate does not
            write_canary(Server.local(timeout=params["timeout"]), params["canary_database"], params["token"])
        except (NotAnswering, *DATABASE_ERRORS) as failure:
            error = str(failure)
    return {"writable": writable, "gtids": executed(server), "canary_error": error}


def executed(server: Server) -> str:
    return str(server.value("SELECT @@GLOBAL.gtid_executed")).replace("\n", "")


def schemas(server: Server, databases: list[str]) -> dict[str, str]:
    """The definition of every table and view, by name."""
    found = {}
    for database in databases:
        for row in server.rows(
            "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = %s ORDER BY 1", database
        ):
            created = list(server.rows(f"SHOW CREATE TABLE {quote(database)}.{quote(row['name'])}")[0].values())[1]
            # the counter moves with the rows, and a replica's may lag behind without harm
            definition = re.sub(r" AUTO_INCREMENT=\d+", "", str(created))
            found[f"{database}.{row['name']}"] = hashlib.sha256(definition.encode()).hexdigest()
        for row in server.rows(STORED_CODE, *[database] * STORED_CODE.count("%s")):
            found[f"{database}.{row['name']}"] = hashlib.sha256(repr(row["definition"]).encode()).hexdigest()
    return found


def grants(server: Server) -> dict[str, str]:
    """Every account with what it may do and how it is known; no password or hash of one."""
    found = {}
    for account in server.rows("SELECT user, host, plugin, ssl_type, account_locked FROM mysql.user ORDER BY 1, 2"):
        who = f"'{account['user']}'@'{account['host']}'"
        rights = sorted(
            str(next(iter(row.values())))
            for row in server.rows("SHOW GRANTS FOR %s@%s", account["user"], account["host"])
        )
        found[who] = " ".join(
            [*rights, str(account["plugin"]), _text(account["ssl_type"]), str(account["account_locked"])]
        )
    return found


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def checksums(server: Server, params: dict[str, Any]) -> dict[str, Any]:
    """Sums of every table's rows in chunks by primary key, seen in one snapshot, and the GTIDs around it."""
    until = time.monotonic() + params["checksum_seconds"] if params["checksum_seconds"] else None
    before = executed(server)
    server.run("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    server.run("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
    after = executed(server)
    tables: dict[str, Any] = {}
    skipped: list[str] = []
    try:
        for name in _tables(server, params["databases"]):
            if params["checksum_tables"] and name not in params["checksum_tables"]:
                continue
            tables[name], whole = table_sums(server, name, params["chunk_rows"], until)
            if not whole:
                skipped.append(name)
    finally:
        server.run("ROLLBACK")
    return {"gtids": after if before == after else "", "tables": tables, "unfinished": skipped}


def _tables(server: Server, databases: list[str]) -> list[str]:
    """The small ones first, so that where the time is short it is the large ones that are left out."""
    server.run("SET SESSION information_schema_stats_expiry = 0")
    found = [
        (int(row["size"] or 0), f"{database}.{row['name']}")
        for database in databases
        for row in server.rows(
            "SELECT table_name AS name, data_length AS size FROM information_schema.tables "
            "WHERE table_schema = %s AND table_type = 'BASE TABLE'",
            database,
        )
    ]
    return [name for _, name in sorted(found)]


def table_sums(server: Server, name: str, chunk_rows: int, until: float | None) -> tuple[list[list[Any]], bool]:
    """The table's chunks as (rows, sum), and whether the time sufficed for all of them."""
    database, table = name.split(".", 1)
    columns = [
        quote(row["name"])
        for row in server.rows(
            "SELECT column_name AS name FROM information_schema.columns WHERE table_schema = %s AND table_name = %s "
            "AND generation_expression = '' ORDER BY ordinal_position",
            database,
            table,
        )
    ]
    key = [
        row["name"]
        for row in server.rows(
            "SELECT column_name AS name FROM information_schema.statistics "
            "WHERE table_schema = %s AND table_name = %s AND index_name = 'PRIMARY' ORDER BY seq_in_index",
            database,
            table,
        )
    ]
    # a NULL and an empty text are not the same
    row_sum = (
        f"CRC32(CONCAT_WS('#', {', '.join(columns)}, CONCAT({', '.join(f'ISNULL({column})' for column in columns)})))"
    )
    source = f"{quote(database)}.{quote(table)}"
    totals = f"COUNT(*) AS n, COALESCE(BIT_XOR({row_sum}), 0) AS x, COALESCE(SUM({row_sum}), 0) AS s"
    if not key:
        row = server.rows(f"SELECT {totals} FROM {source}")[0]
        return [[int(row["n"]), f"{row['x']}-{row['s']}"]], True
    keys = ", ".join(quote(column) for column in key)
    chunks: list[list[Any]] = []
    last: list[Any] = []
    while True:
        if until is not None and time.monotonic() > until:
            return chunks, False
        # MySQL takes a comparison of rows for no range: the first column alone is one
        where = f"WHERE {quote(key[0])} >= %s AND ({keys}) > ({', '.join(['%s'] * len(key))})" if last else ""
        inside = f"SELECT * FROM {source} {where} ORDER BY {keys} LIMIT {int(chunk_rows)}"
        row = server.rows(f"SELECT {totals} FROM ({inside}) AS chunk", *last)[0]
        chunks.append([int(row["n"]), f"{row['x']}-{row['s']}"])
        if row["n"] < chunk_rows:
            return chunks, True
        end = server.rows(f"SELECT {keys} FROM ({inside}) AS chunk ORDER BY {keys} DESC LIMIT 1", *last)[0]
        last = [end[key[0]], *(end[column] for column in key)]


def agent(url: str, ca: str, wanted: dict[str, int]) -> dict[str, int]:
    """The agent's status by path, 0 where it does not answer; it is given a moment to say what is wanted."""
    context = ssl.create_default_context(cafile=ca)
    until = time.monotonic() + AGENT_SECONDS
    while True:
        found = ask_agent(url, context)
        if wanted.items() <= found.items() or time.monotonic() > until:
            return found
        time.sleep(0.5)


def ask_agent(url: str, context: ssl.SSLContext) -> dict[str, int]:
    found = {}
    for path in ("source", "replica"):
        try:
            with urllib.request.urlopen(f"{url}/{path}", timeout=3, context=context) as answer:
                found[path] = answer.status
        except urllib.error.HTTPError as error:
            found[path] = error.code
        except OSError:
            found[path] = 0
    return found


def reach(server: Server, gtids: str, timeout: int) -> bool:
    """Wait until these transactions are executed here, but not for an applier that does not run."""
    until = time.monotonic() + timeout
    while gtids:
        if server.value("SELECT WAIT_FOR_EXECUTED_GTID_SET(%s, 1)", gtids) == 0:
            return True
        if time.monotonic() > until or server.replica_status().get("Replica_SQL_Running") == "No":
            return False
    return True


def sums(server: Server, params: dict[str, Any]) -> dict[str, Any]:
    reach(server, params["gtids"], params["timeout"])
    return {"checksums": checksums(server, params)}


def read(server: Server, params: dict[str, Any]) -> dict[str, Any]:
    reached = reach(server, params["gtids"], params["timeout"])
    flags = server.rows("SELECT @@GLOBAL.read_only AS ro, @@GLOBAL.super_read_only AS sro")[0]
    status = server.replica_status()
    canary = params["canary_database"]
    has_canary = canary and server.value(
        "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = %s AND table_name = 'canary'", canary
    )
    writable = not (flags["ro"] or flags["sro"])
    wanted = {"source": 200} if writable else {"source": 503, "replica": 200}
    return {
        "reached": reached,
        "gtids": executed(server),
        "writable": writable,
        "super_read_only": bool(flags["sro"]),
        "channel": bool(status),
        "receiving": status.get("Replica_IO_Running", ""),
        "applying": status.get("Replica_SQL_Running", ""),
        "error": (status.get("Last_IO_Error") or status.get("Last_SQL_Error") or "") if status else "",
        "token": server.value(f"SELECT token FROM {quote(canary)}.canary WHERE name = 'gate'") if has_canary else None,
        "databases": [
            row["name"]
            for row in server.rows("SELECT schema_name AS name FROM information_schema.schemata ORDER BY 1")
            if row["name"] not in SYSTEM_SCHEMAS
        ],
        "schemas": schemas(server, params["databases"]),
        "grants": grants(server),
        "checksums": checksums(server, params),
        "agent": agent(params["agent_url"], params["agent_ca"], wanted) if params["agent_url"] else {},
    }


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "action": {"type": "str", "choices": ["mark", "read", "sums", "sets"], "required": True},
            "databases": {"type": "list", "elements": "str", "default": []},
            "canary_database": {"type": "str", "default": ""},
            # no_log: a token is a random word of one run and opens nothing
            "token": {"type": "str", "default": "", "no_log": False},
            "gtids": {"type": "str", "default": ""},
            "timeout": {"type": "int", "default": 30},
            "checksum_seconds": {"type": "float", "default": 2},
            "checksum_tables": {"type": "list", "elements": "str", "default": []},
            "chunk_rows": {"type": "int", "default": 10000},
            "agent_url": {"type": "str", "default": ""},
            "agent_ca": {"type": "path", "default": ""},
        },
        supports_check_mode=True,
    )
    params = module.params
    try:
        # to sum up every row takes as long as it takes
        server = Server.local(timeout=3600 if params["action"] in ("read", "sums") else params["timeout"])
        if params["action"] == "mark":
            reading = mark(server, params, module.check_mode)
        elif params["action"] == "sets":
            reading = {"gtids": executed(server)}
        elif params["action"] == "sums":
            reading = sums(server, params)
        else:
            reading = read(server, params)
    except (NotAnswering, *DATABASE_ERRORS) as error:
        # the verdict over all nodes is the filter's
        reading = {"failure": f"MySQL does not answer: {error}"}
    module.exit_json(changed=False, reading=reading)


if __name__ == "__main__":
    main()
