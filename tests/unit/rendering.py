"""Render a role's templates and variables with Ansible's own engine and the role's own defaults, without a host."""

from __future__ import annotations

import pathlib
from typing import Any

from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

ROLES = pathlib.Path(__file__).resolve().parents[2] / "roles"
# the facts that tell a host's system, of the one that a test means where it names none
DEBIAN_13 = {"distribution": "Debian", "distribution_major_version": "13"}
DEBIAN_12 = DEBIAN_13 | {"distribution_major_version": "12"}


def scope_of(role: str, loader: DataLoader) -> dict[str, Any]:
    """The role's defaults and vars, as templates that are yet to be rendered."""
    scope: dict[str, Any] = {"inventory_hostname": "testhost", "ansible_facts": DEBIAN_13}
    for folder in ("defaults", "vars"):
        path = ROLES / role / folder / "main.yml"
        if path.is_file():
            scope |= loader.load_from_file(str(path), trusted_as_template=True) or {}
    return scope


def render(role: str, template: str, **variables: Any) -> str:
    """Give the text that the role would write, with these variables over its defaults and vars."""
    loader = DataLoader()
    text = (ROLES / role / "templates" / template).read_text(encoding="utf-8")
    templar = Templar(loader, scope_of(role, loader) | variables)
    return str(templar.template(trust_as_template(text), escape_backslashes=False))


def variable(role: str, name: str, **variables: Any) -> Any:
    """Give the value that one of the role's variables has, with these variables over its defaults and vars."""
    loader = DataLoader()
    return Templar(loader, scope_of(role, loader) | variables).template(trust_as_template("{{ " + name + " }}"))


def words(text: str) -> list[str]:
    """The lines without their indentation, comments and empty lines."""
    return [
        line.strip() for line in text.splitlines() if line.strip() and not line.strip().startswith(("#", ";", "//"))
    ]
