"""The load generator counts as failed what the project calls failed, and nothing else. A server makes each fault."""

from __future__ import annotations

import pathlib
import socket
import struct
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import aiohttp
import pytest

from proof.connections import http_session
from proof.ledger import Ledger
from proof.load import Answer, Load, Reply, Result, Step, mixed, percentile, running
from proof.waiting import TooLate, until

SLOW_SECONDS = 0.4
BODY = b"<html>Inventario</html>"


class Behaviour(BaseHTTPRequestHandler):
    """Each path is a way to answer."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def do_GET(self) -> None:
        match self.path:
            case "/ok":
                self.answer(200, BODY)
            case "/slow":
                time.sleep(SLOW_SECONDS)
                self.answer(200, BODY)
            case "/wrong":
                self.answer(200, b"<html>It works!</html>")
            case "/short":
                self.answer(200, BODY[:-7], length=len(BODY))
                self.close_connection = True
            case "/reset":
                self.reset()
            case "/reset-when-used-again":
                self.answer(200, BODY)
                # as an NGINX that reloads while the connection waits for its next request
                self.rfile.readline()
                self.close_connection = True
            case "/reset-in-the-answer-when-used-again":
                self.answer(200, BODY)
                self.rfile.readline()
                self.answer(200, BODY[:-7], length=len(BODY))
                self.close_connection = True
            case "/silent":
                self.rfile.readline()
            case status:
                self.answer(int(status.strip("/")), b"")

    def answer(self, status: int, body: bytes, length: int | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.send_header("X-Served-By", "app")
        self.end_headers()
        self.wfile.write(body)

    def reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.shutdown(socket.SHUT_RD)
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: pytest shows what matters."""


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is what some of these tests are about."""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with Server(("127.0.0.1", 0), Behaviour) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


class Asker:
    """A client that is no browser: it asks one path of the server."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        self.session = http_session(aiohttp.DummyCookieJar())

    async def close(self) -> None:
        if self.session:
            await self.session.close()

    async def ask(self, method: str, path: str) -> Reply:
        assert self.session
        form = {"name": "Caja"} if method == "POST" else None
        async with self.session.request(method, self.url + path, data=form, allow_redirects=False) as response:
            return Reply(response.status, response.headers, await response.read())


def asks(path: str, method: str = "GET") -> Step:
    return Step(
        path, lambda asker: asker.ask(method, path), lambda _, reply: "" if reply.body == BODY else "wrong body"
    )


def load_of(
    url: str,
    *paths: str,
    rate: float = 100,
    count: int = 10,
    clients: int = 2,
    seconds: float = 1,
    method: str = "GET",
) -> Load:
    mix = [(asks(path, method), 1) for path in paths]
    return Load(lambda _: Asker(url), mix, rate=rate, at_least=count, clients=clients, request_seconds=seconds)


def result_of(load: Load) -> Result:
    with running(load):
        return load.finish()


def test_good_answers_are_no_failures(url: str) -> None:
    result = result_of(load_of(url, "/ok", count=50))
    assert result.requests == 50
    assert result.failures == []
    assert result.shares == {"app": 1.0}
    assert 0 < result.seconds(50) <= result.seconds(95) <= result.slowest < 1


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        ("/500", "status 500"),
        ("/503", "status 503"),
        ("/429", "status 429"),
        ("/wrong", "wrong body"),
        ("/short", "wrong body"),
        ("/reset", "reset"),
        ("/silent", "time-out"),
    ],
)
def test_fault_is_counted(url: str, path: str, fault: str) -> None:
    result = result_of(load_of(url, path, "/ok", seconds=0.5))
    assert len(result.failures) == 5
    assert all(answer.step == path and answer.fault.startswith(fault) for answer in result.failures)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_kept_connection_that_was_closed_is_opened_again_and_counted(url: str, method: str) -> None:
    """As a browser does; the ten requests share one client, so that nine enter a connection that another one left."""
    result = result_of(load_of(url, "/reset-when-used-again", clients=1, rate=20, method=method))
    assert result.failures == []
    assert result.reopened == 9
    assert "9 connections opened again" in result.describe()


def test_reset_of_a_new_connection_is_not_tried_again(url: str) -> None:
    """aiohttp by itself would send a GET again: nobody would ever see that reset."""
    result = result_of(load_of(url, "/reset", clients=1, rate=20))
    assert len(result.failures) == 10
    assert result.reopened == 0


def test_reset_within_the_answer_of_a_kept_connection_is_counted(url: str) -> None:
    result = result_of(load_of(url, "/reset-in-the-answer-when-used-again", clients=1, rate=20))
    assert len(result.failures) == 5
    assert result.reopened == 0


def test_nothing_listens() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        result = result_of(load_of(f"http://127.0.0.1:{free.getsockname()[1]}", "/ok"))
    assert len(result.failures) == 10


def test_slow_answer_counts_from_the_moment_it_was_due(url: str) -> None:
    result = result_of(load_of(url, "/slow", count=5))
    assert result.failures == []
    assert result.slowest >= SLOW_SECONDS


def test_slow_answers_hold_nothing_up(url: str) -> None:
    """Open loop: with one client and answers of 0.4 s, 20 requests at 100/s go out within 0.2 s all the same."""
    began = time.monotonic()
    result = result_of(load_of(url, "/slow", count=20, clients=1, seconds=5))
    assert result.requests == 20
    assert result.failures == []
    assert time.monotonic() - began < 5 * SLOW_SECONDS


def test_goes_on_until_told_to_end(url: str) -> None:
    mix = [(asks("/ok"), 1)]
    load = Load(lambda _: Asker(url), mix, rate=100, at_least=5, at_most=1000, clients=2)
    with running(load):
        moment = load.mark("the fault")
        until(lambda: len(load.answers_since(moment)) > 20, "more answers than at least", seconds=5)
        assert load.served_since(moment) == {"app"}
        result = load.finish()
    assert 20 < result.requests < 1000
    assert result.marks[0][1] == "the fault"


def test_is_bounded(url: str) -> None:
    with pytest.raises(ValueError, match="longer than"):
        load_of(url, "/ok", rate=1, count=10_000)


def test_broken_entrance_is_told(url: str) -> None:
    class Stranger(Asker):
        async def open(self) -> None:
            raise AssertionError("cannot sign in")

    load = Load(lambda _: Stranger(url), [(asks("/ok"), 1)], rate=10, at_least=5, clients=2)
    with pytest.raises(AssertionError, match="cannot sign in"), running(load):
        pass


def test_mix_is_even_and_the_same_every_time() -> None:
    often, seldom = asks("/often"), asks("/seldom")
    steps = mixed([(often, 3), (seldom, 1)])
    names = [next(steps).name for _ in range(8)]
    assert names == ["/often", "/often", "/seldom", "/often"] * 2


def test_percentiles_are_measured_values() -> None:
    values = [float(value) for value in range(1, 101)]
    assert [percentile(values, percent) for percent in (50, 95, 99, 100)] == [50, 95, 99, 100]
    assert percentile([7.0], 99) == 7


def test_figures(tmp_path: pathlib.Path) -> None:
    answers = (
        Answer("GET /", 0.0, 0.1, 200, "app"),
        Answer("GET /", 0.5, 0.1, 200, "app1"),
        Answer("GET /", 3.0, 2.0, 503, "", "status 503"),
        Answer("POST /login", 4.0, 0.2, 302, "app"),
    )
    result = Result(answers, rate=1, clients=20, behind=0.01)
    assert result.shares == {"": 0.25, "app": 0.5, "app1": 0.25}
    assert result.longest_gap() == pytest.approx(3.6)
    assert [second["failed"] for second in result.timeline()] == [0, 1, 0]
    assert result.only("POST /login").requests == 1
    assert result.between(0.5, 4).requests == 2
    assert "status 503" in result.describe()
    result.save(tmp_path / "load.json")
    assert '"failed": 1' in (tmp_path / "load.json").read_text(encoding="utf-8")


def test_ledger_keeps_what_was_acknowledged(tmp_path: pathlib.Path) -> None:
    ledger = Ledger(tmp_path / "ledger")
    ledger.acknowledge("A-1")
    ledger.acknowledge("A-2")
    ledger.close()
    with (tmp_path / "ledger").open("a", encoding="utf-8") as file:
        file.write("A-3 cut o")
    again = Ledger(tmp_path / "ledger")
    assert again.codes() == {"A-1", "A-2"}
    assert again.missing({"A-2", "B-1"}) == {"A-1"}
    again.close()


def test_until_asks_once_more_at_the_end() -> None:
    assert until(lambda: "now", "at once", seconds=0) == "now"
    with pytest.raises(TooLate, match=r"never.*\[\]"):
        until(list, "never", seconds=0.05, every=0.01)
