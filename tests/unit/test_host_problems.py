"""A host that can't carry its tier is refused with thing, reason and remedy; one that is out of reach is told."""

from __future__ import annotations

import copy
import hashlib
import json
import pathlib
import socket
import subprocess
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
import yaml
from loading import ROOT, load

filters = load("plugins/filter/host_problems.py")
host_problems, python_problem = filters.host_problems, filters.python_problem
lines = load("plugins/filter/inventory_problems.py").problem_lines
host_survey = load("plugins/modules/host_survey.py")

NOW = 1_800_000_000.0
ROLE: dict[str, Any] = yaml.safe_load((ROOT / "roles/host_check/vars/main.yml").read_text(encoding="utf-8"))
DEFAULTS: dict[str, Any] = yaml.safe_load((ROOT / "roles/host_check/defaults/main.yml").read_text(encoding="utf-8"))
WANTED = {
    **ROLE["__host_check_wanted"],
    "authority": "mine authority",
    "authority_here": "inventory/mine/authority/ca.pem",
    "authority_digest": "aa",
    "memory_mib": DEFAULTS["host_check_memory_mib"],
    "free_mib": DEFAULTS["host_check_free_mib"],
    "clock_seconds": DEFAULTS["host_check_clock_seconds"],
}
DEBIAN_12 = {"id": "debian", "version": "12", "name": "Debian GNU/Linux 12 (bookworm)"}
UBUNTU = {"id": "ubuntu", "version": "24.04", "name": "Ubuntu 24.04 LTS"}
FEDORA = {"id": "fedora", "version": "43", "name": "Fedora Linux 43"}
SOUND = {
    "system": {"id": "debian", "version": "13", "name": "Debian GNU/Linux 13 (trixie)"},
    "architecture": "x86_64",
    "python": [3, 13, 5],
    "root": True,
    "systemd": True,
    "machine_id": "",
    "memory_mib": 1024,
    "free_mib": {"/var": 4096},
    "address": True,
    "listeners": {},
    "active": [],
    "packaged": True,
    "authority": "",
    "authority_digest": "",
    "index": "",
    "asked_at": NOW - 1,
    "clock": NOW - 0.5,
}


def record(name: str = "app", tiers: tuple[str, ...] = ("app_nodes",), **survey: Any) -> dict[str, Any]:
    """A sound host's answer, but for what is named."""
    return {
        "name": name,
        "tiers": list(tiers),
        "address": "192.0.2.21",
        "where": name,
        "user": "deploy",
        "listeners": [{"variable": "webapp_port", "port": 8000, "unit": "webapp.socket"}],
        "answer": {"survey": {**copy.deepcopy(SOUND), **survey}},
    }


def judged(*records: dict[str, Any], now: float = NOW) -> dict[str, Any]:
    return dict(host_problems(records, WANTED, now))


class Wrong(NamedTuple):
    name: str
    record: dict[str, Any]
    thing: str
    reason: str
    remedy: str


WRONG = [
    Wrong("system", record(system=FEDORA), "the system", "is Fedora Linux 43, which is not supported", "Debian 12"),
    Wrong(
        "database on Debian 12",
        record("db", ("database",), system=DEBIAN_12),
        "the system",
        "is Debian GNU/Linux 12 (bookworm), for which Debian's MySQL packages",
        "take Debian 13 for database hosts, or name Oracle's APT repository in mysql_apt_repositories",
    ),
    Wrong(
        "database on Ubuntu",
        record("db", ("database",), system=UBUNTU),
        "the system",
        "is Ubuntu 24.04 LTS, for which",
        "Oracle's APT repository",
    ),
    Wrong("no root", record(root=False), "ansible_become", "the user is not root", "set ansible_become to true"),
    Wrong("processor", record(architecture="riscv64"), "the processor", "is riscv64", "x86_64, aarch64"),
    Wrong(
        "old Python", record(python=[3, 9, 2]), "ansible_python_interpreter", "is Python 3.9.2", "Python 3.11 or newer"
    ),
    Wrong("no systemd", record(systemd=False), "systemd", "does not run", "boot the host with systemd"),
    Wrong(
        "another address",
        record(address=False),
        "node_address",
        "is 192.0.2.21, which no interface of the host has",
        "ip -4 address",
    ),
    Wrong(
        "port",
        record(listeners={"8000": "python3"}),
        "webapp_port",
        "is port 8000, on which python3 listens and not the cluster's webapp.socket",
        "set webapp_port to a free port",
    ),
    Wrong(
        "port of an unknown process",
        record(listeners={"8000": ""}),
        "webapp_port",
        "on which another process listens",
        "ss -ltnp 'sport = :8000'",
    ),
    Wrong(
        "memory",
        record("db", ("database",), memory_mib=512),
        "host_check_memory_mib",
        "asks for 768 MiB for a host of the database tier, which has 512",
        "more memory",
    ),
    Wrong(
        "disk",
        record(free_mib={"/var": 4096, "/var/lib/mysql": 12}),
        "host_check_free_mib",
        "only 12 are free under /var/lib/mysql",
        "free some space there",
    ),
    Wrong(
        "clock behind",
        record(asked_at=NOW - 1, clock=NOW - 3601),
        "the clock",
        "is 3600 s behind this machine's",
        "timedatectl set-ntp true",
    ),
    Wrong("clock ahead", record(clock=NOW + 90), "the clock", "is 90 s ahead of this machine's", "timesyncd"),
    Wrong(
        "another cluster",
        record(authority="theirs authority"),
        "/etc/inventario/tls/ca.pem",
        "holds the certificates of another cluster (theirs authority), where this one's is mine authority",
        "take another host",
    ),
    Wrong(
        "no index",
        record(index="http://192.0.2.9/debian: timed out"),
        "every package index",
        "is out of the host's reach: http://192.0.2.9/debian: timed out",
        "Acquire::http::Proxy",
    ),
]


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: wrong.name.replace(" ", "-"))
def test_a_wrong_host_is_refused_with_thing_reason_and_remedy(wrong: Wrong) -> None:
    found = judged(record("other"), wrong.record)
    assert found["away"] == []
    (problem,) = found["refused"]
    assert (problem["variable"], problem["host"]) == (wrong.thing, wrong.record["name"])
    assert wrong.reason in problem["reason"]
    assert wrong.remedy in problem["remedy"]
    assert "Remedy: " in lines([problem])[0]


def test_a_sound_host_is_not_refused() -> None:
    assert judged(record()) == {"refused": [], "away": []}


@pytest.mark.parametrize("tier", ["loadbalancers", "app_nodes", "admin"])
@pytest.mark.parametrize("system", [DEBIAN_12, UBUNTU], ids=lambda system: system["id"])
def test_every_tier_but_the_database_takes_older_systems(tier: str, system: dict[str, str]) -> None:
    assert judged(record(tiers=(tier,), system=system))["refused"] == []


def test_a_repository_of_the_operators_own_carries_databases_on_debian_12() -> None:
    elsewhere = {**record("db", ("database",), system=DEBIAN_12), "mysql_elsewhere": True}
    assert judged(elsewhere)["refused"] == []


def test_the_clusters_own_unit_may_listen() -> None:
    assert judged(record(listeners={"8000": ""}, active=["webapp.socket"]))["refused"] == []


def test_somebody_elses_unit_of_the_same_name_may_not() -> None:
    """A web server that people use is not configured anew because its host joins a cluster."""
    theirs = record(listeners={"8000": "python3"}, active=["webapp.socket"], packaged=False)
    assert [found["variable"] for found in judged(theirs)["refused"]] == ["webapp_port"]


@pytest.mark.parametrize(("here", "said"), [("", "is not there"), ("bb", "is another one of the same name")])
def test_an_authority_that_went_missing_is_not_replaced_in_silence(here: str, said: str) -> None:
    host = record(authority="mine authority", authority_digest="aa")
    wanted = {**WANTED, "authority_digest": here}
    (found,) = host_problems([host], wanted, NOW)["refused"]
    assert said in found["reason"]
    assert "back from its backup" in found["remedy"]


def test_the_clusters_own_certificates_are_its_own() -> None:
    assert judged(record(authority="mine authority", authority_digest="aa"))["refused"] == []


def test_a_slow_answer_is_no_wrong_clock() -> None:
    """A host that took a minute to answer may have read its clock at any moment of it."""
    slow = record(asked_at=NOW - 60, clock=NOW - 2)
    assert judged(slow)["refused"] == []


def test_two_names_of_one_machine_are_told() -> None:
    found = judged(record("app", machine_id="1" * 32), record("app1", machine_id="1" * 32))
    (problem,) = found["refused"]
    assert (problem["variable"], problem["host"], problem["reason"]) == ("/etc/machine-id", "app1", "is the one of app")
    assert "correct ansible_host" in problem["remedy"]


def test_everything_that_is_wrong_is_told_at_once() -> None:
    found = judged(record(address=False, systemd=False), record("app1", memory_mib=1, architecture="mips"))
    assert [problem["host"] for problem in found["refused"]] == ["app", "app", "app1", "app1"]


def test_a_host_outside_a_limited_run_is_nobodys_business() -> None:
    unasked = {key: value for key, value in record("app1").items() if key != "answer"}
    assert judged(record(), unasked) == {"refused": [], "away": []}


# --- hosts that could not be asked ----------------------------------------------------------------------------------

# what ssh, sudo, Mitogen and Ansible say, and what is told: of hosts that are not there ...
AWAY = [
    (
        "ssh: connect to host app port 22: Connection refused",
        "ansible_host",
        "nothing answers on the port",
        "ansible_port",
    ),
    ("ssh: connect to host app port 22: Connection timed out", "ansible_host", "does not answer", "host is on"),
    ("ssh: connect to host app port 22: No route to host", "ansible_host", "does not answer", "firewall"),
    (
        "Error response from daemon: container 12ab is not running",
        "container",
        "app does not run",
        "playbooks/platform.yml",
    ),
    ("Error: No such container: inventario-app", "container", "does not run", "playbooks/platform.yml"),
]
# ... and of those that are set up so that they can't be used
SET_UP_WRONGLY = [
    (
        "deploy@192.0.2.21: Permission denied (publickey).",
        "ansible_user",
        "your key was refused",
        "ssh-copy-id deploy@",
    ),
    ("SSH authentication is incorrect", "ansible_user", "your key was refused", "ssh-copy-id"),
    (
        "Host key verification failed.",
        "ansible_host",
        "shows an ssh host key that your known_hosts lacks",
        "ssh-keygen -R",
    ),
    (
        "Host key checking is enabled, and SSH reported an unrecognized or mismatching host key.",
        "ansible_host",
        "shows an ssh host key",
        "compare it",
    ),
    (
        "ssh: Could not resolve hostname app: Name or service not known",
        "ansible_host",
        "a name that nobody knows",
        "correct",
    ),
    ("Missing sudo password", "ansible_become", "needs a password", "--ask-become-pass"),
    ("sudo password is required", "ansible_become", "needs a password", "--ask-become-pass"),
    ("sudo: a password is required", "ansible_become", "needs a password", "--ask-become-pass"),
    ("Incorrect sudo password", "ansible_become_password", "is not the password of deploy", "--ask-become-pass"),
    ("deploy is not in the sudoers file.", "ansible_user", "may not use sudo", "NOPASSWD"),
    ("/bin/sh: 1: sudo: not found", "ansible_become", "sudo, which the host does not have", "install sudo"),
    (
        "/bin/sh: 1: /usr/bin/python3: not found",
        "ansible_python_interpreter",
        "has no Python 3",
        "apt-get install python3",
    ),
    (
        "ansible-core requires a minimum of Python version 3.8. Current version: 3.7.3",
        "ansible_python_interpreter",
        "too old",
        "Python 3.11",
    ),
]


MEANINGS = ("said", "thing", "reason", "remedy")


def told(kind: str, found: list[dict[str, str]], thing: str, reason: str, remedy: str) -> None:
    (problem,) = found
    assert (problem["variable"], problem["host"]) == (thing, "app"), kind
    assert reason in problem["reason"]
    assert remedy in problem["remedy"]


@pytest.mark.parametrize("kind", ["unreachable", "failed"])
@pytest.mark.parametrize(MEANINGS, SET_UP_WRONGLY, ids=[said[:40] for said, *_ in SET_UP_WRONGLY])
def test_a_host_that_lets_nobody_in_is_refused_in_plain_words(
    kind: str, said: str, thing: str, reason: str, remedy: str
) -> None:
    """Ansible calls most of them unreachable; they are there, and stay wrong until somebody does something."""
    found = judged(record("other"), {**record(), "answer": {kind: True, "msg": said}})
    assert found["away"] == []
    told(kind, found["refused"], thing, reason, remedy)


@pytest.mark.parametrize(MEANINGS, AWAY, ids=[said[:40] for said, *_ in AWAY])
def test_what_kept_a_host_from_answering_is_told_in_plain_words(
    said: str, thing: str, reason: str, remedy: str
) -> None:
    for kind in ("unreachable", "failed"):
        found = judged(record("other"), {**record(), "answer": {kind: True, "msg": said}})
        told(kind, found["away" if kind == "unreachable" else "refused"], thing, reason, remedy)


def test_a_container_of_which_ansible_says_little_is_away() -> None:
    """Its own strategy keeps to itself what Docker said; by ssh the same words mean another thing."""
    said = {"unreachable": True, "msg": "Failed to create temporary directory. In some cases, ..."}
    assert judged(record("other"), {**record(), "answer": said, "connection": "community.docker.docker"})["away"]
    told("ssh", judged({**record(), "answer": said})["refused"], "ansible_user", "no home folder", "give that user one")


@pytest.mark.parametrize(
    ("answer", "reason", "remedy"),
    [
        (
            {"msg": "non-zero return code", "rc": 127, "stderr": "", "stdout": "/bin/sh: 1: sudo: not found\r\n"},
            "ansible_become wants sudo, which the host does not have",
            "install sudo there and let deploy use it",
        ),
        ({"msg": "Missing sudo password"}, "needs a password", "--ask-become-pass"),
        (
            {"stderr": "E: Could not open lock file /var/lib/apt/lists/lock - open (13: Permission denied)"},
            "ansible_become is not set, and deploy is not root",
            "set ansible_become to true",
        ),
        (
            {"stderr": "E: List directory /var/lib/apt/lists/partial is missing. - Acquire (13: Permission denied)"},
            "ansible_become is not set, and deploy is not root",
            "set ansible_become to true",
        ),
        (
            {"stderr": "W: slow\nE: Unable to locate package python3\n", "stdout": "Reading\n"},
            "could not be installed: E: Unable to locate package python3",
            "apt-get install python3",
        ),
    ],
    ids=["no-sudo", "password", "no-root", "no-root-no-lists", "no-package"],
)
def test_python_that_can_not_be_installed_is_told_with_the_reason(
    answer: dict[str, Any], reason: str, remedy: str
) -> None:
    problem = python_problem(answer, "app", "deploy")
    (line,) = lines([problem])
    assert line.startswith("Python 3 on app is missing, and could not be installed: ")
    assert reason in line
    assert remedy in line
    assert "as root: apt-get install python3" in line


def test_what_nobody_foresaw_is_shown_as_it_was_said() -> None:
    (problem,) = judged({**record(), "answer": {"failed": True, "msg": "the moon is full"}})["refused"]
    assert "the moon is full" in problem["reason"]
    assert "by hand" in problem["remedy"]


def test_a_host_that_is_away_does_not_stop_the_others() -> None:
    found = judged(record("other"), {**record(), "answer": {"unreachable": True, "msg": "timed out"}})
    assert found["refused"] == []
    assert [problem["host"] for problem in found["away"]] == ["app"]


def test_with_every_host_away_the_run_ends() -> None:
    found = judged({**record(), "answer": {"unreachable": True, "msg": "timed out"}})
    assert [problem["host"] for problem in found["refused"]] == ["app"]


# --- what a host says of itself -------------------------------------------------------------------------------------


def surveyed(**wanted: Any) -> dict[str, Any]:
    base = {"address": "", "ports": [], "units": [], "data": ["/var"], "authority": "/nowhere", "asked_at": 0}
    return dict(host_survey.look({**base, **wanted}))


@pytest.fixture
def has_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_survey, "index_problem", lambda: "")


@pytest.mark.usefixtures("has_packages")
def test_a_survey_has_what_is_judged() -> None:
    answer = json.loads(json.dumps(surveyed()))
    assert set(answer) == set(SOUND)
    assert answer["memory_mib"] > 0
    assert answer["free_mib"]["/var"] > 0


@pytest.mark.usefixtures("has_packages")
def test_an_address_of_this_host_is_told_from_another_ones() -> None:
    assert surveyed(address="127.0.0.1")["address"]
    assert not surveyed(address="192.0.2.1")["address"]


@pytest.mark.usefixtures("has_packages")
def test_who_listens_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_server(("127.0.0.1", 0)) as other:
        port = listener.getsockname()[1]
        found = surveyed(ports=[port])["listeners"]
        assert set(found) == {str(port)}
        assert found[str(port)]
        assert other
    assert surveyed(ports=[port])["listeners"] == {}


@pytest.mark.usefixtures("has_packages")
def test_the_authority_on_the_host_is_read(tmp_path: pathlib.Path) -> None:
    certificate = tmp_path / "ca.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-keyout", tmp_path / "key", "-out", certificate, "-days", "1", "-subj", "/CN=theirs authority"],
        check=True, capture_output=True,
    )  # fmt: skip
    assert surveyed(authority=str(certificate))["authority"] == "theirs authority"
    # as the control node has it, whatever ends the file
    digest = hashlib.sha256(certificate.read_bytes().strip()).hexdigest()
    assert surveyed(authority=str(certificate))["authority_digest"] == digest
    certificate.write_text("nothing", encoding="ascii")
    assert surveyed(authority=str(certificate))["authority"] == "a file that is no certificate"


@pytest.fixture
def apt(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """What apt answers about its sources and its settings."""

    def answers(targets: str, settings: str = "") -> None:
        said = {"apt-get": targets, "apt-config": settings}
        monkeypatch.setattr(host_survey, "output", lambda *command: said[command[0]])

    return answers


def test_an_index_that_does_not_answer_is_told(apt: Callable[[str, str], None]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    apt(f"http://127.0.0.1:{port}/debian trixie\n", "")
    assert "refused" in host_survey.index_problem()


def test_no_sources_at_all_are_told(apt: Callable[[str, str], None]) -> None:
    apt("", "")
    assert host_survey.index_problem() == "apt has no sources"


def test_an_index_on_the_hosts_own_disk_needs_no_network(apt: Callable[[str, str], None]) -> None:
    apt("file:/srv/debian trixie\n", "")
    assert host_survey.index_problem() == ""
