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


# the word stands before the value, so that an empty one is seen
TRUSTED = """
- hosts: nginx
  gather_facts: false
  tasks:
    - ansible.builtin.debug:
        msg: >-
          prefixes={{ loadbalancer_repeatable_prefixes | to_json }} posts={{ loadbalancer_repeatable_posts | to_json }}
          slow={{ loadbalancer_slow_prefixes | to_json }} shared={{ loadbalancer_shared_paths | to_json }}
          login={{ loadbalancer_login_path }} health={{ webapp_health_path }}
          loaded={{ loadtest_pages | map(attribute='path') | to_json }}.
"""
BUNDLED = (
    """prefixes=["/"] posts=["/login"] slow=["/imports"] shared=["/live/version", "/live/changes"] login=/login """
    """health=/health/ready loaded=["/", "/login", "/products"]."""
)
FOREIGN = """prefixes=[] posts=[] slow=[] shared=[] login= health=/ loaded=["/"]."""

PORTS = """
- hosts: app
  gather_facts: false
  vars:
    vault_mysql_app_writer_password: w
    vault_mysql_app_reader_password: r
    vault_mysql_app_migrator_password: m
    cluster_app_database: db
  tasks:
    - ansible.builtin.debug:
        msg: >-
          proxy={{ db_proxy_mysql_port }} phpmyadmin={{ phpmyadmin_mysql_port }}
          write={{ cluster_app_write_url.partition('127.0.0.1')[2] }}
          read={{ cluster_app_read_url.partition('127.0.0.1')[2] }}
          migrate={{ cluster_app_migrate_url.partition('127.0.0.1')[2] }}
"""


def played(play: str, folder: pathlib.Path, *arguments: str, inventory: str = "inventory/test") -> str:
    """What a play on an inventory, by default the tests', says."""
    playbook = folder / "play.yml"
    playbook.write_text(play, encoding="utf-8")
    run = subprocess.run(
        [pathlib.Path(sys.executable).with_name("ansible-playbook"), "-i", inventory, playbook, *arguments],
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


def test_only_the_bundled_application_is_trusted_to_know_what_comes_twice(tmp_path: pathlib.Path) -> None:
    """Another one's forms are never sent again by default, whatever else its operator leaves out."""
    assert BUNDLED in played(TRUSTED, tmp_path).replace('\\"', '"')
    assert FOREIGN in played(TRUSTED, tmp_path, "-e", "webapp_name=shop").replace('\\"', '"')


def test_everybody_asks_at_the_ports_that_the_operator_set(tmp_path: pathlib.Path) -> None:
    ports = ["mysql_port=3310", "db_proxy_write_port=3406", "db_proxy_read_port=3407"]
    said = played(PORTS, tmp_path, *(word for port in ports for word in ("-e", port)))
    assert "proxy=3310 phpmyadmin=3310 write=:3406/db read=:3407/db migrate=:3406/db" in said
