"""Render a role's template with Ansible's own engine and the role's own defaults, without a host."""

from __future__ import annotations

import pathlib
from typing import Any

from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

ROLES = pathlib.Path(__file__).resolve().parents[2] / "roles"


def render(role: str, template: str, **variables: Any) -> str:
    """Give the text that the role would write, with these variables over its defaults and vars."""
    loader = DataLoader()
    scope: dict[str, Any] = {"inventory_hostname": "testhost"}
    for folder in ("defaults", "vars"):
        path = ROLES / role / folder / "main.yml"
        if path.is_file():
            scope |= loader.load_from_file(str(path), trusted_as_template=True) or {}
    text = (ROLES / role / "templates" / template).read_text(encoding="utf-8")
    return str(Templar(loader, scope | variables).template(trust_as_template(text), escape_backslashes=False))


def words(text: str) -> list[str]:
    """The lines without their indentation, comments and empty lines."""
    return [
        line.strip() for line in text.splitlines() if line.strip() and not line.strip().startswith(("#", ";", "//"))
    ]
