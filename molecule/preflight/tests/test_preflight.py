"""Real hosts that are wrong in one thing each are refused with thing, reason and remedy; nothing is changed on them."""

import contextlib
import json
import os
import pathlib
import subprocess

import pytest

from proof.waiting import until

APP = "molecule-preflight-app"
NGINX = "molecule-preflight-nginx"


def docker(*words):
    return subprocess.run(["docker", *words], check=True, capture_output=True, text=True).stdout


def inside(script, host=APP):
    return docker("exec", host, "sh", "-ec", script)


@contextlib.contextmanager
def changed(begin, end, host=APP):
    """A host that is wrong for as long as a test takes."""
    inside(begin, host)
    try:
        yield
    finally:
        inside(end, host)


def said(run):
    return " ".join(run.stdout.split())


def refused(run, *words):
    assert run.returncode != 0, run.stdout
    text = said(run)
    assert "These hosts cannot be used" in text, run.stdout
    for word in (*words, "Remedy:"):
        assert word in text, run.stdout


def os_release(old, new):
    """/etc/os-release is a link in Debian: it is put back as it was."""
    return (
        f"cp -P /etc/os-release /root/os-release.link; sed 's/{old}/{new}/' /usr/lib/os-release >/root/os-release; "
        "rm /etc/os-release; cp /root/os-release /etc/os-release",
        "rm /etc/os-release; cp -P /root/os-release.link /etc/os-release; rm /root/os-release*",
    )


def test_sound_hosts_are_not_refused(play):
    run = play("converge.yml")
    assert run.returncode == 0, run.stdout
    assert "changed=0" in run.stdout


def test_an_unknown_system(play):
    with changed(*os_release("^ID=debian", "ID=gentoo")):
        refused(
            play("converge.yml"), "the system on app is Debian", "not supported", "take one of: Debian 12, Debian 13"
        )


def test_an_old_system(play):
    with changed(*os_release('VERSION_ID="13"', 'VERSION_ID="11"')):
        refused(play("converge.yml"), "the system on app is", "not supported")


def test_a_database_on_debian_12(play):
    with changed(*os_release('VERSION_ID="13"', 'VERSION_ID="12"')):
        assert play("converge.yml").returncode == 0
        refused(play("converge.yml", tiers=["database"]), "the system on app is", "name Oracle's APT repository")


def test_an_address_that_the_host_does_not_have(play):
    refused(play("converge.yml", "--limit", "app,localhost", node_address="192.0.2.77"),
            "node_address on app is 192.0.2.77, which no interface of the host has")  # fmt: skip


def test_a_port_that_something_else_holds(play):
    with changed(
        "systemd-run --quiet --unit=squatter python3 -m http.server 8000; "
        "for i in $(seq 100); do grep -q ':1F40 ' /proc/net/tcp && exit; sleep 0.1; done; exit 1",
        "systemctl stop squatter",
    ):
        refused(play("converge.yml"), "webapp_port on app is port 8000, on which python3 listens")


def test_too_little_memory_and_disk(play):
    run = play("converge.yml", host_check_memory_mib={"app_nodes": 99999}, host_check_free_mib=99999999)
    refused(run, "host_check_memory_mib on app asks for 99999 MiB", "which has 1024", "MiB, but only", "under /var")


def test_the_certificates_of_another_cluster(play):
    with changed(
        "cd /etc/inventario/tls; mv ca.pem ca.kept; "
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes "
        "-keyout /dev/null -out ca.pem -days 1 -subj '/CN=theirs authority' 2>/dev/null",
        "mv /etc/inventario/tls/ca.kept /etc/inventario/tls/ca.pem",
    ):
        refused(play("converge.yml"), "ca.pem on app holds the certificates of another cluster (theirs authority)")


def test_one_machine_under_two_names(play):
    """A copy of a machine with its identity."""
    other = inside("cat /etc/machine-id", NGINX).strip()
    own = inside("cat /etc/machine-id").strip()
    assert own != other
    with changed(f"echo {other} >/etc/machine-id", f"echo {own} >/etc/machine-id"):
        refused(play("converge.yml"), "/etc/machine-id on", "systemd-machine-id-setup")


def test_no_package_index(play):
    with changed(
        "mv /etc/ansible/facts.d /etc/ansible/away; mv /etc/inventario/tls/ca.pem /etc/inventario/ca.kept; "
        "mkdir /root/apt; mv /etc/apt/sources.list* /root/apt/; "
        "echo 'deb http://127.0.0.1:9 trixie main' >/etc/apt/sources.list",
        "mv /etc/ansible/away /etc/ansible/facts.d; mv /etc/inventario/ca.kept /etc/inventario/tls/ca.pem; "
        "rm -f /etc/apt/sources.list; mv /root/apt/* /etc/apt/; rmdir /root/apt",
    ):
        refused(
            play("converge.yml"), "every package index on app is out of the host's reach: http://127.0.0.1:9", "refused"
        )


def test_no_systemd(play):
    with changed("mv /run/systemd/system /run/systemd/away", "mv /run/systemd/away /run/systemd/system"):
        refused(play("converge.yml"), "systemd on app does not run")


NO_PYTHON = ("mv /usr/bin/python3 /usr/bin/python3.away", "mv /usr/bin/python3.away /usr/bin/python3")
VISITOR = ("useradd --create-home visitor", "userdel --remove visitor 2>/dev/null")


@pytest.mark.parametrize("strategy", ["ansible.builtin.linear", "mitogen_linear"])
def test_no_python(play, strategy):
    with changed(*NO_PYTHON):
        run = play("converge.yml", environment={"ANSIBLE_STRATEGY": strategy})
    refused(run, "ansible_python_interpreter on app is missing: the host has no Python 3", "apt-get install python3")


@pytest.mark.parametrize("strategy", ["ansible.builtin.linear", "mitogen_linear"])
def test_a_user_without_root(play, strategy):
    """A user who is not root and does not become root, on a host that has no sudo either."""
    limit, environment = ("--limit", "app,localhost"), {"ANSIBLE_STRATEGY": strategy}
    with changed(*VISITOR):
        run = play("converge.yml", *limit, ansible_user="visitor", environment=environment)
        refused(run, "ansible_become on app is not set, and the user is not root")
        run = play("converge.yml", *limit, ansible_user="visitor", ansible_become=True, environment=environment)
        refused(run, "ansible_become on app wants sudo, which the host does not have")


@pytest.fixture
def have_python(tmp_path):
    """Run playbooks/python.yml on the host as if it were a server: one that nobody made from an image with Python."""

    def run(*arguments, **variables):
        server = {"ansible_host": APP, "ansible_connection": "docker", "ansible_user": "visitor", **variables}
        groups = {"app_nodes": {"hosts": {"app": server}}, "loadbalancers": {}, "database": {}, "admin": {}}
        inventory = tmp_path / "hosts.json"
        inventory.write_text(json.dumps({"all": {"children": groups}}), encoding="utf-8")
        playbook = pathlib.Path(os.environ["MOLECULE_PROJECT_DIRECTORY"]) / "playbooks" / "python.yml"
        return subprocess.run(
            ["ansible-playbook", "-i", inventory, *arguments, playbook],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    return run


def test_python_is_looked_for_without_root(have_python):
    """Who has Python and lacks sudo is told by the preflight, with all else that is wrong."""
    with changed(*VISITOR):
        run = have_python(ansible_become=True)
    assert run.returncode == 0, run.stdout
    assert "changed=0" in run.stdout


def test_python_that_can_not_be_installed(have_python):
    """What keeps it away is told at once: no sudo, no root, no packages."""
    with changed(*VISITOR), changed(*NO_PYTHON):
        checked = said(have_python("--check", ansible_become=True))
        no_sudo = have_python(ansible_become=True)
        no_root = have_python()
    assert "app has no /usr/bin/python3" in checked
    assert no_sudo.returncode != 0
    missing = "Python 3 on app is missing, and could not be installed: "
    assert f"{missing}ansible_become wants sudo, which the host does not have. Remedy: install sudo" in said(no_sudo)
    assert no_root.returncode != 0
    assert f"{missing}ansible_become is not set, and visitor is not root. Remedy:" in said(no_root)


@pytest.mark.parametrize("strategy", ["ansible.builtin.linear", "mitogen_linear"])
def test_a_host_that_is_off_is_told_and_the_others_go_on(play, strategy):
    docker("stop", "--time", "10", APP)
    try:
        run = play("converge.yml", environment={"ANSIBLE_STRATEGY": strategy})
    finally:
        docker("start", APP)
        until(
            lambda: inside("systemctl is-system-running || true").strip() in ("running", "degraded"),
            "it is up",
            seconds=60,
        )
    text = said(run)
    assert "Out of reach; the others go on" in text, run.stdout
    assert f"container on app {APP} does not run" in text, run.stdout
    assert "These hosts cannot be used" not in text
