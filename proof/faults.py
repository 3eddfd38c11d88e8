"""What can happen to a node, how long it lasts, and how it ends."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from proof.cluster import Node

KILLED_SECONDS = 3
# so long that it cannot pass for a slow moment
FROZEN_SECONDS = 20


@dataclasses.dataclass(frozen=True)
class Fault:
    """A fault that lasts until it is mended, or mends itself."""

    name: str
    seconds: float
    strike: Callable[[Node], object]
    mend: Callable[[Node], object]

    def __str__(self) -> str:
        return self.name


# the engine starts no container again that was killed on purpose: whoever kills it starts it
KILLED = Fault("killed", KILLED_SECONDS, lambda node: node.docker("kill"), lambda node: node.docker("start"))
FROZEN = Fault("frozen", FROZEN_SECONDS, lambda node: node.docker("pause"), lambda node: node.docker("unpause"))


def process_killed(unit: str) -> Fault:
    """Every process of the service is killed; systemd starts it again."""
    return Fault("process-killed", 0, lambda node: node.kill_unit(unit), lambda _node: None)
