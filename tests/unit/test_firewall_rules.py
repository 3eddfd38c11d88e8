"""Who may open which port of which host: derived from the inventory, and written as rules that mean just that."""

from __future__ import annotations

import json
import pathlib
import re
from typing import Any

import pytest
from rendering import render, words
from test_wiring import played

DERIVED = """
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.set_fact:
        derived:
          host: "{{ inventory_hostname }}"
          mode: "{{ common_firewall_mode }}"
          rules: "{{ common_firewall_allowed }}"
          capabilities: "{{ docker_hosts_capabilities }}"
    - ansible.builtin.debug:
        msg: "@@{{ ansible_play_hosts | map('extract', hostvars, 'derived') | to_json }}@@"
      run_once: true
"""


def rules(*allowed: dict[str, Any], extra: tuple[dict[str, Any], ...] = ()) -> list[str]:
    """The lines of the chain that let a port be opened."""
    text = render(
        "common", "firewall.nft.j2", common_firewall_allowed=list(allowed), common_firewall_extra_rules=list(extra)
    )
    return [line for line in words(text) if re.search(r"\b(tcp|udp) dport", line) and "sport" not in line]


@pytest.mark.parametrize(
    ("rule", "written"),
    [
        ({"port": 80, "sources": ["any"], "comment": "HTTP"}, ['tcp dport 80 accept comment "HTTP"']),
        ({"port": 80, "sources": ["any", "192.0.2.1"]}, ["tcp dport 80 accept"]),
        (
            {"port": "50-59", "protocol": "udp", "sources": ["192.0.2.1"]},
            ["ip saddr { 192.0.2.1 } udp dport 50-59 accept"],
        ),
        (
            {"port": 80, "sources": ["2001:db8::/64", "192.0.2.2", "192.0.2.1", "192.0.2.2"]},
            [
                "ip saddr { 192.0.2.1, 192.0.2.2 } tcp dport 80 accept",
                "ip6 saddr { 2001:db8::/64 } tcp dport 80 accept",
            ],
        ),
        # a group without hosts: nobody, not everybody
        ({"port": 80, "sources": []}, []),
        ({"port": 80, "sources": ["any"], "comment": 'a "b"'}, ["tcp dport 80 accept comment \"a 'b'\""]),
    ],
)
def test_a_rule_lets_its_sources_open_its_port(rule: dict[str, Any], written: list[str]) -> None:
    assert rules(rule) == written
    assert rules(extra=(rule,)) == written


def test_what_is_not_allowed_is_refused() -> None:
    lines = words(render("common", "firewall.nft.j2"))
    assert "type filter hook input priority filter; policy drop;" in lines
    assert not rules()


def derived(inventory: str, folder: pathlib.Path, *arguments: str) -> dict[str, dict[str, Any]]:
    said = played(DERIVED, folder, *arguments, inventory=inventory)
    found = re.search(r"@@(.*)@@", said)
    assert found
    return {record["host"]: record for record in json.loads(json.loads(f'"{found[1]}"'))}


def allowed(record: dict[str, Any]) -> dict[int, list[str]]:
    return {rule["port"]: sorted(rule["sources"]) for rule in record["rules"]}


NODES = [f"172.29.0.{number}" for number in (21, 22, 23, 24)]
DATABASES = [f"172.29.0.{number}" for number in (31, 32, 33, 34)]


def test_containers_answer_what_their_tier_needs(tmp_path: pathlib.Path) -> None:
    found = derived("inventory/test", tmp_path)
    assert allowed(found["nginx"]) == {80: ["any"], 443: ["any"]}
    assert allowed(found["app2"]) == {8000: ["172.29.0.10"]}
    assert allowed(found["slave1"]) == allowed(found["maestro1"])
    assert allowed(found["slave1"]) == {
        3306: sorted([*NODES, *DATABASES, "172.29.0.41"]),
        9200: sorted([*NODES, *DATABASES, "172.29.0.1"]),
    }
    assert allowed(found["phpmyadmin"]) == {80: ["any"]}
    assert {record["mode"] for record in found.values()} == {"where_possible"}
    assert all("NET_ADMIN" in record["capabilities"] for record in found.values())


def test_containers_need_no_capability_for_no_firewall(tmp_path: pathlib.Path) -> None:
    found = derived("inventory/test", tmp_path, "-e", "common_firewall_mode=absent")
    assert all(record["capabilities"] == ["SYS_ADMIN"] for record in found.values())


def test_servers_answer_ssh_too(tmp_path: pathlib.Path) -> None:
    sources = json.dumps({"ansible_port": 2222, "cluster_ssh_sources": ["198.51.100.0/24"]})
    found = derived("inventory/production.example", tmp_path, "-e", sources)
    assert allowed(found["app2"]) == {22: ["198.51.100.0/24"], 2222: ["198.51.100.0/24"], 8000: ["192.0.2.10"]}
    assert allowed(found["phpmyadmin"]).keys() == {22, 2222, 80, 443}
    assert "192.0.2.1" not in allowed(found["maestro1"])[9200]
    assert {record["mode"] for record in found.values()} == {"enforced"}
