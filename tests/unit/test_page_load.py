"""The load test's module: reading ab's report, and logging in as a browser would."""

from __future__ import annotations

import http.server
import importlib.util
import pathlib
import threading
import urllib.parse
from collections.abc import Iterator
from types import ModuleType
from typing import ClassVar

import pytest

MODULES = pathlib.Path(__file__).resolve().parents[2] / "plugins" / "modules"
REPORT = """\
Complete requests:      1000
Failed requests:        2
   (Connect: 0, Receive: 0, Length: 0, Exceptions: 2)
Non-2xx responses:      3
Time taken for tests:   2.000 seconds
Requests per second:    500.25 [#/sec] (mean)

Percentage of the requests served within a certain time (ms)
  50%     12
  95%     40
  99%     55
 100%     80 (longest request)
"""


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, MODULES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


page_load = load("page_load")


def test_the_figures_of_a_report() -> None:
    assert page_load.figures(REPORT, 1000) == {
        "complete": 1000,
        "failed": 5,
        "non_2xx": 3,
        "seconds": 2,
        "requests_per_second": 500.25,
        "p50_ms": 12,
        "p95_ms": 40,
        "p99_ms": 55,
        "slowest_ms": 80,
    }


def test_requests_that_never_ended_have_failed() -> None:
    assert page_load.figures(REPORT, 1010)["failed"] == 15


def test_no_line_for_other_statuses_means_none() -> None:
    assert page_load.figures(REPORT.replace("Non-2xx responses:      3\n", ""), 1000)["failed"] == 2


def test_a_text_that_is_no_report_is_refused() -> None:
    with pytest.raises(ValueError, match="Complete requests"):
        page_load.figures("apr_socket_recv: Connection refused", 1)


def test_the_password_is_no_argument_of_ab() -> None:
    given = {"requests": 1, "concurrency": 1, "timeout": 1, "user_agent": "a", "url": "http://u", "path": "/p"}
    given["password"] = "sesame"
    line = page_load.command(given, "session=1")
    assert "sesame" not in " ".join(line)
    assert line[-1] == "http://u/p"
    assert line[line.index("-C") + 1] == "session=1"
    assert "-C" not in page_load.command(given, "")


class Site(http.server.BaseHTTPRequestHandler):
    """A login form with a token, as the application has it."""

    sessions: ClassVar[set[str]] = set()

    def answer(self, status: int, body: str = "", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def do_GET(self) -> None:
        self.answer(200, '<form><input type="hidden" name="csrf_token" value="t&amp;1"></form>')

    def do_POST(self) -> None:
        form = dict(urllib.parse.parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
        if form.get("csrf_token") != "t&1":
            self.answer(400)
        elif self.path == "/logout":
            self.sessions.discard(self.headers["Cookie"])
            self.answer(303, Location="/")
        elif (form["username"], form["password"]) == ("ana", "sesame"):
            self.sessions.add("session=ana")
            self.answer(303, Location="/", Set_Cookie="session=ana; HttpOnly")
        else:
            self.answer(401, "no")

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def site() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_session_begins_and_ends_as_a_browsers(site: str) -> None:
    session = page_load.Session(site, 5, "test")
    session.login("/login", "ana", "sesame")
    assert session.cookie() == "session=ana"
    assert Site.sessions == {"session=ana"}
    session.logout("/logout", "/products")
    assert not Site.sessions


def test_a_refused_login_says_so(site: str) -> None:
    with pytest.raises(ValueError, match="login of 'ana' was refused with status 401"):
        page_load.Session(site, 5, "test").login("/login", "ana", "wrong")
