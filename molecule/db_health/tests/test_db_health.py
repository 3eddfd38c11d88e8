"""The agent tells the truth about its node, and opens it only when no other can be open."""

import contextlib
import json
import time

import pytest
import testinfra

from proof.waiting import becomes

ADDRESSES = {"maestro1": "172.31.3.31", "slave1": "172.31.3.32", "slave2": "172.31.3.33"}
EPOCH = "/var/lib/mysql/cluster/epoch.json"
ASK = """
import ssl, sys, urllib.error, urllib.request
trust = ssl.create_default_context(cafile="/etc/inventario/tls/ca.pem")
try:
    answer = urllib.request.urlopen(sys.argv[1], context=trust, timeout=3)
except urllib.error.HTTPError as error:
    answer = error
print(answer.status)
print(answer.read().decode())
"""


def node(name):
    return testinfra.get_host(f"docker://molecule-db-health-{name}")


def ask(name, path):
    """Ask from another node, over TLS that is verified; give (status, body)."""
    asker = node("slave2" if name == "slave1" else "slave1")
    status, body = asker.check_output("python3 -c %s %s", ASK, f"https://{ADDRESSES[name]}:9200{path}").split("\n", 1)
    return int(status), body


def status(name, path):
    return ask(name, path)[0]


def state(name):
    return json.loads(ask(name, "/state")[1])


def sql(name, statement):
    return node(name).check_output("mysql --batch --skip-column-names --execute %s", statement)


def is_closed(name):
    return sql(name, "SELECT @@GLOBAL.super_read_only") == "1"


@pytest.fixture(autouse=True)
def whole():
    """Every test begins and ends with a cluster that is well."""
    yield
    paths = [("maestro1", "/source"), ("slave1", "/replica"), ("slave2", "/replica")]
    becomes(lambda: [status(name, path) for name, path in paths], [200] * 3, seconds=40)


@pytest.mark.parametrize(
    ("name", "answers"),
    [
        ("maestro1", {"/source": 200, "/replica": 503, "/alive": 200}),
        ("slave1", {"/source": 503, "/replica": 200, "/alive": 200}),
        ("slave2", {"/source": 503, "/replica": 200, "/alive": 200}),
    ],
)
def test_each_says_what_it_is(name, answers):
    assert {path: status(name, path) for path in answers} == answers


def test_an_unknown_path_is_told():
    assert status("maestro1", "/nothing") == 404


def test_the_state_names_what_decides():
    told = state("slave1")
    assert (told["node"], told["role"], told["epoch"], told["epoch_source"]) == ("slave1", "replica", 1, "maestro1")
    assert told["gtid_executed"]
    assert told["checked_seconds_ago"] < 3


def test_only_tls():
    plain = node("slave1").run(
        "python3 -c %s",
        f"import urllib.request as u; u.urlopen('http://{ADDRESSES['maestro1']}:9200/alive', timeout=3)",
    )
    assert plain.rc != 0


def test_it_runs_small_and_as_nobody_else():
    agent = node("slave1").process.get(user="db_health")
    assert "db-health" in agent.args
    sum_up = "/^Private_/ {sum += $2} END {print sum}"
    private = node("slave1").check_output("awk %s %s", sum_up, f"/proc/{agent.pid}/smaps_rollup")
    assert int(private) < 25 * 1024


def test_a_restarted_source_opens_itself():
    node("maestro1").check_output("systemctl restart mysql")
    becomes(lambda: status("maestro1", "/source"), 200, seconds=30)
    sql("maestro1", "REPLACE INTO db_cluster.canary (name, token) VALUES ('restarted', 'yes')")


def test_a_killed_source_opens_itself():
    node("maestro1").check_output("systemctl kill --signal KILL mysql")
    becomes(lambda: status("maestro1", "/source"), 503)
    becomes(lambda: status("maestro1", "/source"), 200, seconds=30)


def test_a_source_without_peers_closes_and_opens_again():
    for name in ("slave1", "slave2"):
        node(name).check_output("systemctl stop db-health")
    try:
        becomes(lambda: is_closed("maestro1"), True)
        assert status("maestro1", "/source") == 503
        assert "1 of the 2" in state("maestro1")["reason"]
        # one of two peers is enough
        node("slave1").check_output("systemctl start db-health")
        becomes(lambda: is_closed("maestro1"), False)
    finally:
        for name in ("slave1", "slave2"):
            node(name).check_output("systemctl start db-health")


@contextlib.contextmanager
def epoch(name, number, source):
    host = node(name)
    before = host.file(EPOCH).content_string
    try:
        host.check_output("printf %%s %s > " + EPOCH, json.dumps({"epoch": number, "source": source}))
        yield
    finally:
        host.check_output("printf %%s %s > " + EPOCH, before)
        # what an agent has once read or heard it does not forget: first the one that read it, then the other
        for agent in dict.fromkeys((name, "maestro1")):
            node(agent).check_output("systemctl restart db-health")


def test_a_higher_epoch_anywhere_closes_the_source():
    with epoch("slave2", 2, "slave2"):
        becomes(lambda: is_closed("maestro1"), True, seconds=5)
        assert status("maestro1", "/source") == 503
        # it still replicates, so it does not open either
        assert is_closed("slave2")


def test_its_own_epoch_naming_another_closes_the_source():
    with epoch("maestro1", 2, "slave1"):
        becomes(lambda: is_closed("maestro1"), True, seconds=5)


def test_a_replica_opened_by_hand_is_closed_again():
    sql("slave1", "SET GLOBAL super_read_only = OFF")
    sql("slave1", "SET GLOBAL read_only = OFF")
    becomes(lambda: is_closed("slave1"), True, seconds=5)


def test_a_replica_that_does_not_apply_is_stale_but_alive():
    sql("slave1", "STOP REPLICA SQL_THREAD")
    try:
        becomes(lambda: status("slave1", "/replica"), 503)
        assert status("slave1", "/alive") == 200
    finally:
        sql("slave1", "START REPLICA SQL_THREAD")


def test_without_mysql_nothing_is_alive():
    node("slave1").check_output("systemctl stop mysql")
    try:
        becomes(lambda: [status("slave1", path) for path in ("/source", "/replica", "/alive")], [503] * 3)
    finally:
        node("slave1").check_output("systemctl start mysql")


def test_a_frozen_mysql_holds_no_answer_up():
    host = node("slave1")
    host.check_output("systemctl kill --signal STOP mysql")
    try:
        becomes(lambda: status("slave1", "/alive"), 503)
        began = time.monotonic()
        assert status("slave1", "/state") == 200
        assert time.monotonic() - began < 2
    finally:
        host.check_output("systemctl kill --signal CONT mysql")
