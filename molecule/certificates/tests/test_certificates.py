"""A host can show who it is, only its services read its key, and what ends soon is renewed by the next run."""

import os
import pathlib

import pytest

TLS = "/etc/inventario/tls"
AUTHORITY = pathlib.Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / "authority"
RELOADS = "/run/certificates.reloads"
testinfra_hosts = ["ansible://container_hosts"]


def verdict(host, *options):
    return host.run(f"openssl verify -CAfile {TLS}/ca.pem {' '.join(options)} {TLS}/node.pem")


def field(host, option):
    return host.check_output(f"openssl x509 -in {TLS}/node.pem -noout {option}")


@pytest.mark.parametrize("purpose", ["sslserver", "sslclient"])
def test_the_authority_vouches_for_it(host, purpose):
    assert verdict(host, "-x509_strict", f"-purpose {purpose}").rc == 0


@pytest.mark.parametrize(
    "name", ["-verify_hostname node", "-verify_hostname localhost", "-verify_ip 172.31.21.11", "-verify_ip 127.0.0.1"]
)
def test_it_bears_the_hosts_names(host, name):
    assert verdict(host, name).rc == 0


@pytest.mark.parametrize("name", ["-verify_hostname another", "-verify_ip 172.31.21.12"])
def test_it_bears_no_other(host, name):
    assert verdict(host, name).rc != 0


def test_the_key_is_the_certificates(host):
    assert field(host, "-pubkey") == host.check_output(f"openssl pkey -in {TLS}/node.key -pubout")


@pytest.mark.parametrize(("group", "readable"), [("inventario-tls", True), ("nogroup", False)])
def test_the_key_is_its_groups_to_read(host, group, readable):
    reading = host.run(f"setpriv --reuid nobody --regid {group} --clear-groups cat {TLS}/node.key")
    assert (reading.rc == 0) is readable
    assert host.file(f"{TLS}/node.key").mode == 0o640


def test_the_authoritys_key_is_encrypted_and_stays_where_it_is(host):
    assert "ENCRYPTED" in (AUTHORITY / "authority.key").read_text(encoding="ascii")
    assert AUTHORITY.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in AUTHORITY.glob("*.key")} == {0o600}
    assert set(host.file(TLS).listdir()) == {"ca.pem", "node.pem", "node.key"}


@pytest.fixture
def whole(host, play):
    """The certificate as it was at first, and none of the reloads that a test looks for."""
    host.check_output(f"rm -f {RELOADS}")
    yield field(host, "-serial")
    again = play("converge.yml")
    assert again.returncode == 0, again.stdout


def test_what_ends_soon_is_renewed_and_the_services_are_told(host, play, whole):
    authority = (AUTHORITY / "ca.pem").read_bytes()
    key = host.file(f"{TLS}/node.key").content
    # everything ends within 500 days
    run = play("converge.yml", authority_renew_days=500)
    assert run.returncode == 0, run.stdout
    assert field(host, "-serial") != whole
    assert verdict(host, "-verify_hostname node").rc == 0
    assert host.check_output(f"cat {RELOADS}") == "reloaded"
    # nobody has to trust anything new
    assert (AUTHORITY / "ca.pem").read_bytes() == authority
    assert host.file(f"{TLS}/node.key").content == key


def test_a_new_name_is_a_new_certificate(host, play, whole):
    names = ["DNS:node", "DNS:shop.example", "IP:172.31.21.11"]
    run = play("converge.yml", authority_hosts=[{"name": "node", "subject_alt_names": names}])
    assert run.returncode == 0, run.stdout
    assert verdict(host, "-verify_hostname shop.example").rc == 0
    assert verdict(host, "-verify_hostname localhost").rc != 0
    assert field(host, "-serial") != whole
