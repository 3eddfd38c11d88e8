"""The cluster that tests of a whole cluster are about: the tests' own, unless another one is named."""

from __future__ import annotations

import itertools
import os
import pathlib
import time
from collections.abc import Callable, Iterator

import pytest

from proof.browsing import Registration
from proof.cluster import Cluster
from proof.figures import FIGURES, Measure
from proof.ledger import Ledger
from proof.load import Load, Result, running
from proof.playbook import Operator, PlaybookRun
from proof.vagrant import Vagrant

NEVER_DESTROYED = ("docker", "vagrant", "production", "mine")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("cluster", "the cluster that is tested")
    group.addoption(
        "--cluster-inventory",
        default=os.environ.get("INVENTARIO_TEST_INVENTORY", "inventory/test"),
        help="inventory of the cluster (INVENTARIO_TEST_INVENTORY; default: the tests' own)",
    )
    group.addoption(
        "--cluster-extra-vars", action="append", default=[], metavar="VARS", help="as ansible-playbook's -e"
    )
    group.addoption(
        "--cluster",
        choices=("fresh", "keep", "running", "vagrant"),
        default=os.environ.get("INVENTARIO_TEST_CLUSTER", "fresh"),
        help="fresh: made anew, removed at the end; keep: made anew, left; running: as it is; vagrant: made anew by "
        "Vagrant's Docker provider, removed at the end (INVENTARIO_TEST_CLUSTER)",
    )


@pytest.fixture(scope="session")
def say(pytestconfig: pytest.Config) -> Callable[[str], None]:
    """Tell the person who waits; pytest keeps what tests print."""
    capture = pytestconfig.pluginmanager.getplugin("capturemanager")
    began = time.monotonic()

    def told(text: str) -> None:
        with capture.global_and_fixture_disabled():
            print(f"\n[{time.monotonic() - began:5.0f} s] {text}", flush=True)

    return told


@pytest.fixture(scope="session")
def operator(pytestconfig: pytest.Config) -> Operator:
    return Operator(
        pytestconfig.getoption("--cluster-inventory"),
        pytestconfig.getoption("--cluster-extra-vars"),
        FIGURES / "playbooks",
    )


@pytest.fixture(scope="session")
def vagrant(operator: Operator) -> Vagrant:
    return Vagrant(operator.inventory, FIGURES / "playbooks")


@pytest.fixture(scope="session")
def first_run(
    pytestconfig: pytest.Config, operator: Operator, vagrant: Vagrant, say: Callable[[str], None]
) -> Iterator[PlaybookRun | None]:
    """site.yml on nothing but images; None where a running cluster is tested."""
    mode = pytestconfig.getoption("--cluster")
    if mode == "running":
        yield None
        return
    assert pathlib.Path(operator.inventory).stem not in NEVER_DESTROYED, (
        f"{operator.inventory} may be somebody's own: test it with --cluster=running"
    )

    def destroy() -> None:
        if mode == "vagrant":
            vagrant.destroy().expect_success()
            return
        operator.play("playbooks/destroy.yml", "-e", "destroy_data=true", "-e", "destroy_confirm=yes").expect_success()

    def make() -> PlaybookRun:
        if mode == "vagrant":
            return vagrant.up()
        operator.play("playbooks/images.yml", timeout=1200).expect_success()
        say("site.yml, on images alone")
        return operator.play("site.yml")

    say("removing what an earlier run left")
    operator.play("playbooks/secrets.yml").expect_success()
    destroy()
    run = make()
    say(run.describe())
    yield run
    if mode != "keep":
        destroy()


@pytest.fixture(scope="session")
def cluster(operator: Operator, first_run: PlaybookRun | None) -> Cluster:
    if first_run:
        first_run.expect_success()
    running = Cluster(operator)
    running.repair()
    running.wait_until_whole()
    return running


@pytest.fixture(scope="session")
def session_mark() -> str:
    """What begins the product codes of this session, so that no earlier one's are in the way."""
    return f"T{int(time.time())}"


@pytest.fixture(scope="session")
def ledger(session_mark: str) -> Iterator[Ledger]:
    """Every write of this session that a client was told is saved."""
    kept = Ledger(FIGURES / f"ledger-{session_mark}", session_mark)
    yield kept
    kept.close()


@pytest.fixture(scope="session")
def _registration_numbers() -> Iterator[int]:
    return itertools.count(1)


@pytest.fixture
def registration(ledger: Ledger, session_mark: str, _registration_numbers: Iterator[int]) -> Registration:
    """Products of this test, noted when they are acknowledged."""
    return Registration(ledger, f"{session_mark}-{next(_registration_numbers):02d}")


@pytest.fixture
def measure(request: pytest.FixtureRequest, say: Callable[[str], None]) -> Measure:
    """Put a load on the cluster while something is done to it; keep the figures and tell them."""

    def measured(load: Load, do: Callable[[Load], None]) -> Result:
        with running(load):
            do(load)
            result = load.finish()
        name = request.node.name.replace("[", "-").replace("]", "")
        result.save(FIGURES / f"{name}.json")
        say(f"{name}: {result.describe()}")
        return result

    return measured
