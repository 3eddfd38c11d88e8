"""Every route that there is, and an address at which to ask it: for tests that no new route escapes."""

from __future__ import annotations

import dataclasses
import re

from flask import Flask

from inventario.access import SAFE_METHODS, is_public, required_role
from inventario.bearer import for_programs

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
        return for_programs(self.address)

    def __str__(self) -> str:
        return f"{self.method} {self.address} ({self.endpoint})"


def all_routes(app: Flask) -> list[Route]:
    """As a list: no context of the application is open any more when its reader sends requests."""
    routes = []
    with app.app_context():
        for rule in app.url_map.iter_rules():
            for method in sorted((rule.methods or set()) - {"OPTIONS"}):
                address = re.sub(r"<[^>]*>", _FILES.get(rule.endpoint, "1"), rule.rule)
                role = required_role(rule.endpoint, method)
                routes.append(Route(rule.endpoint, method, address, role, is_public(rule.endpoint)))
    return routes
