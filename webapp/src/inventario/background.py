"""Work that outlasts its request: one piece at a time in each process, and few that wait.

Whoever hands work over notes in the database what is to be done, and the work notes there how far it has come;
a process that ends takes its work along, and the note tells of it.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable

from flask import Flask, current_app
from flask_babel import force_locale, get_locale

logger = logging.getLogger(__name__)

_WAITING = 4


class Busy(Exception):
    """Too much is waiting in this process already."""


class Worker:
    """A thread that is there while there is work."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._lock = threading.Lock()
        self._waiting: deque[tuple[str, Callable[[], None]]] = deque()
        self._thread: threading.Thread | None = None

    def hand_over(self, work: Callable[[], None], *, language: str) -> None:
        with self._lock:
            if len(self._waiting) >= _WAITING:
                raise Busy
            self._waiting.append((language, work))
            if self._thread is None:
                # with the process it ends, and what it had not committed is rolled back
                self._thread = threading.Thread(target=self._work, name="background", daemon=True)
                self._thread.start()

    def wait(self, seconds: float) -> None:
        """Until there is no more work."""
        thread = self._thread
        if thread is not None:
            thread.join(seconds)

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._thread = None
                    return
                language, work = self._waiting.popleft()
            try:
                with self._app.app_context(), force_locale(language):
                    work()
            except Exception:
                # the work has noted what became of it, or will be taken for interrupted
                logger.exception("work in the background failed")


def register_background(app: Flask) -> None:
    app.extensions["inventario_background"] = Worker(app)


def in_background(work: Callable[[], None]) -> None:
    """Do this after the request, in the language of the person who asks for it, in an application context."""
    worker().hand_over(work, language=str(get_locale() or "es"))


def worker() -> Worker:
    found: Worker = current_app.extensions["inventario_background"]
    return found
