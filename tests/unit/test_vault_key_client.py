"""The vault's key: made once, for its owner alone; never made anew where something is encrypted already."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import sys

import pytest
from loading import ROOT


@pytest.fixture
def project(tmp_path: pathlib.Path) -> pathlib.Path:
    """A clone in which nobody has run anything."""
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "vault-key-client", tmp_path / "scripts")
    return tmp_path


def ask(project: pathlib.Path, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if name != "INVENTARIO_VAULT_KEY_FILE"}
    return subprocess.run(
        [sys.executable, project / "scripts" / "vault-key-client", "--vault-id", "inventario"],
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def encrypt(project: pathlib.Path) -> pathlib.Path:
    vault = project / "inventory" / "mine" / "group_vars" / "all" / "vault.yml"
    vault.parent.mkdir(parents=True)
    vault.write_text("$ANSIBLE_VAULT;1.2;AES256;inventario\n", encoding="utf-8")
    return vault


def test_key_is_made_once_for_its_owner_alone(project: pathlib.Path) -> None:
    first = ask(project)
    assert first.returncode == 0
    assert len(first.stdout.strip()) == 64
    assert (project / ".vault-key").stat().st_mode & 0o777 == 0o600
    encrypt(project)
    assert ask(project).stdout == first.stdout


def test_clones_have_different_keys(project: pathlib.Path) -> None:
    first = ask(project).stdout
    (project / ".vault-key").unlink()
    assert ask(project).stdout != first


def test_lost_key_is_an_error_that_names_the_file_and_the_remedy(project: pathlib.Path) -> None:
    vault = encrypt(project)
    refused = ask(project)
    assert refused.returncode != 0
    assert refused.stdout == ""
    for part in (str(vault), str(project / ".vault-key"), "backup"):
        assert part in refused.stderr
    assert not (project / ".vault-key").exists()


def test_key_may_lie_elsewhere(project: pathlib.Path, tmp_path: pathlib.Path) -> None:
    (tmp_path / "elsewhere").write_text("sesame\n", encoding="ascii")
    assert ask(project, INVENTARIO_VAULT_KEY_FILE=str(tmp_path / "elsewhere")).stdout == "sesame\n"
    assert not (project / ".vault-key").exists()


def test_runs_that_ask_at_once_get_the_same_key(project: pathlib.Path) -> None:
    command = [sys.executable, str(project / "scripts" / "vault-key-client")]
    runs = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(6)]
    assert len({run.communicate()[0] for run in runs}) == 1
