"""Containers that pass for hosts: as they were defined, back by themselves, and with their data when made anew."""

import json
import os
import pathlib
import subprocess

import pytest
import testinfra

from proof.waiting import until

ADDRESSES = {"plain": "172.31.22.11", "keeper": "172.31.22.12"}
CREATE = "../shared/create.yml"


def node(name):
    return testinfra.get_host(f"docker://molecule-docker-hosts-{name}")


def inspect(name):
    answer = subprocess.run(["docker", "inspect", f"molecule-docker-hosts-{name}"], check=True, capture_output=True)
    return json.loads(answer.stdout)[0]


def identities():
    return {name: inspect(name)["Id"] for name in ADDRESSES}


def is_up(name):
    return node(name).run("systemctl is-system-running").stdout.strip() in ("running", "degraded")


@pytest.mark.parametrize("name", ADDRESSES)
def test_it_is_a_host_under_systemd_at_its_address(name):
    host = node(name)
    assert host.check_output("cat /proc/1/comm") == "systemd"
    assert host.check_output("hostname") == name
    assert is_up(name)
    assert f"{ADDRESSES[name]}/24" in host.check_output("ip -4 -oneline address show dev eth0")


def test_hosts_of_one_image_are_different_hosts():
    assert len({node(name).check_output("cat /etc/machine-id") for name in ADDRESSES}) == len(ADDRESSES)


@pytest.mark.parametrize("name", ADDRESSES)
def test_nothing_of_it_grows_without_bounds(name):
    config = inspect(name)["HostConfig"]
    assert config["Memory"] == config["MemorySwap"] == 2**30
    assert config["LogConfig"] == {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "2"}}
    assert config["Privileged"] is False


def test_only_a_host_that_asks_for_it_is_limited_to_some_processors():
    assert {name: inspect(name)["HostConfig"]["NanoCpus"] for name in ADDRESSES} == {
        "plain": 1_500_000_000,
        "keeper": 0,
    }


@pytest.mark.parametrize("name", ADDRESSES)
def test_its_health_is_systemds(name):
    kind, check = inspect(name)["Config"]["Healthcheck"]["Test"]
    assert kind == "CMD-SHELL"
    assert node(name).run(check).rc == 0


def test_only_a_host_that_asks_for_it_has_a_volume():
    mounts = {
        name: [mount.get("Name") for mount in inspect(name)["Mounts"] if mount["Type"] == "volume"]
        for name in ADDRESSES
    }
    assert mounts == {"plain": [], "keeper": ["molecule-docker-hosts-keeper_data"]}


def test_it_comes_back_when_it_dies():
    container = inspect("plain")
    before = container["State"]["Pid"]
    # docker kill counts as an order to stay down, so its process 1 is killed as the Docker host sees it
    killer = [
        "docker",
        "run",
        "--rm",
        "--pid",
        "host",
        "--network",
        "none",
        container["Image"],
        "kill",
        "-9",
        str(before),
    ]
    subprocess.run(killer, check=True)
    until(lambda: inspect("plain")["State"]["Pid"] not in (0, before), "it is started again", seconds=20)
    until(lambda: is_up("plain"), "its systemd is up", seconds=30)


def test_a_host_that_serves_waits_for_its_turn(play):
    for name in ADDRESSES:
        node(name).check_output("systemctl start nginx")
    before = identities()
    # a cluster that was never set up has no authority; any file will do for one that was
    authority = pathlib.Path(os.environ["MOLECULE_SCENARIO_DIRECTORY"]) / "hosts.yml"
    run = play("turns.yml", docker_hosts_memory="1100m", docker_hosts_health_ca=str(authority))
    assert run.returncode == 0, run.stdout
    for name in ADDRESSES:
        assert f"the turn of {name} comes with the load balancers" in run.stdout
    assert identities() == before


def test_made_anew_it_has_its_new_definition_and_its_old_data(play):
    for name in ADDRESSES:
        node(name).check_output("touch /etc/gone; mkdir -p /var/lib/mysql; touch /var/lib/mysql/kept")
    before = identities()
    run = play(CREATE, docker_hosts_memory="1100m")
    assert run.returncode == 0, run.stdout
    assert not set(before.values()) & set(identities().values())
    for name in ADDRESSES:
        assert inspect(name)["HostConfig"]["Memory"] == 1100 * 2**20
        assert not node(name).file("/etc/gone").exists
    assert {name: node(name).file("/var/lib/mysql/kept").exists for name in ADDRESSES} == {
        "plain": False,
        "keeper": True,
    }
