"""What gunicorn's workers send, on real sockets."""

from __future__ import annotations

import contextlib
import http.client
import os
import pathlib
import re
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

import inventario
from inventario.serving import HeldHead

APPLICATION = """\
import os


def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/killed":
        start_response("200 OK", [("Content-Length", "4")])
        # as if it were killed between head and body
        return dying()
    if path == "/empty":
        start_response("302 Found", [("Location", "/"), ("Content-Length", "0")])
        return []
    if path == "/pieces":
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"one ", b"two ", b"three"]
    if path == "/file":
        start_response("200 OK", [("Content-Length", "5")])
        return environ["wsgi.file_wrapper"](open("five", "rb"))
    if path == "/fails":
        start_response("200 OK", [("Content-Length", "4")])
        raise RuntimeError("it fails")
    start_response("200 OK", [("Content-Length", "40000")])
    return [b"x" * 40000]


def dying():
    yield b""
    os._exit(1)
"""


@pytest.fixture
def pair() -> Iterator[tuple[HeldHead, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield HeldHead(ours), theirs


def has_something(connection: socket.socket) -> bool:
    return bool(select.select([connection], [], [], 0)[0])


def test_the_head_waits_for_the_body(pair: tuple[HeldHead, socket.socket]) -> None:
    held, client = pair
    held.sendall(b"head ")
    assert not has_something(client)
    held.sendall(b"body")
    assert client.recv(100) == b"head body"
    held.sendall(b" more")
    assert client.recv(100) == b" more"


def test_a_head_alone_is_sent_when_it_is_released(pair: tuple[HeldHead, socket.socket]) -> None:
    held, client = pair
    held.sendall(b"head")
    held.release()
    held.release()
    assert client.recv(100) == b"head"
    assert not has_something(client)


@pytest.fixture
def server(tmp_path: pathlib.Path) -> Iterator[int]:
    """The port of a gunicorn with our workers."""
    (tmp_path / "served.py").write_text(APPLICATION, encoding="utf-8")
    (tmp_path / "five").write_bytes(b"12345")
    log = tmp_path / "log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "gunicorn", "--worker-class", "inventario.serving.WholeAnswers"),
                *("--threads", "2", "--bind", "127.0.0.1:0", "--no-control-socket", "served:application"),
            ],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(pathlib.Path(inventario.__file__).parents[1])},
            stderr=output,
            start_new_session=True,
        )
    try:
        yield _port(log, process)
    finally:
        process.terminate()
        process.wait(20)


def _port(log: pathlib.Path, process: subprocess.Popen[bytes]) -> int:
    end = time.monotonic() + 20
    while process.poll() is None and time.monotonic() < end:
        found = re.search(r"Listening at: http://127\.0\.0\.1:(\d+)", log.read_text())
        if found:
            return int(found[1])
        select.select([], [], [], 0.05)
    raise AssertionError(f"gunicorn did not start: {log.read_text()}")


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        ("/", 200, b"x" * 40000),
        ("/empty", 302, b""),
        ("/pieces", 200, b"one two three"),
        ("/file", 200, b"12345"),
    ],
)
def test_answers_are_what_the_application_says_over_a_connection_that_is_kept(
    server: int, path: str, status: int, body: bytes
) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server, timeout=10)
    for _ in range(3):
        connection.request("GET", path)
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (status, body)
    connection.close()


def test_an_error_before_the_body_is_a_whole_answer(server: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server, timeout=10)
    connection.request("GET", "/fails")
    answer = connection.getresponse()
    assert answer.status == 500
    assert answer.read()
    connection.close()


def test_who_is_killed_between_head_and_body_has_sent_nothing(server: int) -> None:
    with socket.create_connection(("127.0.0.1", server), timeout=10) as connection:
        connection.sendall(b"GET /killed HTTP/1.1\r\nHost: here\r\n\r\n")
        received = b""
        # the end, or a reset: both are an end of nothing
        with contextlib.suppress(ConnectionResetError):
            received = connection.recv(100)
    assert received == b""
