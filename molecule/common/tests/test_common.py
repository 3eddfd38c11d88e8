"""What every host has: the group that reads TLS keys, and a journal that can't fill the disk."""


def test_the_key_is_readable_by_its_group_and_nobody_else(host):
    key = host.file("/etc/inventario/tls/node.key")
    assert (key.user, key.group, key.mode) == ("root", "inventario-tls", 0o640)


def test_the_certificate_is_the_authoritys(host):
    verdict = host.run("openssl verify -CAfile /etc/inventario/tls/ca.pem /etc/inventario/tls/node.pem")
    assert verdict.rc == 0, verdict.stderr


def test_the_journal_is_kept_and_bounded(host):
    assert "SystemMaxUse=32M" in host.check_output("systemd-analyze cat-config systemd/journald.conf")
    assert host.run("journalctl --flush && ls /var/log/journal/*/system.journal").rc == 0
