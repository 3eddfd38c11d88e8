"""A container is made anew when its definition changed, and only then: the digest on its label decides."""

from __future__ import annotations

from typing import Any

import pytest
from rendering import variable

IMAGE = "inventario-app:0123456789ab"
HOST = {
    "inventory_hostname": "app1",
    "ansible_host": "inventario-app1",
    "__docker_hosts_image": IMAGE,
    "docker_hosts_address": "192.0.2.21",
}


def found(name: str, **variables: Any) -> Any:
    return variable("docker_hosts", name, **{**HOST, **variables})


def digest(**variables: Any) -> str:
    return found("__docker_hosts_digest", **variables)


def containers(*lines: str) -> dict[str, Any]:
    """What Docker answers about the cluster's containers."""
    return {"__docker_hosts_containers": {"stdout_lines": [*lines, f"inventario-app running {digest()}"]}}


@pytest.mark.parametrize(
    "change",
    [
        {"__docker_hosts_image": "inventario-app:ba9876543210"},
        {"inventory_hostname": "app9"},
        {"docker_hosts_network_name": "another"},
        {"docker_hosts_address": "192.0.2.29"},
        {"docker_hosts_published_ports": ["127.0.0.1:8080:80"]},
        {"docker_hosts_volume": "data"},
        {"docker_hosts_memory": "1g"},
        {"docker_hosts_cpus": 1.5},
        {"docker_hosts_capabilities": ["SYS_ADMIN", "NET_ADMIN"]},
        {"docker_hosts_log_options": {"max-size": "1m"}},
        {"docker_hosts_restart_policy": "no"},
        {"docker_hosts_stop_timeout": 5},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_changed_definition_makes_it_anew(change: dict[str, Any]) -> None:
    assert digest(**change) != digest()


@pytest.mark.parametrize(
    "change",
    [
        {"docker_hosts_subnet": "192.0.2.0/25"},
        {"docker_hosts_health_port": 9999},
        {"docker_hosts_base_pull_timeout": 99},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_does_not_define_the_container_does_not(change: dict[str, Any]) -> None:
    assert digest(**change) == digest()


def test_a_volume_belongs_to_its_cluster() -> None:
    assert found("__docker_hosts_definition", docker_hosts_volume="data")["volume"] == "inventario-data"
    assert found("__docker_hosts_definition")["volume"] == ""


@pytest.mark.parametrize(
    ("state", "defined", "as_defined", "later"),
    [
        ("running", True, True, False),
        # somebody paused it on purpose
        ("paused", True, True, False),
        ("exited", True, False, False),
        ("running", False, False, True),
        ("exited", False, False, False),
    ],
)
def test_a_container_is_left_made_or_made_later(state: str, defined: bool, as_defined: bool, later: bool) -> None:
    listed = containers(f"inventario-app1 {state} {digest() if defined else 'another'}")
    assert found("__docker_hosts_as_defined", **listed) is as_defined
    assert found("__docker_hosts_later", **listed) is later


def test_a_container_that_is_missing_is_made_at_once() -> None:
    # another host's name that begins alike is another host
    listed = containers(f"inventario-app10 running {digest()}")
    assert found("__docker_hosts_present", **listed) == []
    assert found("__docker_hosts_as_defined", **listed) is False
    assert found("__docker_hosts_later", **listed) is False


def test_a_container_without_a_definition_is_made_later() -> None:
    """One of that name which was made by hand has no label."""
    assert found("__docker_hosts_later", **containers("inventario-app1 running ")) is True


def test_a_tier_rests_on_the_base_of_its_own_suite() -> None:
    mixed = {"docker_hosts_tier_suites": {"app": "bookworm"}}
    suites = found("__docker_hosts_suite_of", **mixed)
    assert suites == {"loadbalancer": "trixie", "app": "bookworm", "database": "trixie", "admin": "trixie"}
    bases = found("__docker_hosts_bases", **mixed)
    assert bases["trixie"] != bases["bookworm"]
    # a cluster that has no other suite shares the base
    assert found("__docker_hosts_bases") == {"trixie": bases["trixie"]}
