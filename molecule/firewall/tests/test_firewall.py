"""Who may open what, and that nobody is shut out for good: seen by opening connections from other hosts."""

import contextlib
import re
import socket
import subprocess

import pytest
import testinfra

from proof.waiting import until

testinfra_hosts = ["ansible://server"]

SERVICE, OTHER, SSH = 8000, 8001, 22
TABLE = "nft --stateless list table inet inventario"
FILE = "/etc/inventario/firewall.nft"
# one word of how an attempt to open a connection ends
KNOCK = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), 5).close()
    print('open')
except ConnectionRefusedError:
    print('refused')
except OSError as error:
    print(error)
"""
# opens a connection, says so, and asks for a page when it is told to
ASK_LATER = """
import http.client, pathlib, sys
link = http.client.HTTPConnection(sys.argv[1], 8000, timeout=10)
link.connect()
print('connected', flush=True)
sys.stdin.readline()
link.request('GET', '/')
print(link.getresponse().status, flush=True)
"""


def node(name):
    return testinfra.get_host(f"docker://molecule-firewall-{name}")


@pytest.fixture
def address(host):
    return host.check_output("hostname --all-ip-addresses").split()[0]


@pytest.fixture
def other_service(host):
    """A server on a port that nobody is allowed to open."""
    host.check_output("systemd-run --unit=other-service --collect python3 -m http.server 8001")
    until(lambda: host.socket(f"tcp://0.0.0.0:{OTHER}").is_listening, "the other service listens", seconds=10)
    yield
    host.check_output("systemctl stop other-service")


@pytest.fixture
def former(host, play):
    """The scenario's own rules, which a test ends with too."""
    assert play("converge.yml").returncode == 0
    yield host.check_output(TABLE)
    assert play("converge.yml").returncode == 0


def knock(name, address, port):
    return node(name).check_output("python3 -c %s %s %s", KNOCK, address, str(port))


def knock_from_here(address, port):
    with contextlib.suppress(OSError), socket.create_connection((address, port), 5):
        return "open"
    return "refused"


def friend_may(port):
    return {"port": port, "sources": [node("friend").check_output("hostname --all-ip-addresses").split()[0]]}


def changed_nothing(run):
    return run.returncode == 0 and set(re.findall(r"changed=(\d+)", run.stdout)) == {"0"}


ANYBODY_BY_SSH = {"port": SSH, "sources": ["any"], "comment": "SSH"}
NOBODY_BY_SSH = {"port": SSH, "sources": ["192.0.2.1"], "comment": "SSH"}


@pytest.mark.parametrize(("who", "end"), [("friend", "open"), ("stranger", "refused")])
def test_a_port_is_open_to_those_who_need_it(address, who, end):
    assert knock(who, address, SERVICE) == end


@pytest.mark.usefixtures("other_service")
def test_a_port_that_nobody_is_allowed_is_refused(address):
    assert knock("friend", address, OTHER) == "refused"


@pytest.mark.usefixtures("other_service")
def test_the_host_reaches_itself(address):
    assert knock("server", address, OTHER) == "open"
    assert knock("server", "127.0.0.1", OTHER) == "open"


def test_what_the_host_opens_itself_is_answered(host):
    """Names are resolved and packages fetched: answers come in, by UDP too."""
    friend = node("friend").check_output("hostname --all-ip-addresses").split()[0]
    script = (
        "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('0.0.0.0', 5300)); "
        "data, peer = s.recvfrom(64); s.sendto(data, peer)"
    )
    node("friend").check_output("systemd-run --unit=echo --collect python3 -c %s", script)
    until(lambda: node("friend").socket("udp://0.0.0.0:5300").is_listening, "the echo listens", seconds=10)
    ask = (
        "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(5); "
        f"s.sendto(b'heard', ('{friend}', 5300)); print(s.recv(64).decode())"
    )
    assert host.check_output("python3 -c %s", ask) == "heard"


@pytest.mark.usefixtures("former", "other_service")
def test_more_ports_are_a_setting(address, play):
    assert play("converge.yml", common_firewall_extra_rules=[friend_may(OTHER)]).returncode == 0
    assert knock("friend", address, OTHER) == "open"
    assert knock("stranger", address, OTHER) == "refused"


def test_check_mode_shows_what_would_change_and_changes_nothing(host, former, play):
    run = play("converge.yml", "--check", "--diff", common_firewall_extra_rules=[friend_may(OTHER)])
    assert run.returncode == 0, run.stdout
    added = [line for line in run.stdout.splitlines() if "+\t\tip saddr" in line and "8001" in line]
    assert len(added) == 1, run.stdout
    assert host.check_output(TABLE) == former


def test_rules_that_somebody_flushed_are_missed_and_put_back(host, former, address, play):
    """What is in force counts, not the file."""
    host.check_output("nft flush ruleset")
    assert knock("stranger", address, SERVICE) == "open"
    run = play("converge.yml", "--check", "--diff")
    assert "+\t\ttcp dport 22 accept" in run.stdout, run.stdout
    assert play("converge.yml").returncode == 0
    assert host.check_output(TABLE) == former
    assert knock("stranger", address, SERVICE) == "refused"


@pytest.mark.usefixtures("former")
def test_it_can_be_turned_off_and_on_under_open_connections(host, address, play):
    assert play("converge.yml", common_firewall_mode="absent").returncode == 0
    assert host.run(TABLE).rc != 0
    assert not host.file(FILE).exists
    run = play("converge.yml", common_firewall_mode="absent")
    assert changed_nothing(run), run.stdout
    with subprocess.Popen(
        ["docker", "exec", "--interactive", "molecule-firewall-stranger", "python3", "-c", ASK_LATER, address],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as visitor:
        assert visitor.stdout.readline().strip() == "connected"
        assert play("converge.yml").returncode == 0
        assert knock("stranger", address, SERVICE) == "refused"
        said, _ = visitor.communicate("go\n", timeout=20)
    assert said.strip() == "200"


@pytest.mark.usefixtures("former")
def test_tables_of_others_are_left_alone(host, play):
    host.check_output("nft 'add table inet other; add chain inet other input { type filter hook input priority 10; }'")
    try:
        assert play("converge.yml", common_firewall_extra_rules=[friend_may(OTHER)]).returncode == 0
        assert play("converge.yml", common_firewall_mode="absent").returncode == 0
        assert host.run("nft list table inet other").rc == 0
    finally:
        host.check_output("nft delete table inet other")


def test_it_comes_back_after_rules_that_others_load(host, former):
    """Debian's nftables.service flushes everything when it is restarted."""
    host.check_output("systemctl start nftables")
    host.check_output("systemctl restart nftables")
    assert host.check_output(TABLE) == former
    host.check_output("systemctl disable --now nftables")


def test_it_comes_back_when_the_host_starts(host, former, address):
    subprocess.run(["docker", "restart", "--time", "20", "molecule-firewall-server"], check=True, capture_output=True)
    until(
        lambda: host.run("systemctl is-system-running").stdout.strip() in ("running", "degraded"),
        "the server is up again",
        seconds=60,
    )
    assert host.check_output(TABLE) == former
    until(lambda: knock("friend", address, SERVICE) == "open", "its service runs again", seconds=20)
    assert knock("stranger", address, SERVICE) == "refused"


@pytest.mark.usefixtures("former")
def test_rules_that_let_their_bringer_in_again_are_taken_for_good(host, play):
    rules = [ANYBODY_BY_SSH, friend_may(OTHER)]
    run = play("by_ssh.yml", common_firewall_allowed=rules)
    assert run.returncode == 0, run.stdout
    assert "8001" in host.check_output(TABLE)
    assert "8001" in host.file(FILE).content_string
    assert host.run("systemctl is-active inventario-firewall-take-back.timer").rc != 0
    again = play("by_ssh.yml", common_firewall_allowed=rules)
    assert changed_nothing(again), again.stdout


@pytest.mark.parametrize("strategy", ["mitogen_linear", "linear"])
def test_rules_that_shut_their_bringer_out_are_taken_back(host, former, address, play, strategy):
    kept = host.file(FILE).content_string
    run = play("by_ssh.yml", environment={"ANSIBLE_STRATEGY": strategy}, common_firewall_allowed=[NOBODY_BY_SSH])
    assert run.returncode != 0, run.stdout
    assert "were taken back" in run.stdout, run.stdout
    assert host.check_output(TABLE) == former
    assert host.file(FILE).content_string == kept
    assert knock_from_here(address, SSH) == "open"


def test_rules_whose_run_was_killed_are_taken_back(host, former, address, start):
    """They are in force for a moment: whoever brought them never comes again."""
    run = start("by_ssh.yml", common_firewall_allowed=[NOBODY_BY_SSH])
    until(lambda: knock_from_here(address, SSH) == "refused", "the rules are in force", seconds=60, every=0.1)
    run.kill()
    until(lambda: host.run(TABLE).stdout.strip() == former.strip(), "they are taken back", seconds=30)
    assert knock_from_here(address, SSH) == "open"


def test_rules_that_nft_does_not_take_change_nothing(host, former, play):
    run = play("converge.yml", common_firewall_extra_rules=[{"port": "8000-7000", "sources": ["any"]}])
    assert run.returncode != 0
    assert "the rules can't be loaded" in run.stdout, run.stdout
    assert host.check_output(TABLE) == former


def test_where_there_can_be_none_it_is_said(play):
    run = play("converge.yml", "--limit", "stranger")
    assert run.returncode == 0
    assert "the firewall is OFF on this host" in run.stdout, run.stdout
    run = play("converge.yml", "--limit", "stranger", common_firewall_mode="enforced")
    assert run.returncode != 0
    assert "common_firewall_mode=where_possible" in run.stdout, run.stdout
