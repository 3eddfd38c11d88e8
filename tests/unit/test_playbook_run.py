"""What the tests of the cluster read out of a playbook's output."""

from __future__ import annotations

import pathlib

import pytest

from proof.playbook import PlaybookRun

OUTPUT = """
TASK [verify | Say what was found] ****
fatal: [slave2]: FAILED! => {"msg": "slave2 lacks a row
    of units"}

PLAY RECAP *********************************************************************
app                        : ok=12   changed=2    unreachable=0    failed=0    skipped=3    rescued=0    ignored=0
slave2                     : ok=5    changed=0    unreachable=0    failed=1    skipped=0    rescued=0    ignored=0
"""


@pytest.fixture
def run() -> PlaybookRun:
    return PlaybookRun("site.yml", 2, OUTPUT, 1.5, pathlib.Path("log"))


def test_recap(run: PlaybookRun) -> None:
    assert run.recap["app"]["ok"] == 12
    assert run.changed == {"app": 2}
    assert run.host_tasks == 21


def test_refusal_must_give_its_reason(run: PlaybookRun) -> None:
    run.expect_refusal("slave2", "a row of units")
    with pytest.raises(AssertionError, match="does not speak of"):
        run.expect_refusal("slave3")


def test_success_is_not_taken_for_a_refusal(run: PlaybookRun) -> None:
    with pytest.raises(AssertionError, match="exit 2"):
        run.expect_success()
    good = PlaybookRun("site.yml", 0, OUTPUT, 1.5, pathlib.Path("log"))
    assert good.expect_success() is good
    with pytest.raises(AssertionError, match="should have been refused"):
        good.expect_refusal()
