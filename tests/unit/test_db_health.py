"""The rules of the health agent, without MySQL and without a network."""

from __future__ import annotations

import json
import os
import pathlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from loading import load

agent = load("roles/db_health/files/db_health.py")
Answer, Epoch, Local = agent.Answer, agent.Epoch, agent.Local

CLOSED = Local(answers=True, reason="")
OPEN = CLOSED._replace(read_only=False, super_read_only=False)
REPLICA = CLOSED._replace(channel=True, source_host="192.0.2.31", receiving=True, applying=True, lag=0)
MINE = Epoch(3, "maestro1")


def peers(*epochs: tuple[int, str], heard_at: float | None = 100.0) -> list[Any]:
    return [Answer(f"slave{i}", Epoch(*epoch), heard_at) for i, epoch in enumerate(epochs, 1)]


def may_write(local: Any = CLOSED, epoch: Any = MINE, answers: list[Any] | None = None, wanted: int = 2) -> bool:
    answers = peers(MINE, MINE, MINE) if answers is None else answers
    return agent.decide("maestro1", epoch, local, answers, wanted, heard_since=99.0).may_write


def test_the_source_of_the_epoch_may_write() -> None:
    assert may_write()
    assert may_write(local=OPEN)


def test_one_peer_of_three_is_enough() -> None:
    heard, silent = peers(MINE), peers(MINE, heard_at=None)
    assert may_write(answers=heard + silent + silent)
    assert not may_write(answers=silent + silent + silent)


def test_an_old_answer_is_none() -> None:
    assert not may_write(answers=peers(MINE, MINE, MINE, heard_at=98.9))


def test_a_higher_epoch_closes_even_when_it_was_heard_long_ago() -> None:
    assert not may_write(answers=peers(MINE, MINE) + peers((4, "slave1"), heard_at=1.0))


def test_a_lower_epoch_of_a_peer_does_no_harm() -> None:
    assert may_write(answers=peers((2, "slave1"), (0, ""), MINE))


def test_the_same_epoch_with_another_source_closes() -> None:
    assert not may_write(answers=peers((3, "slave1"), MINE, MINE))


@pytest.mark.parametrize("epoch", [Epoch(), Epoch(3, "slave1"), Epoch(9, "")])
def test_only_the_node_that_the_epoch_names(epoch: Any) -> None:
    assert not may_write(epoch=epoch, answers=peers(epoch, epoch, epoch))


def test_a_node_with_a_source_of_its_own_never_writes() -> None:
    assert not may_write(local=REPLICA)


def test_nobody_writes_without_mysql() -> None:
    assert not may_write(local=Local(reason="Can't connect"))


@given(st.integers(2, 7), st.data())
def test_a_promotion_on_a_majority_fences_the_old_source(count: int, data: st.DataObject) -> None:
    """Whichever majority has the new epoch, and whichever others the old source hears: it does not write."""
    names = [f"db{i}" for i in range(count)]
    old, new = names[:2]
    raised = data.draw(st.sets(st.sampled_from(names), min_size=count // 2 + 1))
    heard = data.draw(st.sets(st.sampled_from(names[1:])))
    epochs = {name: Epoch(2, new) if name in raised else Epoch(1, old) for name in names}
    answers = [Answer(name, epochs[name], 100.0) for name in sorted(heard)]
    wanted = count - (count // 2 + 1) + 1
    assert not agent.decide(old, epochs[old], OPEN, answers, wanted, 99.0).may_write


@pytest.mark.parametrize(
    ("local", "fresh"),
    [
        (REPLICA, True),
        (REPLICA._replace(lag=5), True),
        (REPLICA._replace(lag=6), False),
        (REPLICA._replace(lag=None), False),
        (REPLICA._replace(receiving=False), False),
        (REPLICA._replace(applying=False), False),
        (CLOSED, False),
        (Local(), False),
    ],
)
def test_a_fresh_replica(local: Any, fresh: bool) -> None:
    assert agent.replica_verdict(local, 5).may_write is fresh


YES = agent.Verdict(True, "")
NO = agent.Verdict(False, "")
LOOSE = CLOSED._replace(super_read_only=False)


@pytest.mark.parametrize(
    ("local", "verdict", "loose_since", "action"),
    [
        (CLOSED, YES, None, "open"),
        (LOOSE, YES, None, "open"),
        (OPEN, YES, None, ""),
        (OPEN, NO, None, "close"),
        (CLOSED, NO, None, ""),
        # accounts are being changed
        (LOOSE, NO, 95.0, ""),
        (LOOSE, NO, 60.0, "close"),
        (Local(), YES, None, ""),
        (Local(), NO, None, ""),
    ],
)
def test_what_is_done(local: Any, verdict: Any, loose_since: float | None, action: str) -> None:
    assert agent.wanted_action(local, verdict, loose_since, 100.0, 30) == action


class Clock:
    def __init__(self) -> None:
        self.time = 1000.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(agent, "now", clock)
    return clock


@pytest.fixture
def watcher(clock: Clock, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> Any:
    monkeypatch.setattr(agent.ssl, "create_default_context", lambda **_: None)
    found = agent.Agent(
        {
            "node": "maestro1",
            "peers_file": f"{tmp_path}/peers.json",
            "port": 9200,
            "timeout_seconds": 1,
            "stale_seconds": 3,
            "max_lag_seconds": 5,
            "epoch_file": f"{tmp_path}/epoch.json",
            "tls_ca": "",
        }
    )
    found.local, found.epoch, found.verdict, found.checked_at = OPEN, MINE, YES, clock.time
    return found


def test_an_agent_that_stalled_answers_503(watcher: Any, clock: Clock) -> None:
    assert watcher.respond("/source")[0] == "200 OK"
    clock.time += 3.1
    for path in ("/source", "/replica", "/alive"):
        assert watcher.respond(path)[0].startswith("503")


def test_an_agent_that_has_not_checked_answers_503(watcher: Any) -> None:
    watcher.checked_at = None
    assert watcher.respond("/source")[0].startswith("503")


def test_the_source_is_not_announced_before_it_is_open(watcher: Any) -> None:
    watcher.local = CLOSED
    assert watcher.respond("/source") == ("503 Service Unavailable", "text/plain", "being opened")


def test_an_unknown_path(watcher: Any) -> None:
    assert watcher.respond("/")[0].startswith("404")


def told(watcher: Any, wanted: int, **addresses: str) -> None:
    peers = [{"name": name, "address": address} for name, address in addresses.items()]
    path = pathlib.Path(watcher.config["peers_file"])
    path.with_suffix(".new").write_text(json.dumps({"peers": peers, "wanted": wanted}), encoding="utf-8")
    path.with_suffix(".new").replace(path)
    # two changes within one tick of the file system's clock
    os.utime(path, ns=(wanted, wanted))
    watcher.read_peers()


def test_an_agent_that_was_told_of_nobody_stays_closed(watcher: Any) -> None:
    watcher.read_peers()
    assert not watcher.peers
    assert "nodes wanted answer" in agent.decide("maestro1", MINE, OPEN, [], watcher.wanted, 0).reason
    assert json.loads(watcher.respond("/state")[2])["wanted"] is None


def test_a_change_of_the_peers_counts_without_a_restart(watcher: Any) -> None:
    told(watcher, 1, maestro1="192.0.2.31", slave1="192.0.2.32")
    (kept,) = watcher.peers
    told(watcher, 2, maestro1="192.0.2.31", slave1="192.0.2.32", slave2="192.0.2.33")
    assert [peer.answer.name for peer in watcher.peers] == ["slave1", "slave2"]
    # what it heard of a node that stays is not forgotten
    assert watcher.peers[0] is kept
    assert watcher.wanted == 2
    told(watcher, 3, maestro1="192.0.2.31", slave2="192.0.2.43")
    assert [(peer.answer.name, peer.address) for peer in watcher.peers] == [("slave2", "192.0.2.43")]


def test_peers_that_cannot_be_read_leave_what_was_known(watcher: Any) -> None:
    told(watcher, 1, maestro1="192.0.2.31", slave1="192.0.2.32")
    pathlib.Path(watcher.config["peers_file"]).write_text("{", encoding="utf-8")
    watcher.read_peers()
    assert (len(watcher.peers), watcher.wanted) == (1, 1)
