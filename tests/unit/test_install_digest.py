"""An image's name changes with what is installed into it, and with nothing else."""

from __future__ import annotations

import pathlib

import pytest
from loading import load

install_digest = load("plugins/filter/install_digest.py").install_digest


@pytest.fixture
def roles(tmp_path: pathlib.Path) -> pathlib.Path:
    files = {
        "edge/tasks/install.yml": "- apt: {name: '{{ edge_packages }}'}\n- copy: {src: edge.list}\n",
        "edge/tasks/configure.yml": "- template: {src: edge.conf.j2}\n",
        "edge/defaults/main.yml": "edge_packages: ['{{ edge_server }}']\nedge_server: nginx\nedge_port: 80\n",
        "edge/files/edge.list": "deb one\n",
        "edge/files/other.list": "deb two\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def digest(roles: pathlib.Path, base: str = "base:1", **overrides: object) -> str:
    return install_digest(["edge"], str(roles), overrides, base)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("edge/tasks/install.yml", "apt", "package"),
        ("edge/files/edge.list", "one", "three"),
        # named by a variable that the installation names
        ("edge/defaults/main.yml", "nginx", "nginx-light"),
    ],
)
def test_name_changes_with_what_is_installed(roles: pathlib.Path, name: str, old: str, new: str) -> None:
    before = digest(roles)
    text = (roles / name).read_text(encoding="utf-8")
    (roles / name).write_text(text.replace(old, new), encoding="utf-8")
    assert digest(roles) != before


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("edge/tasks/configure.yml", "edge.conf.j2", "other.conf.j2"),
        ("edge/files/other.list", "two", "three"),
        ("edge/defaults/main.yml", "80", "81"),
    ],
)
def test_name_does_not_change_with_anything_else(roles: pathlib.Path, name: str, old: str, new: str) -> None:
    before = digest(roles)
    text = (roles / name).read_text(encoding="utf-8")
    (roles / name).write_text(text.replace(old, new), encoding="utf-8")
    assert digest(roles) == before


def test_name_changes_with_what_the_inventory_sets_of_the_installation(roles: pathlib.Path) -> None:
    assert digest(roles, edge_server="nginx-full") != digest(roles)
    assert digest(roles, edge_port=8080) == digest(roles)


def test_name_changes_with_what_lies_beneath(roles: pathlib.Path) -> None:
    assert digest(roles, base="base:2") != digest(roles)
