"""A run on some hosts only works, or is refused with the limit to take instead."""

from __future__ import annotations

import pathlib

import pytest
from loading import load

from proof.inventory import Sizes, write
from proof.playbook import Operator

limit = load("plugins/filter/limit_problem.py")
DATABASE = ["maestro1", "slave1"]
SERVERS = {"app_nodes": ["app", "app1"], "database": DATABASE}
CONTAINERS = SERVERS | {"container_hosts": [*SERVERS["app_nodes"], *DATABASE]}


@pytest.mark.parametrize(
    ("groups", "hosts"),
    [
        (CONTAINERS, ["app1", "localhost"]),
        (CONTAINERS, [*DATABASE, "localhost"]),
        (SERVERS, ["app1", *DATABASE, "localhost"]),
    ],
)
def test_what_works(groups: dict[str, list[str]], hosts: list[str]) -> None:
    assert not limit.limit_problem("given", hosts, groups)


@pytest.mark.parametrize(
    ("groups", "given", "hosts", "reason", "remedy"),
    [
        (CONTAINERS, "app1", ["app1"], "control node", "'app1,localhost'"),
        (CONTAINERS, "slave1,localhost", ["slave1", "localhost"], "slave1 only", "'slave1,localhost,database'"),
        (CONTAINERS, "slave1", ["slave1"], "slave1 only", "'slave1,localhost,database'"),
        (SERVERS, "app1,localhost", ["app1", "localhost"], "operators' lock", "'app1,localhost,database'"),
    ],
)
def test_what_is_refused(groups: dict[str, list[str]], given: str, hosts: list[str], reason: str, remedy: str) -> None:
    said = limit.limit_problem(given, hosts, groups)
    assert reason in said
    assert said.endswith(f"Remedy: --limit {remedy}")


def test_a_run_without_the_control_node_ends_before_it_touches_a_host(tmp_path: pathlib.Path) -> None:
    inventory = write(tmp_path / "inventory", Sizes(2, 1), subnet="172.30.80.0/24", cluster_name="inventario-nowhere")
    run = Operator(str(inventory), [], tmp_path).play("site.yml", "--limit", "app1")
    run.expect_refusal("control node", "--limit 'app1,localhost'")
    assert run.recap["app1"]["ok"] == 0
