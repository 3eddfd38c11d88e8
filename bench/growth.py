"""What an inventory costs as it grows: without a host, to check it and to derive what the largest roles are given; on
container hosts, a run with nothing to change."""

from __future__ import annotations

import pathlib
import tempfile
from typing import Any

from proof.inventory import Sizes, write
from proof.playbook import Operator
from proof.sized import SizedCluster

SUBNET = "10.64.0.0/16"
# with a source, a load balancer and phpMyAdmin these are 10 and 20 hosts; a stock kernel carries about 21
CONTAINERS = (Sizes(5, 2), Sizes(12, 5))
NETWORK, FIRST_PORT = "172.30.78", 39070
# application nodes, replicas
SIZES = ((10, 3), (100, 10), (1000, 100))
CHECK_SECONDS = 60

# on three hosts: what NGINX, HAProxy and MySQL's accounts are told of all the others
DERIVE = """
- hosts: nginx:app:maestro1
  gather_facts: false
  tasks:
    - ansible.builtin.debug:
        msg: >-
          {{ [loadbalancer_upstreams, db_proxy_database_nodes, mysql_app_hosts, db_health_peers, authority_hosts]
             | map('length') }}
"""


def no_change() -> dict[str, dict[str, Any]]:
    """Seconds of a site.yml that changes nothing, by how many container hosts there are."""
    cluster = SizedCluster("growth", NETWORK, FIRST_PORT, gives_way=False)
    cluster.destroy(CONTAINERS[-1])
    measured = {}
    try:
        for sizes in CONTAINERS:
            cluster.make(sizes)
            found = cluster.look()
            found.wait_until_whole()
            run = found.site().expect_success()
            measured[f"{len(found.nodes)} container hosts"] = {
                "seconds": round(run.seconds, 1),
                "host_tasks": run.host_tasks,
                "changed": run.total("changed"),
            }
    finally:
        cluster.destroy(CONTAINERS[-1])
    return measured


def measure(figures: pathlib.Path) -> dict[str, dict[str, Any]]:
    """Seconds by size, of whole runs of ansible-playbook."""
    measured = {}
    for app_nodes, replicas in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            inventory = write(
                pathlib.Path(folder) / "inventory",
                Sizes(app_nodes, replicas),
                subnet=SUBNET,
                containers=False,
                cluster_name=f"growth-{app_nodes}",
            )
            operator = Operator(str(inventory), [], figures / "growth")
            checked = operator.play("playbooks/validate.yml", timeout=900).expect_success()
            play = pathlib.Path(folder) / "derive.yml"
            play.write_text(DERIVE, encoding="utf-8")
            derived = operator.play(str(play), timeout=900).expect_success()
        measured[f"{app_nodes} application nodes, {replicas} replicas"] = {
            "check_seconds": round(checked.seconds, 1),
            "derive_seconds": round(derived.seconds, 1),
        }
    return measured
