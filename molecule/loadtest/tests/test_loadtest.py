"""The result that a load test keeps."""

import json
import os
import pathlib

import pytest

testinfra_hosts = ["ansible://loadbalancers"]


@pytest.fixture(scope="module")
def result():
    folder = pathlib.Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / "results"
    return json.loads(max(folder.glob("*.json")).read_text(encoding="utf-8"))


@pytest.mark.parametrize("index", [0, 1])
def test_each_page_has_its_figures(result, index):
    page = result["pages"][index]
    assert (page["complete"], page["failed"]) == (400, 0)
    assert page["requests_per_second"] > 0
    assert page["p50_ms"] <= page["p95_ms"] <= page["p99_ms"] <= page["slowest_ms"]


@pytest.mark.parametrize("index", [0, 1])
def test_every_request_is_counted_once_for_the_node_that_served_it(result, index):
    nodes = {node["node"]: node for node in result["pages"][index]["nodes"]}
    assert sum(node["served"] for node in nodes.values()) == 400
    assert nodes["web1"]["promised_percent"] == 75
    assert nodes["web1"]["share_percent"] == pytest.approx(75, abs=3)


def test_the_requests_stand_under_the_runs_own_name(host, result):
    agent = f"{result['run']}-home"
    assert host.check_output(f'grep -c \'"user_agent":"{agent}"\' /var/log/nginx/access.json') == "400"
