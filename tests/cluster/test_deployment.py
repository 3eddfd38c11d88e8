"""Promise: one `site.yml` brings the cluster up; a second one changes nothing, and says so beforehand."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import pytest

from proof.cluster import Cluster, docker
from proof.playbook import PlaybookRun

HOST_TASKS = 600
IDLE_MEBIBYTES = 5 * 1024


def test_first_run_ends_verified(first_run: PlaybookRun | None, cluster: Cluster) -> None:
    if first_run is None:
        pytest.skip("the cluster was there already")
    assert first_run.rc == 0
    assert not cluster.lacking()


def test_second_run_changes_nothing(cluster: Cluster, say: Callable[[str], None]) -> None:
    run = cluster.site().expect_success()
    say(run.describe())
    assert not run.changed, run.log
    assert run.host_tasks <= HOST_TASKS


def test_check_mode_tells_the_truth(cluster: Cluster, say: Callable[[str], None]) -> None:
    """On a cluster that is as it should be, --check --diff neither fails nor announces anything."""
    run = cluster.site("--check", "--diff").expect_success()
    say(run.describe())
    assert not run.changed, run.log
    assert "\n+++ after" not in run.output


@pytest.mark.containers
def test_idle_memory(cluster: Cluster, say: Callable[[str], None]) -> None:
    used = cluster.memory()
    say(f"memory: {sum(used.values()):.0f} MiB: " + ", ".join(f"{name} {size:.0f}" for name, size in used.items()))
    assert len(used) == len(cluster.nodes)
    assert sum(used.values()) <= IDLE_MEBIBYTES


@pytest.mark.containers
def test_second_cluster_fits_beside_the_first(cluster: Cluster) -> None:
    """Another name, subnet and other ports: accepted, and nothing of the first cluster is touched."""
    before = _definitions(cluster)
    other = {
        "cluster_name": f"{cluster.name}-second",
        "cluster_network_prefix": "172.30.78",
        "cluster_http_port": "38080",
        "cluster_https_port": "38443",
        "cluster_phpmyadmin_port": "38081",
    }
    arguments = [word for name, value in other.items() for word in ("-e", f"{name}={value}")]
    cluster.play("playbooks/validate.yml", *arguments).expect_success()
    cluster.play("playbooks/platform.yml", "--check", *arguments).expect_success()
    assert _definitions(cluster) == before


def _definitions(cluster: Cluster) -> str:
    return docker("ps", "--all", "--no-trunc", "--filter", f"label=inventario.cluster={cluster.name}",
                  "--format", "{{.ID}} {{.Names}}")  # fmt: skip


@pytest.mark.containers
def test_second_cluster_is_refused_on_the_same_ports(cluster: Cluster) -> None:
    """The port is taken by the first cluster: refused before anything is made, with the variable to change."""
    arguments = ["-e", f"cluster_name={cluster.name}-second", "-e", "cluster_network_prefix=172.30.78"]
    cluster.play("playbooks/validate.yml", *arguments).expect_refusal("cluster_http_port")
    listing = subprocess.run(
        ["docker", "ps", "--all", "--format", "{{.Names}}"], capture_output=True, text=True, check=True
    )
    assert f"{cluster.name}-second" not in listing.stdout
