"""A role's argument specification, its defaults and its README say the same."""

from __future__ import annotations

import pathlib
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

PROJECT = pathlib.Path(__file__).resolve().parents[2]
ROLES = sorted(path.name for path in (PROJECT / "roles").iterdir() if (path / "tasks").is_dir())
TYPES = {"str", "path", "int", "float", "bool", "list", "dict"}


def read(role: str, file: str) -> Any:
    path = PROJECT / "roles" / role / file
    return yaml.safe_load(path.read_text(encoding="utf-8")) if path.is_file() else None


def specification(role: str) -> dict[str, Any]:
    return (read(role, "meta/argument_specs.yml") or {}).get("argument_specs", {}).get("main", {})


def options(role: str) -> dict[str, Any]:
    return specification(role).get("options", {})


def defaults(role: str) -> dict[str, Any]:
    return read(role, "defaults/main.yml") or {}


def nested(name: str, option: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The option and the keys of its records."""
    yield name, option
    for key, inner in (option.get("options") or {}).items():
        yield from nested(f"{name}.{key}", inner)


OPTIONS = [(role, name, option) for role in ROLES for name, option in options(role).items()]
NAMES = [name for _, name, _ in OPTIONS]


@pytest.mark.parametrize("role", ROLES)
def test_a_role_has_a_specification(role: str) -> None:
    assert specification(role).get("short_description")
    assert specification(role).get("description")


@pytest.mark.parametrize("role", ROLES)
def test_a_role_has_exactly_the_options_that_it_has_defaults_for(role: str) -> None:
    required = {name for name, option in options(role).items() if option.get("required")}
    assert set(options(role)) - required == set(defaults(role))


@pytest.mark.parametrize(("role", "name", "option"), OPTIONS, ids=NAMES)
def test_a_default_is_the_one_that_is_specified(role: str, name: str, option: dict[str, Any]) -> None:
    if option.get("required"):
        assert "default" not in option
    else:
        assert option.get("default") == defaults(role).get(name)


@pytest.mark.parametrize(("role", "name", "option"), OPTIONS, ids=NAMES)
def test_an_option_is_the_roles_own_and_described(role: str, name: str, option: dict[str, Any]) -> None:
    assert name.startswith(f"{role}_")
    for key, inner in nested(name, option):
        assert inner.get("type") in TYPES, key
        assert inner.get("description"), key
        assert inner["type"] != "list" or "elements" in inner, key


@pytest.mark.parametrize("role", ROLES)
def test_a_roles_readme_names_every_variable(role: str) -> None:
    path = PROJECT / "roles" / role / "README.md"
    assert path.is_file()
    rows = [line.split("|")[1] for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    told = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert set(options(role)) - told == set(), "variables that the table lacks"
    assert {name for name in told if name.startswith(f"{role}_")} - set(options(role)) == set(), "that are none"


def wired() -> list[tuple[str, str]]:
    """Variables of the wiring that carry a role's prefix, with the role."""
    names = yaml.safe_load((PROJECT / "inventory/shared/wiring.yml").read_text(encoding="utf-8"))
    owners = sorted(ROLES, key=len, reverse=True)
    found = [(next((role for role in owners if name.startswith(f"{role}_")), ""), name) for name in names]
    return [(role, name) for role, name in found if role]


@pytest.mark.parametrize(("role", "name"), wired(), ids=[name for _, name in wired()])
def test_the_wiring_gives_a_role_only_what_it_takes(role: str, name: str) -> None:
    assert name in options(role)


def test_the_written_tables_are_up_to_date() -> None:
    command = [sys.executable, str(PROJECT / "scripts/role-variables"), "--check"]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, f"{checked.stdout}run scripts/role-variables"
