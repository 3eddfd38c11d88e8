"""What NGINX is told, for the settings that an operator may choose."""

from __future__ import annotations

import re
from typing import Any

import pytest
from rendering import DEBIAN_12, DEBIAN_13, render, words

NODES = [
    {"name": "app", "address": "192.0.2.21", "port": 8000, "weight": 3},
    {"name": "app1", "address": "192.0.2.2", "port": 8000, "weight": 2},
    {"name": "six", "address": "2001:db8::1", "port": 8001, "weight": 1},
]


def nginx(**variables: Any) -> str:
    return render("loadbalancer", "nginx.conf.j2", **{"loadbalancer_upstreams": NODES, **variables})


def block(text: str, opening: str) -> str:
    """The block that begins with this line, up to the brace that closes it."""
    start = text.index(opening)
    depth = 0
    for index in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[index], 0)
        if text[index] == "}" and depth == 0:
            return text[start : index + 1]
    raise AssertionError(f"'{opening}' is never closed")


def test_braces_are_balanced() -> None:
    text = nginx()
    assert text.count("{") == text.count("}")


def test_each_node_has_its_weight_and_counts_its_failures() -> None:
    upstream = block(nginx(), "upstream webapp {")
    assert "server 192.0.2.21:8000 weight=3 max_fails=2 fail_timeout=10s;" in upstream
    assert "server 192.0.2.2:8000 weight=2 max_fails=2 fail_timeout=10s;" in upstream
    assert "server [2001:db8::1]:8001 weight=1 max_fails=2 fail_timeout=10s;" in upstream


def test_the_workers_share_one_account_of_the_nodes() -> None:
    assert "zone webapp 256k;" in block(nginx(), "upstream webapp {")


def test_when_all_nodes_failed_they_are_asked_all_the_same() -> None:
    upstream = block(nginx(), "upstream webapp {")
    assert len(re.findall(r"max_fails=0 backup;", upstream)) == len(NODES)


@pytest.mark.parametrize(
    ("tried", "name"),
    [
        ("192.0.2.21:8000", "app"),
        ("192.0.2.2:8000", "app1"),
        ("192.0.2.21:8000, 192.0.2.2:8000", "app1"),
        ("192.0.2.2:8000 : 192.0.2.21:8000", "app"),
        ("[2001:db8::1]:8001", "six"),
        ("192.0.2.211:8000", None),
        ("192a0.2.2:8000", None),
    ],
)
def test_the_last_address_tried_gives_the_name(tried: str, name: str | None) -> None:
    rules = re.findall(r'"~(.+)" (\S+);', block(nginx(), "map $upstream_addr $served_by {"))
    assert next((given for pattern, given in rules if re.search(pattern, tried)), None) == name


@pytest.mark.parametrize(("nodes", "tries"), [(1, 1), (2, 2), (3, 3)])
def test_no_more_tries_than_nodes(nodes: int, tries: int) -> None:
    assert f"proxy_next_upstream_tries {tries};" in nginx(loadbalancer_upstreams=NODES[:nodes])


def test_tries_are_bounded() -> None:
    assert "proxy_next_upstream_tries 2;" in nginx(loadbalancer_retry_nodes=2)


def test_a_frozen_node_costs_less_than_five_seconds() -> None:
    text = nginx()
    read = int(re.search(r"location / \{.*?proxy_read_timeout (\d+)s", text, re.DOTALL)[1])  # type: ignore[index]
    connect = int(re.search(r"proxy_connect_timeout (\d+)s", text)[1])  # type: ignore[index]
    assert read + connect < 5


def test_only_the_login_is_repeated_after_it_was_sent() -> None:
    text = nginx()
    assert "non_idempotent" in block(text, "location = /login {")
    assert "non_idempotent" not in block(text, "location @write {")
    assert "non_idempotent" not in block(text, "location / {")


def kind(method: str, path: str, **variables: object) -> str:
    """What NGINX takes a request for, by the rules of its map."""
    rules = block(nginx(**variables), "map $request_method:$uri $kind {")
    patterns = re.findall(r'"~(.+)" (\w+);', rules)
    return next((name for pattern, name in patterns if re.search(pattern, f"{method}:{path}")), "write")


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/imports", "read"),
        ("HEAD", "/", "read"),
        ("POST", "/orders/1", "repeatable_write"),
        ("DELETE", "/orders/1", "repeatable_write"),
        ("POST", "/orders/files/1", "slow_write"),
        ("POST", "/other/orders/1", "write"),
        ("POST", "/ordersx", "write"),
    ],
)
def test_what_may_be_repeated(method: str, path: str, expected: str) -> None:
    given = {"loadbalancer_repeatable_prefixes": ["/orders/"], "loadbalancer_slow_prefixes": ["/orders/files"]}
    assert kind(method, path, **given) == expected


def test_nothing_but_a_read_is_repeated_unless_it_is_said() -> None:
    assert kind("POST", "/orders/1") == "write"
    assert "non_idempotent" in block(nginx(), "location @repeatable_write {")


def test_a_write_is_handed_over_only_once_and_never_at_a_clients_word() -> None:
    text = nginx()
    quick = block(text, "location @repeatable_write {")
    assert 'proxy_set_header X-Write-Hand-Over "@slow_write";' in quick
    # a location with headers of its own gets none from above
    assert "proxy_set_header X-Forwarded-For $remote_addr;" in quick
    assert "X-Write-Hand-Over" not in block(text, "location @slow_write {")
    assert text.count('proxy_set_header X-Write-Hand-Over "";') >= 1


def test_a_login_that_may_not_be_repeated_is_waited_for() -> None:
    login = block(nginx(loadbalancer_repeatable_posts=[]), "location = /login {")
    assert "non_idempotent" not in login
    assert "proxy_read_timeout 20s;" in login
    assert "limit_req zone=login" in login


def test_another_repeatable_path_is_not_limited_as_a_login() -> None:
    other = block(nginx(loadbalancer_repeatable_posts=["/login", "/again"]), "location = /again {")
    assert "non_idempotent" in other
    assert "limit_req" not in other


def test_where_nobody_logs_in_nothing_is_limited_and_nothing_repeated() -> None:
    text = nginx(loadbalancer_login_path="", loadbalancer_repeatable_posts=[])
    assert "limit_req zone" not in text
    assert "location =  {" not in text
    assert "location = /login" not in text


STATIC = [{"prefix": "/static/", "source": "/src"}, {"prefix": "/fonts/", "source": "/src", "max_age": 60}]


def test_static_files_are_answered_here_or_by_a_node() -> None:
    text = nginx(loadbalancer_static=STATIC, loadbalancer_static_dir="/srv/files")
    # once for HTTP and once for HTTPS
    assert text.count("location ^~ /static/ {") == text.count("location @read {") == 2
    lines = words(block(text, "location ^~ /static/ {"))
    assert {"root /srv/files;", "try_files $uri @read;", "expires 0s;"} <= set(lines)
    assert "expires 60s;" in words(block(text, "location ^~ /fonts/ {"))
    assert "try_files" not in nginx()


def test_without_shared_paths_nothing_is_kept() -> None:
    assert "proxy_cache" not in nginx()


def test_a_shared_answer_is_asked_for_once_and_holds_nothing_personal() -> None:
    text = nginx(loadbalancer_shared_paths=["/now"])
    # once for HTTP and once for HTTPS
    assert text.count("location = /now {") == 2
    lines = words(block(text, "location = /now {"))
    for line in (
        "proxy_cache_lock on;",
        "proxy_cache_use_stale updating;",
        'proxy_set_header Cookie "";',
        'proxy_set_header Authorization "";',
        "proxy_hide_header Set-Cookie;",
        "proxy_ignore_headers Cache-Control Expires Set-Cookie Vary;",
    ):
        assert line in lines


def test_a_shared_path_tells_the_nodes_what_every_path_tells_them() -> None:
    # directives of a location replace those of the level above, all of them
    text = nginx(loadbalancer_shared_paths=["/now"])
    above = [line for line in words(text[: text.index("server {\n")]) if line.startswith(("proxy_set_", "proxy_hide_"))]
    assert len(above) > 5
    assert set(above) <= set(words(block(text, "location = /now {")))


def test_the_cache_is_where_it_is_said_to_be() -> None:
    text = nginx(loadbalancer_shared_paths=["/now"], loadbalancer_shared_cache="/var/cache/other")
    assert "proxy_cache_path /var/cache/other keys_zone=shared:" in text


def test_a_client_cannot_choose_its_own_address() -> None:
    lines = words(nginx())
    assert "proxy_set_header X-Forwarded-For $remote_addr;" in lines
    assert not any(line.startswith(("set_real_ip_from", "real_ip_header")) for line in lines)


def test_a_trusted_proxy_is_believed() -> None:
    lines = words(nginx(loadbalancer_trusted_proxies=["192.0.2.0/28"]))
    assert "set_real_ip_from 192.0.2.0/28;" in lines
    assert "real_ip_header X-Forwarded-For;" in lines
    assert "192.0.2.0/28 1;" in block(
        nginx(loadbalancer_trusted_proxies=["192.0.2.0/28"]), "geo $realip_remote_addr $from_trusted_proxy {"
    )


def test_exempt_addresses_are_not_limited() -> None:
    assert "192.0.2.1 1;" in block(nginx(loadbalancer_login_exempt=["192.0.2.1"]), "geo $login_exempt {")


def test_the_log_holds_no_query_string() -> None:
    log = nginx().split("log_format json", 1)[1].split(";", 1)[0]
    used = re.findall(r"\$\w+", log)
    assert not set(used) & {"$request", "$request_uri", "$args", "$query_string", "$http_referer", "$http_cookie"}
    assert {"$served_by", "$upstream_addr", "$upstream_status", "$request_id", "$request_time"} <= set(used)


def test_http_is_served_unless_told_otherwise() -> None:
    assert "return 308" not in nginx()


@pytest.mark.parametrize(
    ("port", "target"), [(443, "https://$host$request_uri"), (8443, "https://$host:8443$request_uri")]
)
def test_the_redirect_names_the_port_that_clients_see(port: int, target: str) -> None:
    text = nginx(loadbalancer_redirect_to_https=True, loadbalancer_public_https_port=port)
    assert f"return 308 {target};" in text


def test_without_https_there_is_no_certificate_and_no_redirect() -> None:
    text = nginx(loadbalancer_https_port=0, loadbalancer_redirect_to_https=True)
    assert "ssl" not in "\n".join(words(text))
    assert "return 308" not in text


def test_only_new_tls() -> None:
    assert "ssl_protocols TLSv1.2 TLSv1.3;" in words(nginx())


def test_strict_transport_keeps_the_other_headers() -> None:
    text = nginx(loadbalancer_hsts_seconds=60, loadbalancer_shared_paths=["/now"])
    plain, secure = text.split("listen 0.0.0.0:443", 1)
    for level in (secure, block(secure, "location = /now {")):
        assert 'add_header Strict-Transport-Security "max-age=60" always;' in level
        assert "add_header X-Served-By $served_by always;" in level
    assert "Strict-Transport-Security" not in plain
    assert "add_header X-Served-By $served_by always;" in block(plain, "location = /now {")


def test_the_status_is_for_this_host_only() -> None:
    text = nginx()
    status = text[text.index("listen 127.0.0.1:8009;") :]
    assert "stub_status;" in status
    assert "stub_status" not in text[: text.index("listen 127.0.0.1:8009;")]


def test_a_renewed_certificate_changes_the_configuration() -> None:
    one = nginx(__loadbalancer_certificate={"stat": {"checksum": "aa"}})
    other = nginx(__loadbalancer_certificate={"stat": {"checksum": "bb"}})
    assert one != other


def test_the_log_is_rotated() -> None:
    text = render("loadbalancer", "logrotate.j2", loadbalancer_log_days=7)
    assert "/var/log/nginx/access.json {" in text
    assert "rotate 7" in words(text)


def test_the_error_page_is_spanish_and_names_the_request() -> None:
    page = render("loadbalancer", "error.html.j2")
    assert '<html lang="es">' in page
    assert 'echo var="request_id"' in page


@pytest.mark.parametrize(
    ("system", "lines"),
    [
        (DEBIAN_13, ["listen 0.0.0.0:443 ssl default_server;", "http2 on;"]),
        (DEBIAN_12, ["listen 0.0.0.0:443 ssl http2 default_server;"]),
    ],
    ids=["Debian 13", "Debian 12"],
)
def test_http2_is_told_in_the_words_of_the_systems_nginx(system: dict[str, str], lines: list[str]) -> None:
    text = nginx(ansible_facts=system, loadbalancer_listen_addresses=["0.0.0.0"])
    told = [line for line in words(text) if ":443 " in line or "http2" in line]
    assert told == lines
