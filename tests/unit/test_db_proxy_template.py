"""What HAProxy is told: who may be written to, who may be read from, and in which order."""

from __future__ import annotations

import re
from typing import Any

import pytest
from rendering import DEBIAN_12, DEBIAN_13, render, words

NODES = [
    {"name": "maestro1", "address": "192.0.2.31"},
    {"name": "slave1", "address": "192.0.2.32", "read_weight": 3},
]


def haproxy(**variables: Any) -> str:
    scope = {"db_proxy_database_nodes": NODES, "__db_proxy_authority": {"stat": {"exists": True, "checksum": "aa"}}}
    return render("db_proxy", "haproxy.cfg.j2", **{**scope, **variables})


def section(text: str, title: str) -> list[str]:
    """The lines of a section, up to the next one."""
    lines = text.splitlines()
    start = lines.index(title) + 1
    end = next((i for i in range(start, len(lines)) if lines[i] and not lines[i].startswith((" ", "#"))), len(lines))
    return words("\n".join(lines[start:end]))


@pytest.mark.parametrize(("backend", "path"), [("source", "/source"), ("replicas", "/replica"), ("alive", "/alive")])
def test_each_backend_asks_its_own_question_to_all_nodes(backend: str, path: str) -> None:
    lines = section(haproxy(), f"backend {backend}")
    assert any(f"uri {path} " in line for line in lines)
    assert [line.split()[1:3] for line in lines if line.startswith("server ")] == [
        ["maestro1", "192.0.2.31:3306"],
        ["slave1", "192.0.2.32:3306"],
    ]


def test_writes_go_to_one_source_or_nowhere() -> None:
    lines = section(haproxy(), "frontend writes")
    assert "tcp-request connection reject unless { nbsrv(source) eq 1 }" in lines
    assert [line for line in lines if line.startswith(("use_backend", "default_backend"))] == ["default_backend source"]


def test_reads_go_to_fresh_replicas_then_the_source_then_stale_ones() -> None:
    lines = [line for line in section(haproxy(), "frontend reads") if "_backend" in line]
    assert [line.split()[1] for line in lines] == ["replicas", "source", "alive"]


def test_reads_have_weights() -> None:
    servers = [line for line in section(haproxy(), "backend replicas") if line.startswith("server ")]
    assert [line.rsplit(" ", 1)[1] for line in servers] == ["1", "3"]


def test_the_agent_must_prove_its_name() -> None:
    text = haproxy()
    default = next(line for line in words(text) if line.startswith("default-server "))
    assert "check-ssl" in default
    assert "verify required ca-file /etc/inventario/tls/ca.pem" in default
    for line in (line for line in words(text) if line.startswith("server ")):
        name = line.split()[1]
        assert f"check-sni {name} verifyhost {name}" in line


def test_connections_to_a_node_that_is_out_are_cut() -> None:
    assert "on-marked-down shutdown-sessions" in haproxy()


def test_nothing_listens_beyond_this_host() -> None:
    binds = re.findall(r"^\s+bind (\S+)$", haproxy(), re.MULTILINE)
    assert binds == ["127.0.0.1:3306", "127.0.0.1:3307", "127.0.0.1:8404"]


def test_mysql_passes_through_untouched() -> None:
    text = haproxy()
    assert "mode tcp" in words(text)
    assert not re.search(r"^\s+(server|bind) .* ssl\b", text, re.MULTILINE)


def test_a_frozen_source_is_noticed_within_four_seconds() -> None:
    text = haproxy()
    inter = int(re.search(r"server maestro1 .* inter (\d+)ms", text)[1])  # type: ignore[index]
    fast = int(re.search(r"fastinter (\d+)ms", text)[1])  # type: ignore[index]
    timeout = int(re.search(r"timeout check (\d+)ms", text)[1])  # type: ignore[index]
    fall = int(re.search(r" fall (\d+) ", text)[1])  # type: ignore[index]
    assert inter + (fall - 1) * fast + fall * timeout < 4000


def test_a_node_that_said_no_is_never_asked_more_often() -> None:
    for line in (line for line in words(haproxy(db_proxy_down_interval=1)) if line.startswith("server ")):
        inter, down = re.search(r" inter (\d+)ms downinter (\d+)ms", line).groups()  # type: ignore[union-attr]
        assert int(down) >= int(inter)


def test_a_renewed_authority_changes_the_configuration() -> None:
    assert haproxy() != haproxy(__db_proxy_authority={"stat": {"exists": True, "checksum": "bb"}})


@pytest.mark.parametrize(("system", "told"), [(DEBIAN_13, True), (DEBIAN_12, False)], ids=["Debian 13", "Debian 12"])
def test_a_haproxy_that_knows_no_curves_is_told_none(system: dict[str, str], told: bool) -> None:
    default = next(line for line in words(haproxy(ansible_facts=system)) if line.startswith("default-server "))
    assert ("curves P-256" in default) is told
