"""Promise: every host is what its roles say, whatever made it. Effects, asked of the hosts; no container is assumed."""

from __future__ import annotations

import pytest

from proof.cluster import Cluster, Node

SERVICES = {
    "load_balancers": ["nginx"],
    "app_nodes": ["webapp", "haproxy"],
    "database_nodes": ["mysql", "db-health"],
    "admin_nodes": ["nginx"],
}


@pytest.mark.parametrize(("tier", "service"), [(tier, name) for tier, names in SERVICES.items() for name in names])
def test_service_runs_and_comes_back_with_its_host(cluster: Cluster, tier: str, service: str) -> None:
    for node in getattr(cluster, tier):
        assert node.host.service(service).is_running, node
        assert node.host.service(service).is_enabled or node.host.service(f"{service}.socket").is_enabled, node


def test_no_unit_failed(cluster: Cluster) -> None:
    failed = {
        node.name: units
        for node in cluster.nodes.values()
        if (units := node.run("systemctl list-units --state=failed --plain --no-legend").strip())
    }
    assert not failed


def test_application_reaches_the_database_through_its_own_host_alone(cluster: Cluster) -> None:
    for node in cluster.app_nodes:
        for port in (3306, 3307):
            assert node.host.socket(f"tcp://127.0.0.1:{port}").is_listening, node
            assert not node.host.socket(f"tcp://0.0.0.0:{port}").is_listening, node


@pytest.fixture
def replica(cluster: Cluster) -> Node:
    return cluster.replicas[0]


def test_replica_refuses_a_write_even_of_root(cluster: Cluster, replica: Node) -> None:
    result = replica.host.run(
        "mysql --no-defaults --socket=/run/mysqld/mysqld.sock --execute=%s %s",
        "CREATE TABLE refused (id INT PRIMARY KEY)",
        cluster.database,
    )
    assert result.rc != 0
    assert "super-read-only" in result.stderr


def test_gtid_advances_on_every_replica_after_a_write(cluster: Cluster) -> None:
    source = cluster.source
    before = source.value("@@GLOBAL.gtid_executed")
    source.sql(
        "CREATE TABLE IF NOT EXISTS gtid_probe (id INT PRIMARY KEY); DROP TABLE gtid_probe", cluster.meta_database
    )
    assert source.value("@@GLOBAL.gtid_executed") != before
    for node in cluster.replicas:
        cluster.catch_up(node, seconds=10)


def test_no_account_without_a_name_or_a_password(cluster: Cluster) -> None:
    query = (
        "SELECT user, host FROM mysql.user WHERE user = '' OR "
        "(authentication_string = '' AND plugin <> 'auth_socket' AND account_locked = 'N')"
    )
    assert {node.name: node.sql(query) for node in cluster.database_nodes if node.sql(query)} == {}


def test_replication_is_encrypted_and_verified(cluster: Cluster) -> None:
    query = (
        "SELECT ssl_allowed, ssl_verify_server_certificate "
        "FROM performance_schema.replication_connection_configuration WHERE channel_name = ''"
    )
    for node in cluster.replicas:
        assert node.sql(query) == [["YES", "YES"]], node
