"""Name an image by what goes into it: the install tasks of its roles and every variable and file they use."""

from __future__ import annotations

import hashlib
import json
import pathlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

import yaml


def role_variables(role: pathlib.Path) -> dict[str, Any]:
    """The role's defaults and constants."""
    variables: dict[str, Any] = {}
    for name in ("defaults/main.yml", "vars/main.yml"):
        if (role / name).is_file():
            variables.update(yaml.safe_load((role / name).read_text(encoding="utf-8")) or {})
    return variables


def install_inputs(role: pathlib.Path, overrides: Mapping[str, Any]) -> list[str]:
    """Everything that decides what ``tasks/install.yml`` of a role installs, as text."""
    install = role / "tasks" / "install.yml"
    inputs = [install.read_text(encoding="utf-8")]
    variables = role_variables(role)
    used: set[str] = set()
    mentioned = inputs[0]
    # a variable's value may name another variable, so go on until no new one is named
    while new := {name for name in variables if name not in used and re.search(rf"\b{re.escape(name)}\b", mentioned)}:
        used |= new
        mentioned = " ".join(str(variables[name]) for name in sorted(new))
        inputs.extend(
            json.dumps([name, overrides.get(name, variables[name])], default=str, sort_keys=True)
            for name in sorted(new)
        )
    for folder in ("files", "templates"):
        inputs.extend(
            path.read_text(encoding="utf-8")
            for path in sorted((role / folder).glob("*"))
            if path.is_file() and path.name in inputs[0]
        )
    return inputs


def install_digest(roles: Iterable[str], roles_path: str, overrides: Mapping[str, Any], base: str = "") -> str:
    """Give twelve hexadecimal digits that change exactly when the image of these roles has to.

    :param roles: names of the roles, in the order in which they are installed.
    :param roles_path: the folder the roles are in.
    :param overrides: the inventory's variables, which win over the roles' defaults.
    :param base: whatever names the image underneath.
    """
    digest = hashlib.sha256(base.encode())
    for role in roles:
        for text in (role, *install_inputs(pathlib.Path(roles_path) / role, overrides)):
            digest.update(text.encode() + b"\0")
    return digest.hexdigest()[:12]


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Any]:
        return {"install_digest": install_digest}
