"""What a source and its replica promise: nothing is lost, nobody writes elsewhere, nobody gets in otherwise."""

import uuid

import pytest
import testinfra

from proof.waiting import becomes

ADDRESS = "172.31.2.31"


@pytest.fixture(scope="module")
def source(get_host):
    return get_host("maestro1")


@pytest.fixture(scope="module")
def replica(get_host):
    return get_host("slave1")


@pytest.fixture(scope="module")
def get_host():
    return lambda name: testinfra.get_host(f"docker://molecule-mysql-{name}")


def sql(host, statement, database=""):
    return host.check_output("mysql --batch --skip-column-names %s --execute %s", database or "mysql", statement)


def write(source):
    token = uuid.uuid4().hex
    sql(source, f"REPLACE INTO canary (name, token) VALUES ('test', '{token}')", "db_cluster")
    return token


def canary(host):
    return sql(host, "SELECT token FROM canary WHERE name = 'test'", "db_cluster")


def as_application(replica, user, statement, options=""):
    """Log in to the source over the network, from the host that may."""
    return replica.run(
        f"MYSQL_PWD={user}$(cat /root/mysql-tests) mysql --host {ADDRESS} --user inventario_{user} "
        f"--ssl-mode=VERIFY_CA --ssl-ca=/etc/inventario/tls/ca.pem {options} --execute %s",
        statement,
    )


def test_a_write_arrives(source, replica):
    token = write(source)
    becomes(lambda: canary(replica), token)
    executed = sql(source, "SELECT @@GLOBAL.gtid_executed")
    becomes(lambda: sql(replica, f"SELECT GTID_SUBSET('{executed}', @@GLOBAL.gtid_executed)"), "1")


def test_the_replica_refuses_root(replica):
    refused = replica.run("mysql --execute \"INSERT INTO db_cluster.canary (name, token) VALUES ('x', 'x')\"")
    assert refused.rc != 0
    assert "super-read-only" in refused.stderr


def test_what_is_not_listed_is_not_replicated(source):
    before = sql(source, "SELECT @@GLOBAL.gtid_executed")
    sql(source, "CREATE DATABASE elsewhere")
    sql(source, "DROP DATABASE elsewhere")
    assert sql(source, "SELECT @@GLOBAL.gtid_executed") == before


def test_replication_is_encrypted_and_the_source_verified(replica):
    query = (
        "SELECT ssl_allowed, ssl_verify_server_certificate, ssl_ca_file, auto_position, connection_retry_count "
        "FROM performance_schema.replication_connection_configuration"
    )
    assert sql(replica, query).split() == ["YES", "YES", "/etc/inventario/tls/ca.pem", "1", "0"]


def test_a_commit_waits_for_the_replica(source, replica):
    sql(replica, "STOP REPLICA IO_THREAD")
    try:
        statement = "REPLACE INTO db_cluster.canary (name, token) VALUES ('waits', 'x')"
        assert source.run("timeout 3 mysql --execute %s", statement).rc == 124
    finally:
        sql(replica, "START REPLICA IO_THREAD")
    becomes(lambda: sql(source, "SHOW STATUS LIKE 'Rpl_semi_sync_source_wait_sessions'").split()[1], "0")
    write(source)


@pytest.mark.parametrize(
    ("name", "setting", "value"),
    [
        ("maestro1", "max_connections", "150"),
        ("slave1", "max_connections", "130"),
        ("slave1", "server_id", "2"),
        ("maestro1", "log_bin_basename", "/var/lib/mysql/data/mysql-bin"),
        ("maestro1", "sync_binlog", "1"),
        ("maestro1", "binlog_transaction_compression", "1"),
        ("slave1", "relay_log_recovery", "0"),
        ("slave1", "sync_relay_log", "1"),
        ("maestro1", "collation_server", "utf8mb4_es_0900_ai_ci"),
        ("maestro1", "rpl_semi_sync_source_wait_point", "AFTER_SYNC"),
        ("maestro1", "require_secure_transport", "1"),
    ],
)
def test_a_setting_is_in_force(get_host, name, setting, value):
    assert sql(get_host(name), f"SELECT @@GLOBAL.{setting}") == value


@pytest.mark.parametrize("name", ["maestro1", "slave1"])
def test_no_way_in_without_a_password(get_host, name):
    host = get_host(name)
    assert sql(host, "SELECT plugin FROM user WHERE user = 'root'") == "auth_socket"
    doubtful = "SELECT COUNT(*) FROM user WHERE user = '' OR (authentication_string = '' AND plugin <> 'auth_socket')"
    assert sql(host, doubtful) == "0"
    over_the_network = "SELECT COUNT(*) FROM user WHERE host <> 'localhost' AND ssl_type <> 'ANY'"
    assert sql(host, over_the_network) == "0"
    assert host.run("su --shell /bin/sh nobody --command 'mysql --user root --execute \"SELECT 1\"'").rc != 0


def test_accounts_are_the_same_on_every_node(source, replica):
    query = "SELECT user, host, plugin, ssl_type FROM user ORDER BY user, host"
    assert sql(source, query) == sql(replica, query)


@pytest.mark.parametrize(
    ("user", "statement", "allowed"),
    [
        ("reader", "SELECT COUNT(*) FROM information_schema.tables", True),
        ("reader", "CREATE TABLE db_inventario.t (i INT)", False),
        ("reader", "SELECT * FROM db_cluster.canary", False),
        ("writer", "CREATE TABLE db_inventario.t (i INT)", False),
        ("writer", "SET GLOBAL read_only = OFF", False),
        ("migrator", "USE db_inventario; CREATE TABLE t (i INT PRIMARY KEY); DROP TABLE t", True),
        ("migrator", "CREATE DATABASE other", False),
        ("admin", "FLUSH TABLES; SHOW BINARY LOG STATUS; LOCK INSTANCE FOR BACKUP", True),
        ("admin", "CREATE USER other", False),
    ],
)
def test_an_account_does_its_work_and_no_more(replica, user, statement, allowed):
    done = as_application(replica, user, statement)
    assert (done.rc == 0) is allowed, done.stderr


def test_nobody_comes_in_the_clear(replica):
    assert as_application(replica, "reader", "SELECT 1").rc == 0
    assert as_application(replica, "reader", "SELECT 1", "--ssl-mode=DISABLED").rc != 0


@pytest.mark.parametrize("name", ["maestro1", "slave1"])
def test_a_killed_server_comes_back_closed_and_loses_nothing(source, replica, get_host, name):
    token = write(source)
    becomes(lambda: canary(replica), token)
    host = get_host(name)
    before = host.check_output("systemctl show --property MainPID mysql")
    host.check_output("systemctl kill --signal KILL mysql")
    becomes(lambda: host.check_output("systemctl show --property MainPID mysql") in (before, "MainPID=0"), False)
    becomes(lambda: host.run("mysql --execute 'SELECT 1'").rc, 0, seconds=30)
    assert sql(host, "SELECT @@GLOBAL.super_read_only") == "1"
    assert canary(host) == token
    if name == "maestro1":
        # the health agent's work, which is not here
        sql(host, "SET GLOBAL rpl_semi_sync_source_enabled = ON")
        sql(host, "SET GLOBAL super_read_only = OFF")
        sql(host, "SET GLOBAL read_only = OFF")
    status = "SELECT COUNT(*) FROM performance_schema.replication_connection_status WHERE service_state = 'ON'"
    becomes(lambda: sql(replica, status), "1")
    token = write(source)
    becomes(lambda: canary(replica), token)
