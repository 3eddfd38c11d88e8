"""Every route that there is, and an address at which to ask it: for tests that no new route escapes."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator

from flask import Flask

from inventario.access import SAFE_METHODS, is_public, required_role

API = "/api/"
# what stands in an address for a file or an id
_FILES = {"static": "inventario.css", "bootstrap.static": "css/bootstrap.min.css"}


@dataclasses.dataclass(frozen=True)
class Route:
    endpoint: str
    method: str
    address: str
    role: str
    public: bool

    @property
    def changes(self) -> bool:
        return self.method not in SAFE_METHODS

    @property
    def for_programs(self) -> bool:
        return self.address.startswith(API)

    def __str__(self) -> str:
        return f"{self.method} {self.address} ({self.endpoint})"


def all_routes(app: Flask) -> Iterator[Route]:
    with app.app_context():
        for rule in app.url_map.iter_rules():
            for method in sorted((rule.methods or set()) - {"OPTIONS"}):
                address = re.sub(r"<[^>]*>", _FILES.get(rule.endpoint, "1"), rule.rule)
                yield Route(
                    rule.endpoint,
                    method,
                    address,
                    required_role(rule.endpoint, method),
                    is_public(rule.endpoint),
                )
