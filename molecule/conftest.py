"""What the scenarios' tests share: further runs of the scenario's own playbooks, in molecule's environment."""

import json
import os
import pathlib
import subprocess

import pytest


def command(playbook, *arguments, **variables):
    """The command line of a run; the variables are extra ones."""
    scenario = pathlib.Path(os.environ["MOLECULE_SCENARIO_DIRECTORY"])
    inventory = pathlib.Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / "inventory"
    return ["ansible-playbook", "-i", str(inventory), "-e", json.dumps(variables), *arguments, str(scenario / playbook)]


@pytest.fixture(scope="session")
def play():
    """Run a playbook of the scenario to its end; gives the process, whose stdout holds what the run says."""

    def run(playbook, *arguments, environment=None, **variables):
        return subprocess.run(
            command(playbook, *arguments, **variables),
            env={**os.environ, **(environment or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    return run


@pytest.fixture
def start():
    """Start a run and go on beside it; what is still running at the test's end is killed."""
    started = []

    def begin(playbook, *arguments, environment=None, **variables):
        process = subprocess.Popen(
            command(playbook, *arguments, **variables),
            env={**os.environ, **(environment or {})},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.wait()
