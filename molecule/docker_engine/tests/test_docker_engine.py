"""An engine that answers is left alone; where none can be had, the message says what is missing."""

import pathlib
import tempfile

import pytest


def engine(host):
    return host.check_output("docker info --format '{{.ID}}'"), host.check_output("pgrep --oldest dockerd")


def test_an_engine_that_answers_is_left_alone(host, play):
    before = engine(host)
    run = play("converge.yml")
    assert run.returncode == 0, run.stdout
    assert "changed=0" in run.stdout
    assert "Start |" not in run.stdout
    assert engine(host) == before


@pytest.fixture
def stand_ins():
    """A folder that every user reads, with a docker that may not be used and a sudo that wants a password."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder)
        path.chmod(0o755)
        for name, says in (("docker", "permission denied on the socket"), ("sudo", "a password is required")):
            (path / name).write_text(f"#!/bin/sh\necho {says} >&2\nexit 1\n", encoding="ascii")
            (path / name).chmod(0o755)
        yield str(path)


def test_without_rights_it_says_what_is_missing_and_changes_nothing(play, stand_ins):
    run = play("without_rights.yml", stand_ins=stand_ins)
    assert run.returncode != 0
    for part in ("permission denied on the socket", "neither root nor has sudo", "usermod -aG docker"):
        assert part in run.stdout
    assert "changed=0" in run.stdout
    assert "Start | Install" not in run.stdout
