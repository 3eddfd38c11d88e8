"""What the wiring derives stays the same when a run adds hosts of its own."""

from __future__ import annotations

import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]

PLAY = """
- hosts: localhost
  gather_facts: false
  tasks:
    - ansible.builtin.add_host:
        name: build-app
        groups: [image_builders]
    - ansible.builtin.debug:
        msg: "authority={{ cluster_authority_dir }} vault={{ cluster_vault_file }}"
"""

WRITERS = """
- hosts: app
  gather_facts: false
  vars:
    webapp_threads: 12
  tasks:
    - ansible.builtin.debug:
        msg: >-
          {{ webapp_environment.INVENTARIO_DATABASE_RETRYING_WRITERS }} of
          {{ webapp_environment.INVENTARIO_DATABASE_POOL_SIZE }}
"""


def played(play: str, folder: pathlib.Path) -> str:
    """What a play on the tests' inventory says."""
    playbook = folder / "play.yml"
    playbook.write_text(play, encoding="utf-8")
    run = subprocess.run(
        [pathlib.Path(sys.executable).with_name("ansible-playbook"), "-i", "inventory/test", playbook],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


def test_a_builder_of_images_does_not_move_the_authority_or_the_vault(tmp_path: pathlib.Path) -> None:
    """The first run of all makes builders before it makes the authority."""
    said = played(PLAY, tmp_path)
    inventory = ROOT / "inventory" / "test"
    assert f"authority={inventory}/authority vault={inventory}/group_vars/all/vault.yml" in said


def test_half_of_the_threads_may_wait_for_the_source(tmp_path: pathlib.Path) -> None:
    """The others are for those who only read."""
    said = played(WRITERS, tmp_path)
    assert "6 of 12" in said
