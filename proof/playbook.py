"""Playbooks as their operator runs them, and what their recap says."""

from __future__ import annotations

import dataclasses
import itertools
import os
import pathlib
import re
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence

from proof.waiting import PATIENCE

ROOT = pathlib.Path(__file__).resolve().parent.parent
RECAP = re.compile(r"^(?P<host>\S+)\s+: (?P<counts>ok=\d+ .*)$", re.MULTILINE)
TAIL_LINES = 40


@dataclasses.dataclass(frozen=True)
class PlaybookRun:
    """A playbook that has ended."""

    playbook: str
    rc: int
    output: str
    seconds: float
    log: pathlib.Path

    @property
    def recap(self) -> dict[str, dict[str, int]]:
        """What the recap counts, by host."""
        _, _, recap = self.output.rpartition("PLAY RECAP")
        return {
            match["host"]: {
                name: int(count) for name, count in (pair.split("=") for pair in match["counts"].split() if "=" in pair)
            }
            for match in RECAP.finditer(recap)
        }

    def total(self, *counts: str) -> int:
        return sum(host.get(count, 0) for host in self.recap.values() for count in counts)

    @property
    def changed(self) -> dict[str, int]:
        """The hosts that were changed, and how often."""
        return {host: counts["changed"] for host, counts in self.recap.items() if counts.get("changed")}

    @property
    def host_tasks(self) -> int:
        """Tasks counted once for each host; what changed is counted as ok too."""
        return self.total("ok", "skipped", "failed", "unreachable")

    @property
    def said(self) -> str:
        """The output in one line with single spaces, so that a sentence is found however it was wrapped."""
        return " ".join(self.output.split())

    def describe(self) -> str:
        return (
            f"{self.playbook}: exit {self.rc} after {self.seconds:.1f} s, {self.host_tasks} host-tasks, "
            f"changed={self.total('changed')}"
        )

    def tail(self) -> str:
        return "\n".join(self.output.splitlines()[-TAIL_LINES:])

    def expect_success(self) -> PlaybookRun:
        assert self.rc == 0, f"{self.describe()}; {self.log}:\n{self.tail()}"
        return self

    def expect_refusal(self, *words: str) -> PlaybookRun:
        """It ended badly, for the reason that these words tell."""
        assert self.rc != 0, f"{self.describe()}, but it should have been refused; {self.log}:\n{self.tail()}"
        missing = [word for word in words if word.lower() not in self.said.lower()]
        assert not missing, f"{self.describe()} does not speak of {missing}; {self.log}:\n{self.tail()}"
        return self


class Operator:
    """Somebody who runs playbooks on one inventory.

    :param gives_way: whether the runs leave the processor to others. To the kernel all containers together are one of
        many on this machine, and each process of Ansible is another: a run with a dozen of them starves hosts that
        would have a machine of their own.
    """

    def __init__(
        self, inventory: str, extra_vars: Sequence[str], logs: pathlib.Path, *, gives_way: bool = False
    ) -> None:
        self.inventory = inventory
        self._command = [*(["nice"] if gives_way else []), "ansible-playbook"]
        self.extra_vars = tuple(extra_vars)
        self._logs = logs
        self._numbers = itertools.count(1)
        logs.mkdir(parents=True, exist_ok=True)

    def start(
        self, playbook: str, *arguments: str, environment: Mapping[str, str] | None = None
    ) -> tuple[subprocess.Popen[bytes], pathlib.Path]:
        """Start a playbook; its output goes to a file."""
        log = self._logs / f"{next(self._numbers):02d}-{pathlib.Path(playbook).stem}.log"
        extra = [word for value in self.extra_vars for word in ("-e", value)]
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*self._command, "-i", self.inventory, *extra, playbook, *arguments],
                cwd=ROOT,
                env=environment_with(environment or {}),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        return process, log

    def play(
        self,
        playbook: str,
        *arguments: str,
        timeout: float = 600,
        environment: Mapping[str, str] | None = None,
    ) -> PlaybookRun:
        began = time.monotonic()
        process, log = self.start(playbook, *arguments, environment=environment)
        try:
            rc = process.wait(timeout * PATIENCE)
        except subprocess.TimeoutExpired as error:
            process.terminate()
            process.wait()
            raise AssertionError(
                f"{playbook} has not ended within {timeout * PATIENCE:g} s; its output: {log}"
            ) from error
        output = log.read_text(encoding="utf-8", errors="replace")
        return PlaybookRun(" ".join((playbook, *arguments)), rc, output, time.monotonic() - began, log)


def environment_with(more: Mapping[str, str]) -> dict[str, str]:
    """This process's own with the virtual environment, and without colours in what is read."""
    path = f"{pathlib.Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_FORCE_COLOR": "0", **more}
