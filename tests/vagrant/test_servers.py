"""Promise: a server needs no more than sshd, sudo and a user with a key; Python and a direct way may be missing."""

from __future__ import annotations

import json
import pathlib
import secrets
import shlex
from collections.abc import Iterator

import pytest

from proof.cluster import Cluster, Node, docker
from proof.vagrant import FOLDER, Vagrant

SUDOERS = "/etc/sudoers.d/vagrant"


@pytest.fixture(autouse=True)
def made_by_vagrant(pytestconfig: pytest.Config) -> None:
    if pytestconfig.getoption("--cluster") != "vagrant":
        pytest.skip("these tests take things away from machines: --cluster=vagrant")


@pytest.fixture
def server(cluster: Cluster) -> Node:
    return cluster.load_balancers[0]


def test_python_is_installed_where_it_is_missing(cluster: Cluster, server: Node) -> None:
    server.run("apt-get remove --yes --quiet python3 python3-minimal")
    checked = cluster.play("playbooks/python.yml", "--check").expect_refusal(server.name, "has no /usr/bin/python3")
    assert not checked.changed
    assert not server.host.file("/usr/bin/python3").exists
    installed = cluster.play("playbooks/python.yml").expect_success()
    assert installed.changed == {server.name: 1}
    assert not cluster.play("playbooks/python.yml").expect_success().changed
    cluster.verify().expect_success()


def test_hosts_behind_a_jump_host(cluster: Cluster, server: Node, vagrant: Vagrant) -> None:
    """Every host but the jump host is reached through it alone, host keys checked."""
    known = f"-o UserKnownHostsFile={FOLDER / 'known_hosts'} -o StrictHostKeyChecking=yes -o IdentitiesOnly=yes"
    jump = f"ssh {known} -i {vagrant.key(server.name)} -W %h:%p vagrant@{server.address}"
    options = json.dumps({"ansible_ssh_common_args": f"{known} -o ProxyCommand={shlex.quote(jump)}"})
    hosts = ",".join(node.name for node in cluster.nodes.values() if node is not server)
    before = logins(server)
    cluster.play("playbooks/base.yml", "--limit", hosts, "-e", options).expect_success()
    assert logins(server) - before >= len(cluster.nodes) - 1


def logins(node: Node) -> int:
    """How often sshd let somebody in."""
    return int(node.run("journalctl --unit=ssh --grep='Accepted publickey' --quiet --output=cat | wc -l"))


@pytest.fixture
def sudo_password(server: Node, cluster: Cluster) -> Iterator[str]:
    """For as long as a test takes, sudo asks for a password."""
    password = secrets.token_hex(12)
    container = f"{cluster.name}-{server.name}"
    before = server.run("cat %s", SUDOERS)
    server.pipe("chpasswd", f"vagrant:{password}\n")
    server.pipe(f"cat >{SUDOERS}", "vagrant ALL=(ALL) ALL\nDefaults:vagrant timestamp_timeout=0\n")
    yield password
    # sudo is closed to this test too
    docker("exec", container, "sh", "-c", f"printf '%s\\n' {shlex.quote(before.strip())} >{SUDOERS}")
    docker("exec", container, "usermod", "--password", "*", "vagrant")


def test_sudo_may_ask_for_a_password(
    cluster: Cluster, server: Node, sudo_password: str, tmp_path: pathlib.Path
) -> None:
    """Given, the password is used, and for the servers alone; withheld, the run is refused and says what it wanted."""
    arguments = ("playbooks/base.yml", "--limit", f"localhost,{server.name}")
    cluster.play(*arguments).expect_refusal("password")
    file = tmp_path / "become"
    file.write_text(sudo_password, encoding="ascii")
    given = cluster.play(*arguments, f"--become-password-file={file}").expect_success()
    assert not given.changed
    assert sudo_password not in given.output
