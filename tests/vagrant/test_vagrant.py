"""Promise: Vagrant makes the inventory's machines, each with keys of its own, and the cluster outlives them."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import pytest

from proof.cluster import Cluster, docker
from proof.playbook import PlaybookRun
from proof.vagrant import Vagrant


@pytest.fixture(autouse=True)
def made_by_vagrant(pytestconfig: pytest.Config) -> None:
    if pytestconfig.getoption("--cluster") != "vagrant":
        pytest.skip("these tests are about machines that Vagrant makes: --cluster=vagrant")


def login(cluster: Cluster, machine: str, key: object) -> subprocess.CompletedProcess[str]:
    """Try to log in as Ansible's user with this key and nothing else."""
    options = ["BatchMode=yes", "IdentitiesOnly=yes", "IdentityAgent=none", "StrictHostKeyChecking=no"]
    words = [word for option in (*options, "UserKnownHostsFile=/dev/null") for word in ("-o", option)]
    target = f"vagrant@{cluster.nodes[machine].address}"
    return subprocess.run(
        ["ssh", *words, "-i", str(key), target, "true"], capture_output=True, text=True, check=False, timeout=30
    )


def test_site_ran_once_for_all_machines(first_run: PlaybookRun, cluster: Cluster) -> None:
    assert first_run.output.count("PLAY [Pronounce the verdict]") == 1
    assert {*cluster.nodes} <= {*first_run.recap}


def test_every_machine_has_a_key_and_host_keys_of_its_own(cluster: Cluster, vagrant: Vagrant) -> None:
    private = {vagrant.key(name).read_text(encoding="ascii") for name in cluster.nodes}
    assert len(private) == len(cluster.nodes)
    trusted = vagrant.known_hosts()
    assert {address for address, *_ in trusted} == {node.address for node in cluster.nodes.values()}
    assert len({key for *_, key in trusted}) == len(trusted)


def test_the_key_that_everybody_has_opens_no_machine(cluster: Cluster, vagrant: Vagrant) -> None:
    assert vagrant.insecure_key().is_file()
    for name in cluster.nodes:
        assert login(cluster, name, vagrant.key(name)).returncode == 0, name
        refused = login(cluster, name, vagrant.insecure_key())
        assert refused.returncode == 255, name
        assert "Permission denied" in refused.stderr, name


def test_the_key_of_one_machine_opens_no_other(cluster: Cluster, vagrant: Vagrant) -> None:
    one, other, *_ = cluster.nodes
    assert login(cluster, one, vagrant.key(other)).returncode == 255


def test_provision_again_changes_nothing(vagrant: Vagrant, say: Callable[[str], None]) -> None:
    run = vagrant.run("provision").expect_success()
    say(run.describe())
    assert run.recap
    assert not run.changed, run.log


def test_a_machine_whose_removal_was_declined_is_still_reached(cluster: Cluster, vagrant: Vagrant) -> None:
    """`vagrant destroy` asks first; a no changes nothing, neither in the machine nor in how Ansible reaches it."""
    replica = cluster.replicas[0]
    asked = vagrant.run("destroy", replica.name, answer="n")
    assert "confirmation was declined" in asked.said, asked.log
    assert login(cluster, replica.name, vagrant.key(replica.name)).returncode == 0
    assert replica.address in {address for address, *_ in vagrant.known_hosts()}


def test_halted_machines_come_up_as_a_whole_cluster_by_themselves(cluster: Cluster, vagrant: Vagrant) -> None:
    codes = cluster.codes(cluster.source)
    vagrant.run("halt").expect_success()
    assert not docker("ps", "--quiet", "--filter", f"label=inventario.cluster={cluster.name}")
    up = vagrant.up().expect_success()
    # the image and the network are looked at here; no playbook touches a machine
    assert {*up.recap} <= {"localhost"}
    cluster.wait_until_whole()
    cluster.verify().expect_success()
    assert cluster.codes(cluster.source) == codes


def test_a_machine_made_anew_joins_the_others(cluster: Cluster, vagrant: Vagrant, say: Callable[[str], None]) -> None:
    """`vagrant up NAME` beside machines that run: site.yml runs, and the replica is cloned again."""
    replica = cluster.replicas[0]
    vagrant.destroy(replica.name).expect_success()
    assert not vagrant.key(replica.name).exists()
    run = vagrant.up(replica.name).expect_success()
    say(run.describe())
    assert {*cluster.nodes} <= {*run.recap}
    cluster.wait_until_whole()
    cluster.verify().expect_success()
