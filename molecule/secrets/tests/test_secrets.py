"""Secrets are generated once, stay what they are, and are nobody else's to read."""

import os
import pathlib
import subprocess

import pytest
import yaml

VAULT = pathlib.Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / "secrets" / "vault.yml"


def secrets():
    text = subprocess.run(["ansible-vault", "view", VAULT], check=True, capture_output=True, text=True).stdout
    return yaml.safe_load(text)


def test_each_name_has_a_secret_of_its_own():
    found = secrets()
    assert set(found) == {"vault_first", "vault_second"}
    assert len(set(found.values())) == 2
    for secret in found.values():
        assert len(secret) == 32
        assert secret.isalnum()


def test_the_file_is_encrypted_and_its_owners_alone():
    text = VAULT.read_text(encoding="utf-8")
    assert text.startswith("$ANSIBLE_VAULT;1.2;AES256;inventario\n")
    assert "vault_first" not in text
    assert VAULT.stat().st_mode & 0o777 == 0o600


def test_a_new_name_gets_a_secret_and_the_others_keep_theirs(play):
    before = secrets()
    # what is there stays, even where this run does not ask for it
    run = play("converge.yml", secrets_names=["vault_first", "vault_third"])
    assert run.returncode == 0, run.stdout
    after = secrets()
    assert set(after) == {*before, "vault_third"}
    assert {name: after[name] for name in before} == before
    for secret in after.values():
        assert secret not in run.stdout


def test_check_mode_writes_nothing(play):
    before = VAULT.read_bytes()
    run = play("converge.yml", "--check", secrets_names=["vault_fourth"])
    assert run.returncode == 0, run.stdout
    assert "changed=1" in run.stdout
    assert VAULT.read_bytes() == before


@pytest.fixture
def another_key(tmp_path):
    file = tmp_path / "key"
    file.write_text("0" * 64, encoding="ascii")
    return str(file)


def test_another_key_is_refused_and_destroys_nothing(play, another_key):
    before = VAULT.read_bytes()
    run = play("converge.yml", environment={"INVENTARIO_VAULT_KEY_FILE": another_key}, secrets_names=["vault_fifth"])
    assert run.returncode != 0
    assert VAULT.read_bytes() == before
