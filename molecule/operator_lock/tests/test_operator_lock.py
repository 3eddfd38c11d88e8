"""One operator at a time, on whichever host they meet; a run that is gone stands in nobody's way for long."""

import json
import os
import pathlib
import socket
import time

import pytest

FOLDER = pathlib.Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / "locks"
LOCKS = {name: FOLDER / f"{name}.json" for name in ("keeper1", "keeper2")}


def operator(name):
    return {"INVENTARIO_OPERATOR": name}


def holders():
    return {name: json.loads(lock.read_text(encoding="utf-8")) for name, lock in LOCKS.items() if lock.exists()}


def hold(start, name, until):
    """A run of this operator that goes on until the file is there."""
    process = start("converge.yml", environment=operator(name), lock_until=str(until), lock_return=True)
    deadline = time.monotonic() + 30
    while [holder.get("operator") for holder in holders().values()] != [name, name]:
        assert process.poll() is None, "the run ended without the lock"
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return process


@pytest.fixture(autouse=True)
def nobody():
    for lock in LOCKS.values():
        lock.unlink(missing_ok=True)


def test_second_operator_is_refused_with_the_firsts_name_until_the_first_has_ended(play, start, tmp_path):
    first = hold(start, "ana", tmp_path / "done")
    refused = play("converge.yml", environment=operator("benito"))
    assert refused.returncode != 0
    for part in ("another operator is at work: ana", socket.gethostname(), str(first.pid), "converge.yml"):
        assert part in refused.stdout
    assert [holder["operator"] for holder in holders().values()] == ["ana", "ana"]
    (tmp_path / "done").touch()
    assert first.wait(30) == 0
    assert holders() == {}
    assert play("converge.yml", environment=operator("benito")).returncode == 0


def test_a_run_that_was_killed_is_taken_over(play, start, tmp_path):
    first = hold(start, "ana", tmp_path / "never")
    first.kill()
    first.wait()
    run = play("converge.yml", environment=operator("benito"))
    # lets what the killed run left behind end
    (tmp_path / "never").touch()
    assert run.returncode == 0, run.stdout
    assert [holder["operator"] for holder in holders().values()] == ["benito", "benito"]


@pytest.fixture
def elsewhere():
    """The second host's lock is held by an operator on another control node; the first one lost its own in a reboot."""
    holder = {"operator": "carla", "control_host": "elsewhere.example", "pid": 1, "started": "1", "since": "yesterday"}
    LOCKS["keeper2"].write_text(json.dumps(holder), encoding="utf-8")
    return holder


def test_one_host_that_refuses_stops_the_run_on_all(play, elsewhere, tmp_path):
    run = play("converge.yml", lock_until=str(tmp_path / "never"))
    assert run.returncode != 0
    assert "another operator is at work: carla on elsewhere.example since yesterday" in run.stdout
    assert "Work | Wait" not in run.stdout
    # what the first one granted was given back
    assert holders() == {"keeper2": elsewhere}


def test_a_lock_can_be_broken_by_order(play, elsewhere):
    run = play("converge.yml", environment=operator("benito"), operator_lock_break=True)
    assert run.returncode == 0, run.stdout
    assert [holder["operator"] for holder in holders().values()] == ["benito", "benito"]
    assert elsewhere not in holders().values()


def test_check_mode_takes_no_lock(play):
    assert play("converge.yml", "--check").returncode == 0
    assert holders() == {}
