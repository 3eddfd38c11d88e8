"""What phpMyAdmin, PHP and NGINX are told on the administration host."""

from __future__ import annotations

import hashlib
import re

import pytest
from rendering import DEBIAN_12, DEBIAN_13, render, variable, words

SERVERS = [{"name": "maestro1", "address": "192.0.2.31"}, {"name": "slave1", "address": "192.0.2.32"}]


def test_the_source_and_every_replica_can_be_chosen() -> None:
    text = render("phpmyadmin", "config.php.j2", phpmyadmin_servers=SERVERS)
    assert re.findall(r"\$cfg\['Servers'\]\[(\d)\]", text) == ["1", "2"]
    assert re.findall(r"'verbose' => '(\w+)'", text) == ["maestro1", "slave1"]
    assert re.findall(r"'host' => '([\d.]+)'", text) == ["192.0.2.31", "192.0.2.32"]


@pytest.mark.parametrize(
    "line", ["'ssl' => true,", "'ssl_verify' => true,", "'AllowNoPassword' => false,", "'AllowRoot' => false,"]
)
def test_each_server_is_verified_and_wants_a_password(line: str) -> None:
    text = render("phpmyadmin", "config.php.j2", phpmyadmin_servers=SERVERS)
    assert words(text).count(line) == len(SERVERS)


def test_no_other_server_can_be_typed_in() -> None:
    assert "$cfg['AllowArbitraryServer'] = false;" in render("phpmyadmin", "config.php.j2")


def test_the_session_ends_when_the_setting_says() -> None:
    assert "$cfg['LoginCookieValidity'] = 600;" in render("phpmyadmin", "config.php.j2", phpmyadmin_session_minutes=10)
    pool = render("phpmyadmin", "pool.conf.j2", phpmyadmin_session_minutes=10)
    assert "php_admin_value[session.gc_maxlifetime] = 600" in pool


def test_the_secret_is_hashed_to_the_length_that_the_cipher_wants() -> None:
    given = "a'b" * 9
    text = render("phpmyadmin", "secret.php.j2", phpmyadmin_blowfish_secret=given)
    assert given not in text
    assert bytes.fromhex(re.search(r"hex2bin\('(\w+)'\)", text)[1]) == hashlib.sha256(given.encode()).digest()  # type: ignore[index]


@pytest.mark.parametrize(
    "path", ["/setup/index.php", "/libraries/vendor_config.php", "/templates/base.twig", "/x.php", "/.git"]
)
def test_what_is_nobodys_business_is_not_found(path: str) -> None:
    site = render("phpmyadmin", "site.conf.j2")
    runs, refused = (pattern for pattern in re.findall(r"location ~ (\S+) \{", site))
    assert not re.search(runs, path)
    assert re.search(refused, path)


@pytest.mark.parametrize("path", ["/index.php", "/url.php"])
def test_two_files_run(path: str) -> None:
    runs = re.findall(r"location ~ (\S+) \{", render("phpmyadmin", "site.conf.j2"))[0]
    assert re.search(runs, path)


def test_with_https_http_only_redirects() -> None:
    site = render("phpmyadmin", "site.conf.j2", phpmyadmin_https_port=8443)
    first = site[: site.index("ssl_certificate")]
    assert "return 308 https://$host:8443$request_uri;" in first
    assert "listen 0.0.0.0:8443 ssl default_server;" in site


def test_the_log_holds_no_query_string() -> None:
    log = render("phpmyadmin", "site.conf.j2").split("log_format", 1)[1].split(";", 1)[0]
    assert not set(re.findall(r"\$\w+", log)) & {"$request", "$request_uri", "$args", "$query_string", "$http_referer"}


@pytest.mark.parametrize(
    ("system", "given", "version"),
    [(DEBIAN_13, "", "8.4"), (DEBIAN_12, "", "8.2"), (DEBIAN_12, "8.5", "8.5")],
    ids=["Debian 13", "Debian 12", "the operator's own"],
)
def test_php_is_the_systems_unless_the_operator_names_another(system: dict[str, str], given: str, version: str) -> None:
    scope = {"ansible_facts": system, "phpmyadmin_php_version": given}
    assert variable("phpmyadmin", "__phpmyadmin_php_version", **scope) == version
