"""What a client was told is saved, kept outside of the cluster."""

from __future__ import annotations

import os
import pathlib
import threading


class Ledger:
    """One acknowledged code a line. A line is on the disk before the next write is asked for."""

    def __init__(self, path: pathlib.Path, session: str = "T") -> None:
        # what the codes of this session begin with
        self.session = session
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("a", encoding="utf-8")
        self._path = path
        self._lock = threading.Lock()

    def acknowledge(self, code: str) -> None:
        with self._lock:
            self._file.write(code + "\n")
            self._file.flush()
            os.fsync(self._file.fileno())

    def codes(self) -> set[str]:
        """Every acknowledged code; a line cut off by a crash was not acknowledged."""
        lines = self._path.read_text(encoding="utf-8").splitlines(keepends=True)
        return {line.strip() for line in lines if line.endswith("\n")}

    def missing(self, found: set[str]) -> set[str]:
        """What was acknowledged and is not there."""
        return self.codes() - found

    def close(self) -> None:
        self._file.close()
