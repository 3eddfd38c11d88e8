"""The whole cluster as its hosts see it: one node takes writes, they arrive on the others, pages come through NGINX."""

import functools
import os
import pathlib

import pytest
from testinfra.utils.ansible_runner import AnsibleRunner

INVENTORY = str(pathlib.Path(os.environ["MOLECULE_INVENTORY_FILE"]).parent)


def plain(value):
    """Without the mark that ansible-inventory puts on what the inventory computed, such as a container's name."""
    if isinstance(value, dict):
        if set(value) == {"__ansible_unsafe"}:
            return value["__ansible_unsafe"]
        return {name: plain(one) for name, one in value.items()}
    return value


class Hosts(AnsibleRunner):
    @functools.cached_property
    def inventory(self):
        return plain(super().inventory)


@pytest.fixture(scope="module")
def hosts():
    return Hosts(INVENTORY)


@pytest.fixture
def database(hosts):
    """Every database node, by name."""
    return {name: hosts.get_host(name) for name in hosts.get_hosts("database")}


def sql(host, statement):
    return host.check_output("mysql --batch --skip-column-names --execute=%s", statement)


def test_one_node_takes_writes_and_its_transactions_arrive(database):
    writable = [name for name, host in database.items() if sql(host, "SELECT @@super_read_only") == "0"]
    assert len(writable) == 1
    gtids = sql(database[writable[0]], "SELECT @@GLOBAL.gtid_executed").replace("\\n", "")
    arrived = {
        name: sql(database[name], f"SELECT WAIT_FOR_EXECUTED_GTID_SET('{gtids}', 10)")
        for name in set(database) - set(writable)
    }
    assert set(arrived.values()) == {"0"}, arrived


def test_a_replica_refuses_a_write(database):
    # the statement names a database that exists, so that the source refuses it too, for another reason
    refusals = [host.run("mysql --execute='CREATE DATABASE db_inventario'").stderr for host in database.values()]
    assert sum("1290" in refusal for refusal in refusals) == len(database) - 1


def test_pages_come_through_the_load_balancer(hosts):
    nginx = hosts.get_host("nginx")
    page = nginx.check_output(
        "bash -c 'exec 3<>/dev/tcp/127.0.0.1/80; printf \"GET / HTTP/1.0\\r\\n\\r\\n\" >&3; cat <&3'"
    )
    assert page.startswith("HTTP/1.1 200")
    assert "X-Served-By: app" in page


def test_hosts_of_two_releases_are_one_cluster(hosts):
    releases = {name: hosts.get_host(name).system_info.release for name in hosts.get_hosts("container_hosts")}
    databases = set(hosts.get_hosts("database"))
    assert releases == {name: "13" if name in databases else "12" for name in releases}
