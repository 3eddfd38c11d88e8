"""Promise: the gate fails when something is wrong, and names it. Each fault is made by hand, found, and mended."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from proof.cluster import Cluster, Node

# in one session, so that the health agent has no time to close the node between two statements
OPEN = "SET GLOBAL super_read_only = OFF; "
CLOSE = "; SET GLOBAL super_read_only = ON"


def test_a_sound_cluster_passes(cluster: Cluster) -> None:
    cluster.verify().expect_success()


@contextmanager
def row_dropped(cluster: Cluster, replica: Node) -> Iterator[tuple[str, ...]]:
    """A row is missing on one replica, without any trace in its GTIDs."""
    # no product of the tests has the last unit; foreign keys would be in the way of the first one
    columns = [
        row[0]
        for row in replica.sql(
            "SELECT column_name FROM information_schema.columns "
            f"WHERE table_schema = '{cluster.database}' AND table_name = 'units' ORDER BY ordinal_position"
        )
    ]
    values = ", ".join(f"HEX(CONCAT({column}))" for column in columns)
    last = replica.sql(f"SELECT {values} FROM units ORDER BY position DESC LIMIT 1", cluster.database)[0]
    drop = f"DELETE FROM units WHERE HEX(code) = '{last[columns.index('code')]}'"
    replica.sql(f"SET sql_log_bin = 0; {OPEN}{drop}{CLOSE}", cluster.database)
    try:
        yield replica.name, "units"
    finally:
        texts = ", ".join(f"CONVERT(UNHEX('{value}') USING utf8mb4)" for value in last)
        replica.sql(
            f"SET sql_log_bin = 0; {OPEN} INSERT INTO units ({', '.join(columns)}) VALUES ({texts}){CLOSE}",
            cluster.database,
        )


@contextmanager
def errant_transaction(cluster: Cluster, replica: Node) -> Iterator[tuple[str, ...]]:
    """A transaction that the replica has and the source has not."""
    uuid = replica.value("@@GLOBAL.server_uuid")
    executed = replica.value("@@GLOBAL.gtid_executed").replace("\\n", "")
    own = re.search(rf"{uuid}:(?:[\d:-]*[-:])?(\d+)(?:,|$)", executed)
    gtid = f"{uuid}:{int(own[1]) + 1 if own else 1}"
    empty = f"SET GTID_NEXT = '{gtid}'; BEGIN; COMMIT; SET GTID_NEXT = 'AUTOMATIC'"
    replica.sql(f"{OPEN}{empty}{CLOSE}")
    try:
        yield replica.name, gtid.partition(":")[0]
    finally:
        # an empty transaction of the same name makes it everybody's
        cluster.source.sql(empty)


@contextmanager
def grant_differs(cluster: Cluster, replica: Node) -> Iterator[tuple[str, ...]]:
    """An account may do more on one replica than elsewhere."""
    user, host = replica.sql("SELECT user, host FROM mysql.user WHERE user LIKE '%reader' ORDER BY host LIMIT 1")[0]
    replica.sql(f"SET sql_log_bin = 0; {OPEN} GRANT DELETE ON {cluster.database}.* TO '{user}'@'{host}'{CLOSE}")
    try:
        yield replica.name, user
    finally:
        replica.sql(f"SET sql_log_bin = 0; {OPEN} REVOKE DELETE ON {cluster.database}.* FROM '{user}'@'{host}'{CLOSE}")


@contextmanager
def applier_stopped(_cluster: Cluster, replica: Node) -> Iterator[tuple[str, ...]]:
    """A replica receives and applies nothing."""
    replica.sql("STOP REPLICA SQL_THREAD")
    try:
        yield (replica.name,)
    finally:
        replica.sql("START REPLICA")


@contextmanager
def out_of_rotation(cluster: Cluster, _replica: Node) -> Iterator[tuple[str, ...]]:
    """An application node answers nobody."""
    node = cluster.app_nodes[-1]
    node.run("systemctl stop webapp.socket webapp.service")
    try:
        yield (node.name,)
    finally:
        node.run("systemctl start webapp.socket webapp.service")


Sabotage = Callable[[Cluster, Node], AbstractContextManager[tuple[str, ...]]]


@pytest.mark.parametrize("sabotage", [row_dropped, errant_transaction, grant_differs, applier_stopped, out_of_rotation])
def test_gate_catches(cluster: Cluster, sabotage: Sabotage) -> None:
    replica = cluster.replicas[-1]
    with sabotage(cluster, replica) as words:
        run = cluster.verify()
    run.expect_refusal(*words)


def test_mended_cluster_passes_again(cluster: Cluster) -> None:
    cluster.verify().expect_success()
