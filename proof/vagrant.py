"""Vagrant as its user runs it, on the machines of one inventory, kept apart from the user's own."""

from __future__ import annotations

import contextlib
import os
import pathlib
import subprocess
import time
from collections.abc import Iterator

from proof.playbook import ROOT, PlaybookRun, environment_with

FOLDER = ROOT / "build" / "vagrant"


class Vagrant:
    """One inventory's machines; what each command said is kept in a file."""

    def __init__(self, inventory: str, logs: pathlib.Path, provider: str = "docker") -> None:
        self.provider = provider
        self._logs = logs
        self._environment = environment_with(
            {"INVENTARIO_INVENTORY": inventory, "VAGRANT_DOTFILE_PATH": str(FOLDER), "VAGRANT_NO_COLOR": "1"}
        )
        logs.mkdir(parents=True, exist_ok=True)
        FOLDER.mkdir(parents=True, exist_ok=True)

    def up(self, *machines: str, timeout: float = 600) -> PlaybookRun:
        return self.run("up", f"--provider={self.provider}", *machines, timeout=timeout)

    def destroy(self, *machines: str) -> PlaybookRun:
        return self.run("destroy", "--force", *machines)

    def run(self, *arguments: str, timeout: float = 300, answer: str = "") -> PlaybookRun:
        """A command that has ended, its question answered; its recap is that of the playbook it ran, if it ran one."""
        log = self._logs / f"vagrant-{arguments[0]}-{time.monotonic_ns()}.log"
        began = time.monotonic()
        typing = _typing(answer) if answer else contextlib.nullcontext(subprocess.DEVNULL)
        with log.open("wb") as output, typing as stdin:
            process = subprocess.Popen(
                ["vagrant", *arguments],
                cwd=ROOT,
                env=self._environment,
                stdin=stdin,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            try:
                rc = process.wait(timeout)
            except subprocess.TimeoutExpired as error:
                process.terminate()
                process.wait()
                raise AssertionError(f"vagrant {arguments} has not ended within {timeout:g} s: {log}") from error
        text = log.read_text(encoding="utf-8", errors="replace")
        return PlaybookRun(" ".join(("vagrant", *arguments)), rc, text, time.monotonic() - began, log)

    @staticmethod
    def key(machine: str) -> pathlib.Path:
        """The key by which Ansible reaches a machine."""
        return FOLDER / "keys" / machine

    @staticmethod
    def known_hosts() -> list[list[str]]:
        """Address, kind and key of each host key that is trusted."""
        return [line.split() for line in (FOLDER / "known_hosts").read_text(encoding="ascii").splitlines()]

    @staticmethod
    def insecure_key() -> pathlib.Path:
        """The key that everybody has; Vagrant lays it down at its first start."""
        return pathlib.Path(os.environ.get("VAGRANT_HOME", pathlib.Path.home() / ".vagrant.d")) / "insecure_private_key"


@contextlib.contextmanager
def _typing(answer: str) -> Iterator[int]:
    """A terminal at which somebody has typed this: Vagrant takes no answer from elsewhere."""
    keyboard, terminal = os.openpty()
    try:
        os.write(keyboard, f"{answer}\n".encode())
        yield terminal
    finally:
        os.close(terminal)
        os.close(keyboard)
