"""How gunicorn sends answers: head and body together.

gunicorn sends the head of an answer and then its body, and other threads may come in between. A process that
is killed there leaves the load balancer with a head: the client has it by then, and no other node can be asked.
"""

from __future__ import annotations

import socket
from typing import Any

from gunicorn.workers.gthread import ThreadWorker


class HeldHead:
    """The socket of a client that keeps what is sent first until the next comes, or until it is released."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        # None: the head has gone
        self._head: bytes | None = b""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)

    def sendall(self, data: bytes) -> None:
        if self._head == b"":
            self._head = data
        elif data or self._head is None:
            self._send(data)

    def sendfile(self, *arguments: Any, **options: Any) -> int:
        self.release()
        return self._socket.sendfile(*arguments, **options)

    def release(self) -> None:
        """Send what is still kept: an answer without a body."""
        if self._head:
            self._send(b"")

    def _send(self, data: bytes) -> None:
        head, self._head = self._head, None
        self._socket.sendall(head + data if head else data)


class WholeAnswers(ThreadWorker):
    """gunicorn's gthread, with the head of each answer held until its body comes."""

    def handle_request(self, req: Any, conn: Any) -> Any:
        plain = conn.sock
        conn.sock = held = HeldHead(plain)
        try:
            goes_on = super().handle_request(req, conn)
            held.release()
        finally:
            conn.sock = plain
        return goes_on
