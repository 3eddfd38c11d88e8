"""Promise: an application that is nobody's here is served by the same roles: its database is replicated, the gate
watches it, and what its users see when a node is lost is what inventory/byo.example/README.md says.

python -m pytest tests/byo --cluster-inventory=inventory/test_byo
"""

from __future__ import annotations

import subprocess
import time
import urllib.request
from collections.abc import Callable

import pytest
from guests import LOOK, READ, SIGN, Reader, Signatures, in_flight

from proof.cluster import SOCKET, Cluster, Node
from proof.faults import FROZEN, KILLED, Fault, process_killed
from proof.figures import Measure
from proof.load import Load, Result
from proof.playbook import PlaybookRun
from proof.waiting import lasts, until

RATE = 40
REQUESTS = 400
# longer than the load balancer waits for a POST
PATIENCE_SECONDS = 30
SLOWEST_READ_SECONDS = 5
BACK_SECONDS = 60
# writes are held up at the source for so long, so that some are under way when the node is lost
HELD_SECONDS = 3


def page(cluster: Cluster, path: str = "/") -> tuple[str, str]:
    """A page, and which node it came from: none where NGINX itself had it."""
    with urllib.request.urlopen(cluster.url + path, timeout=10) as answer:
        return answer.read().decode(), answer.headers.get("X-Served-By", "")


def entries(node: Node, cluster: Cluster, mark: str) -> list[str]:
    return [row[0] for row in node.sql(f"SELECT message FROM entries WHERE message LIKE '{mark}-%'", cluster.database)]


@pytest.fixture
def mark() -> str:
    """What begins the entries of this test."""
    return f"T{time.time_ns()}"


def load_of(cluster: Cluster, signatures: Signatures) -> Load:
    return Load(
        lambda _: Reader(cluster.url),
        # an odd number, so that two nodes in turn get both kinds
        [(LOOK, 2), (signatures.step, 1)],
        rate=RATE,
        at_least=REQUESTS,
        at_most=RATE * 300,
        request_seconds=PATIENCE_SECONDS,
    )


def test_it_is_deployed_and_a_second_run_changes_nothing(cluster: Cluster, first_run: PlaybookRun | None) -> None:
    if first_run:
        first_run.expect_success()
    again = cluster.site().expect_success()
    assert not again.changed, again.changed


def test_its_database_alone_is_there_with_accounts_of_its_own(cluster: Cluster) -> None:
    assert cluster.database == "db_guestbook"
    for node in cluster.database_nodes:
        databases = {row[0] for row in node.sql("SHOW DATABASES LIKE 'db\\_%'")}
        assert databases == {"db_guestbook", cluster.meta_database}
        accounts = {row[0] for row in node.sql("SELECT DISTINCT user FROM mysql.user WHERE user LIKE 'guestbook%'")}
        assert accounts == {"guestbook_writer", "guestbook_reader", "guestbook_migrator"}
        assert not node.sql("SELECT user FROM mysql.user WHERE user LIKE 'inventario\\_%er'")
    logged = cluster.source.sql("SHOW BINARY LOG STATUS")[0][2].split(",")
    assert set(logged) == {"db_guestbook", cluster.meta_database}


def test_what_is_written_through_the_load_balancer_arrives_at_every_replica(cluster: Cluster, mark: str) -> None:
    form = f"author=Ana&message={mark}-00001".encode()
    with urllib.request.urlopen(cluster.url + "/", data=form, timeout=10) as answer:
        assert answer.status == 200
    for replica in cluster.replicas:
        cluster.catch_up(replica)
        assert entries(replica, cluster, mark) == [f"{mark}-00001"]
    assert f"{mark}-00001" in page(cluster)[0]


def test_its_files_come_from_nginx_and_what_is_not_there_from_a_node(cluster: Cluster) -> None:
    style, served_by = page(cluster, "/static/guestbook.css")
    assert "system-ui" in style
    assert served_by == ""
    gone = "/var/lib/loadbalancer/static/static/guestbook.css"
    balancer = cluster.load_balancers[0]
    balancer.run("mv %s %s.away", gone, gone)
    try:
        again, served_by = page(cluster, "/static/guestbook.css")
    finally:
        balancer.run("mv %s.away %s", gone, gone)
    assert again == style
    assert served_by in {node.name for node in cluster.app_nodes}


def test_the_gate_finds_a_row_that_a_replica_lacks(cluster: Cluster, mark: str) -> None:
    cluster.source.sql(f"INSERT INTO entries (author, message) VALUES ('Eva', '{mark}-00001')", cluster.database)
    replica = cluster.replicas[0]
    cluster.catch_up(replica)
    cluster.verify().expect_success()
    silently = "SET sql_log_bin = 0; SET GLOBAL super_read_only = OFF; {}; SET GLOBAL super_read_only = ON"
    columns, row = "id, author, message, written_at", f"message = '{mark}-00001'"
    kept = replica.sql(f"SELECT {columns} FROM entries WHERE {row}", cluster.database)[0]
    replica.sql(silently.format(f"DELETE FROM entries WHERE {row}"), cluster.database)
    try:
        cluster.verify().expect_refusal(replica.name, "db_guestbook.entries")
    finally:
        values = ", ".join(f"'{value}'" for value in kept)
        replica.sql(silently.format(f"INSERT INTO entries ({columns}) VALUES ({values})"), cluster.database)
    cluster.verify().expect_success()


def test_the_gate_asks_for_the_page_that_was_told(cluster: Cluster) -> None:
    other = cluster.play("playbooks/verify.yml", "-e", "verify_page_text=Visitors")
    other.expect_refusal("app", "app1", "do not contain 'Visitors'")


def held_up(cluster: Cluster) -> subprocess.Popen[bytes]:
    """Writes to the guest book wait at the source from now on, for HELD_SECONDS; reads go on at the replica."""
    source = cluster.source
    statement = f"LOCK TABLES {cluster.database}.entries READ; SELECT SLEEP({HELD_SECONDS})"
    client = ["mysql", "--no-defaults", f"--socket={SOCKET}", f"--execute={statement}"]
    return subprocess.Popen(["docker", "exec", source.target, *client], stdout=subprocess.DEVNULL)


def expect_kept_once(cluster: Cluster, signatures: Signatures, mark: str) -> int:
    """Whoever was thanked is in the book, nobody twice; how many are whose writers were told of a failure."""
    for node in cluster.database_nodes:
        cluster.catch_up(node)
        found = entries(node, cluster, mark)
        assert len(found) == len(set(found)), "an entry was kept twice"
        assert signatures.thanked <= set(found), f"{node} lacks entries whose writers were thanked"
        assert set(found) <= signatures.sent
    return len(set(found) - signatures.thanked)


def expect_all_reads(result: Result) -> None:
    reads = result.only(READ)
    assert reads.requests >= REQUESTS / 2
    assert not reads.failures, reads.describe()
    assert reads.slowest <= SLOWEST_READ_SECONDS


@pytest.mark.parametrize("fault", [KILLED, process_killed("webapp.service")], ids=str)
def test_a_node_that_dies_takes_the_posts_along_that_it_had(
    cluster: Cluster, measure: Measure, say: Callable[[str], None], mark: str, fault: Fault
) -> None:
    """Every page that is read is answered, by the other node if need be. A form that the node had is not sent to
    another one, because it may have been kept: its writer is told of a failure. Later forms find the other node."""
    signatures = Signatures(mark)
    node = cluster.app_nodes[0]
    struck: list[float] = []

    def strike(load: Load) -> None:
        until(lambda: len(load.served_since(0)) == len(cluster.app_nodes), "every node answers", seconds=20)
        with held_up(cluster) as lock:
            lasts(HELD_SECONDS / 2)
            struck.append(load.mark(f"{node} {fault}"))
            fault.strike(node)
            struck.append(load.mark("it is gone"))
            lock.wait()
        lasts(fault.seconds)
        fault.mend(node)
        mended = load.mark(f"{node} mended")
        until(lambda: node.name in load.served_since(mended), f"{node} answers again", seconds=BACK_SECONDS)

    result = measure(load_of(cluster, signatures), strike)
    expect_all_reads(result)
    failed = result.only(SIGN).failures
    under_way = [answer for answer in result.only(SIGN).answers if in_flight(answer, struck[0])]
    assert under_way
    assert failed, "none of the forms that the node had failed: was it struck?"
    assert all(answer.due <= struck[1] + 1 for answer in failed), result.describe()
    assert {answer.status for answer in failed} == {502}
    unthanked = expect_kept_once(cluster, signatures, mark)
    say(
        f"{fault}: {len(failed)} of {result.only(SIGN).requests} POSTs failed, {len(under_way)} were under way; "
        f"{unthanked} of those that failed are in the book all the same; "
        f"0 of {result.only(READ).requests} GETs failed, slowest {result.only(READ).slowest:.1f} s"
    )


def test_a_node_that_is_frozen_keeps_its_posts_waiting(
    cluster: Cluster, measure: Measure, say: Callable[[str], None], mark: str
) -> None:
    """Nobody can tell a frozen node from one that is slow to write: a form that it was sent waits for it, up to
    loadbalancer_write_timeout, and is never sent to another one. Reads cost 3 s at most."""
    signatures = Signatures(mark)
    node = cluster.app_nodes[0]
    moments: list[float] = []

    def strike(load: Load) -> None:
        until(lambda: len(load.served_since(0)) == len(cluster.app_nodes), "every node answers", seconds=20)
        moments.append(load.mark(f"{node} {FROZEN}"))
        FROZEN.strike(node)
        lasts(FROZEN.seconds)
        FROZEN.mend(node)
        moments.append(load.mark(f"{node} mended"))
        until(lambda: node.name in load.served_since(moments[1]), f"{node} answers again", seconds=BACK_SECONDS)

    result = measure(load_of(cluster, signatures), strike)
    expect_all_reads(result)
    posts = result.only(SIGN)
    waited = [answer for answer in posts.answers if answer.seconds > SLOWEST_READ_SECONDS]
    assert waited, "no form was sent to the frozen node"
    assert all(moments[0] - 1 <= answer.due <= moments[1] for answer in [*waited, *posts.failures]), result.describe()
    # the others went to the node that answers: a frozen one is left out after two failures, and tried now and then
    assert len(waited) < posts.requests / 3
    unthanked = expect_kept_once(cluster, signatures, mark)
    say(
        f"frozen: {len(waited)} of {posts.requests} POSTs waited, {posts.slowest:.1f} s at most, {len(posts.failures)} "
        f"failed; {unthanked} of those that failed are in the book all the same; "
        f"0 of {result.only(READ).requests} GETs failed, slowest {result.only(READ).slowest:.1f} s"
    )
