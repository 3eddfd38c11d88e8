"""Promise: a run on some hosts, or of some roles, works and says whom it left out; or it is refused with the limit to
take instead. A host that is down keeps nobody else from being converged.
"""

from __future__ import annotations

import pytest

from proof.cluster import Cluster
from proof.playbook import PlaybookRun

PROXY_CONFIGURATION = "/etc/haproxy/haproxy.cfg"


def left_out(run: PlaybookRun) -> set[str]:
    """Whom the gate names as left out."""
    _, found, rest = run.said.partition("left out by --limit: ")
    assert found, run.tail()
    return set(rest.partition('"')[0].split(", "))


@pytest.mark.parametrize(
    ("limit", "taken"),
    [("app2,localhost", {"app2"}), ("database,localhost", {"maestro1", "slave1"})],
)
def test_a_limit_touches_its_hosts_and_names_the_others(cluster: Cluster, limit: str, taken: set[str]) -> None:
    run = cluster.site("--limit", limit).expect_success()
    assert not run.changed, run.log
    assert run.recap.keys() == taken | {"localhost"}
    assert left_out(run) == cluster.nodes.keys() - taken


def test_a_limit_mends_its_hosts_only(cluster: Cluster) -> None:
    inside, outside = cluster.nodes["app2"], cluster.nodes["app1"]
    wanted = inside.run("cat %s", PROXY_CONFIGURATION)
    for node in (inside, outside):
        node.run("echo '# drift' >> %s", PROXY_CONFIGURATION)
    assert set(cluster.site("--limit", "app2,localhost").expect_success().changed) == {"app2"}
    assert inside.run("cat %s", PROXY_CONFIGURATION) == wanted
    assert outside.run("cat %s", PROXY_CONFIGURATION) != wanted
    # and one role's run mends what is left
    assert set(cluster.site("--tags", "db_proxy").expect_success().changed) == {"app1"}
    assert outside.run("cat %s", PROXY_CONFIGURATION) == wanted


def test_tags_run_one_role(cluster: Cluster) -> None:
    run = cluster.site("--tags", "webapp").expect_success()
    assert not run.changed, run.log
    assert "webapp : " in run.output
    assert "loadbalancer : " not in run.output


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        ("app2", ["leaves out the control node", "Remedy: --limit 'app2,localhost'"]),
        ("slave1,localhost", ["it takes slave1 only", "Remedy: --limit 'slave1,localhost,database'"]),
    ],
)
def test_a_limit_that_leaves_out_too_much_is_refused(cluster: Cluster, limit: str, words: list[str]) -> None:
    run = cluster.site("--limit", limit)
    run.expect_refusal("is refused", *words)
    assert not run.changed, run.log


def test_a_node_that_is_down_is_named_and_the_others_are_converged(cluster: Cluster) -> None:
    down, other = cluster.nodes["app2"], cluster.nodes["app"]
    wanted = other.run("cat %s", PROXY_CONFIGURATION)
    other.run("echo '# drift' >> %s", PROXY_CONFIGURATION)
    down.docker("stop")
    # no role makes hosts, so that it stays down
    run = cluster.site("--tags", "webapp,db_proxy")
    assert run.rc != 0
    assert {host for host, counts in run.recap.items() if counts["unreachable"] or counts["failed"]} == {"app2"}
    assert other.run("cat %s", PROXY_CONFIGURATION) == wanted
    # the gate says so too
    cluster.verify().expect_refusal("app2: did not answer")
    # the whole run starts it again
    assert set(cluster.site().expect_success().changed) <= {"app2"}
    cluster.wait_until_whole()
