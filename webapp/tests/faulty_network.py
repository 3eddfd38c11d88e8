"""A TCP relay between the application and MySQL that can freeze, cut and refuse, as networks and hosts do."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from collections.abc import Callable

from sqlalchemy import URL


class Relay:
    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._lock = threading.Lock()
        self._thawed = threading.Event()
        self._thawed.set()
        self._refusing = False
        self._closed = False
        self._traps: list[tuple[bytes, str, Callable[[], object]]] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def url(self, database: URL) -> URL:
        return database.set(host="127.0.0.1", port=self._listener.getsockname()[1])

    def freeze(self) -> None:
        """Connections stay open, new ones are taken, and nothing passes."""
        self._thawed.clear()

    def refuse(self) -> None:
        """What HAProxy does without a server: take the connection and close it."""
        self._refusing = True
        self.cut()

    def cut(self) -> None:
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for pair in pairs:
            _close(*pair)

    def before(self, statement: bytes, happens: Callable[[], object]) -> None:
        """Once, when a client next sends this statement: something happens, and only then is it passed on."""
        self._traps.append((statement, "before", happens))

    def after(self, statement: bytes, happens: Callable[[], object]) -> None:
        """Once, when the server has answered this statement: something happens, and only then is it told."""
        self._traps.append((statement, "after", happens))

    @property
    def waits(self) -> bool:
        """Whether something that was to happen has not."""
        return bool(self._traps)

    def restore(self) -> None:
        self._refusing = False
        self._thawed.set()

    def close(self) -> None:
        self._closed = True
        self.restore()
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        while not self._closed:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self._refusing:
                client.close()
                continue
            threading.Thread(target=self._relay, args=(client,), daemon=True).start()

    def _relay(self, client: socket.socket) -> None:
        self._thawed.wait()
        try:
            server = socket.create_connection(self._target)
        except OSError:
            client.close()
            return
        with self._lock:
            self._pairs.append((client, server))
        with contextlib.suppress(OSError, ValueError), selectors.DefaultSelector() as selector:
            selector.register(client, selectors.EVENT_READ, server)
            selector.register(server, selectors.EVENT_READ, client)
            while True:
                for key, _ in selector.select(0.2):
                    self._thawed.wait()
                    sender = key.fileobj
                    assert isinstance(sender, socket.socket)
                    data = sender.recv(65536)
                    if not data:
                        raise ConnectionResetError
                    if sender is client:
                        self._spring("before", data)
                        self._thawed.wait()
                    key.data.sendall(data)
                    if sender is client and self._is_set("after", data):
                        answer = server.recv(65536)
                        self._spring("after", data)
                        client.sendall(answer)
                if client.fileno() < 0:
                    break
        _close(client, server)

    def _is_set(self, moment: str, data: bytes) -> bool:
        return any(statement in data for statement, when, _ in self._traps if when == moment)

    def _spring(self, moment: str, data: bytes) -> None:
        for trap in list(self._traps):
            statement, when, happens = trap
            if when == moment and statement in data:
                self._traps.remove(trap)
                happens()


def _close(*sockets: socket.socket) -> None:
    for each in sockets:
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
        each.close()
