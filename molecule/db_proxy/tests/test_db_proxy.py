"""Where the application's connections end, as the database's nodes change what they are."""

import collections
import time

import pytest
import testinfra

from proof.waiting import until

NODES = ("db1", "db2", "db3")
WRITES, READS = 3306, 3307
testinfra_hosts = ["ansible://app_nodes"]

# opens connections one after the other and prints who answered each ("-" for nobody)
CONNECT = """
import socket
for _ in range({count}):
    try:
        with socket.create_connection(('127.0.0.1', {port}), 5) as link:
            link.settimeout(5)
            print(link.recv(64).decode() or '-')
    except OSError:
        print('-')
"""
# holds one connection and prints how many seconds it lived
HOLD = """
import socket, time
link = socket.create_connection(('127.0.0.1', {port}), 5)
link.settimeout(20)
link.recv(64)
print('open', flush=True)
started = time.monotonic()
try:
    link.recv(64)
except ConnectionResetError:
    pass
print(time.monotonic() - started)
"""


def node(name):
    return testinfra.get_host(f"docker://molecule-db-proxy-{name}")


def become(**roles):
    for name, role in roles.items():
        node(name).check_output(f"echo '{role}' > /run/stand-in.roles")


def who(host, port, count=1):
    """Who answers new connections to this port, and how often."""
    return collections.Counter(host.check_output(f'python3 -c "{CONNECT.format(port=port, count=count)}"').split())


def wait_until(host, port, expected, seconds, count=8):
    """Give the seconds until new connections end at these nodes and no others."""
    started = time.monotonic()
    while time.monotonic() - started < seconds:
        answered = set(who(host, port, count))
        if answered == set(expected):
            return time.monotonic() - started
        time.sleep(0.1)
    raise AssertionError(f"port {port} leads to {sorted(answered)}, not to {sorted(expected)}")


@pytest.fixture(autouse=True)
def usual_roles(host):
    """Every test begins with db1 as the source and two fresh replicas."""
    for name in NODES:
        node(name).check_output("systemctl kill -s CONT stand-in")
    become(db1="source alive", db2="replica alive", db3="replica alive")
    wait_until(host, WRITES, {"db1"}, 15)
    wait_until(host, READS, {"db2", "db3"}, 15)


def test_writes_end_at_the_source(host):
    assert who(host, WRITES, 20) == {"db1": 20}


def test_reads_end_at_the_replicas_by_weight(host):
    answered = who(host, READS, 40)
    assert answered["db2"] == pytest.approx(30, abs=2)
    assert answered["db3"] == pytest.approx(10, abs=2)


def test_writes_follow_a_switchover(host):
    become(db1="replica alive")
    wait_until(host, WRITES, {"-"}, 4)
    become(db2="source alive")
    wait_until(host, WRITES, {"db2"}, 5)


def test_nobody_is_written_to_while_two_say_they_are_the_source(host):
    become(db2="source alive")
    wait_until(host, WRITES, {"-"}, 5)


def test_a_frozen_source_is_out_within_four_seconds_and_its_connections_are_cut(host):
    host.check_output(f'python3 -c "{HOLD.format(port=WRITES)}" > /tmp/held 2>&1 &')

    def said():
        return host.run("cat /tmp/held").stdout.split()

    until(said, "the connection is held", seconds=10)
    node("db1").check_output("systemctl kill -s STOP stand-in")
    assert wait_until(host, WRITES, {"-"}, 8, count=1) < 5
    # its age is the last thing that it writes
    opened, lived = until(said, "the held connection ends", seconds=10, holds=lambda words: len(words) == 2)
    assert opened == "open"
    assert float(lived) < 5


def test_a_stopped_source_is_out_within_three_seconds(host):
    node("db1").check_output("systemctl stop stand-in")
    try:
        wait_until(host, WRITES, {"-"}, 3)
    finally:
        node("db1").check_output("systemctl start stand-in")


def test_reads_go_on_without_a_replica(host):
    become(db2="alive")
    wait_until(host, READS, {"db3"}, 6)


def test_reads_go_to_the_source_when_no_replica_is_fresh(host):
    become(db2="alive", db3="alive")
    wait_until(host, READS, {"db1"}, 6)


def test_reads_go_to_whoever_is_alive_at_last(host):
    become(db1="", db2="alive", db3="alive")
    wait_until(host, READS, {"db2", "db3"}, 25)


@pytest.mark.parametrize(
    "forge",
    [
        pytest.param("echo {stolen} | base64 -d | tar -xC {tls}", id="another-nodes-certificate"),
        pytest.param(
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=db2 "
            "-addext subjectAltName=DNS:db2 -keyout {tls}/node.key -out {tls}/node.pem",
            id="an-authority-nobody-knows",
        ),
    ],
)
def test_an_agent_that_cannot_prove_its_name_is_not_believed(host, forge):
    tls = "/etc/inventario/tls"
    stolen = node("db1").check_output(f"tar -cC {tls} node.pem node.key | base64 -w0")
    node("db2").check_output(f"cp -a {tls} /root/tls")
    try:
        node("db2").check_output(f"{forge.format(stolen=stolen, tls=tls)} && systemctl restart stand-in")
        wait_until(host, READS, {"db3"}, 8)
        # and it stays out, so it was not its restart that was noticed
        time.sleep(5)
        assert set(who(host, READS, 8)) == {"db3"}
    finally:
        node("db2").check_output(f"cp -a /root/tls/. {tls}/ && rm -r /root/tls && systemctl restart stand-in")


def test_nothing_is_open_to_the_network(host):
    for port in (WRITES, READS, 8404):
        assert host.socket(f"tcp://127.0.0.1:{port}").is_listening
        assert not host.socket(f"tcp://0.0.0.0:{port}").is_listening


def test_a_killed_proxy_comes_back(host):
    master = "systemctl show --property MainPID --value haproxy"
    before = host.check_output(master)
    host.check_output("pkill -KILL -o haproxy")
    until(lambda: host.check_output(master) not in ("0", before), "another process is started", seconds=15)
    wait_until(host, WRITES, {"db1"}, 15)


def test_the_proxy_starts_with_its_host(host):
    assert host.service("haproxy").is_enabled
