"""A cluster whose size is chosen here: the inventory is written anew, as an operator would edit theirs."""

from __future__ import annotations

from typing import Any

from proof.cluster import Cluster
from proof.figures import FIGURES
from proof.inventory import Sizes, write
from proof.playbook import ROOT, Operator, PlaybookRun

FIRST_RUN_SECONDS = 1200


class SizedCluster:
    """One of its own, beside every other cluster on this machine.

    :param network: the first three numbers of its addresses.
    :param gives_way: see Operator.
    """

    def __init__(self, name: str, network: str, first_port: int, *, gives_way: bool = True, **settings: Any) -> None:
        self.folder = ROOT / "build" / "inventories" / name
        self.operator = Operator(str(self.folder), [], FIGURES / name, gives_way=gives_way)
        self._subnet = f"{network}.0/24"
        self._settings = {
            "cluster_name": f"inventario-{name}",
            "cluster_network_prefix": network,
            "cluster_http_port": first_port,
            "cluster_https_port": first_port + 1,
            "cluster_phpmyadmin_port": first_port + 2,
            **settings,
        }

    def resize(self, sizes: Sizes) -> None:
        """Edit the inventory; its secrets and certificates stay."""
        write(self.folder, sizes, subnet=self._subnet, **self._settings)

    def look(self) -> Cluster:
        """The cluster as its inventory has it now."""
        return Cluster(self.operator)

    def make(self, sizes: Sizes) -> PlaybookRun:
        """site.yml on nothing but images."""
        self.resize(sizes)
        return self.operator.play("site.yml", timeout=FIRST_RUN_SECONDS).expect_success()

    def destroy(self, largest: Sizes) -> None:
        """Remove all that it may have had at its largest, with the data."""
        self.resize(largest)
        self.operator.play("playbooks/secrets.yml").expect_success()
        self.operator.play(
            "playbooks/destroy.yml", "-e", "destroy_data=true", "-e", "destroy_confirm=yes"
        ).expect_success()
