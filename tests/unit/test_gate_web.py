"""The gate's question from outside: who answers how often, and what a browser's login meets."""

from __future__ import annotations

import http.server
import json
import pathlib
import subprocess
import sys
import threading
import urllib.parse
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
from loading import ROOT, load

gate_web = load("plugins/modules/gate_web.py")

NODES = [{"name": "app", "weight": 3}, {"name": "app1", "weight": 2}, {"name": "app2", "weight": 1}]


def answers(**counts: int) -> list[Any]:
    return [gate_web.Answer(200, name) for name, count in counts.items() for _ in range(count)]


def judged(given: list[Any], status: int = 200) -> list[tuple[str, str]]:
    return [(item["host"], item["message"]) for item in gate_web.judge_shares(given, NODES, 6, "nginx", status)]


@pytest.mark.parametrize("counts", [(30, 20, 10), (29, 20, 11), (33, 18, 9)])
def test_shares_near_the_weights_are_right(counts: tuple[int, int, int]) -> None:
    assert judged(answers(app=counts[0], app1=counts[1], app2=counts[2])) == []


def test_a_node_that_answers_none_is_named() -> None:
    assert ("app2", "answered none of the requests through the load balancer") in judged(answers(app=36, app1=24))


def test_weights_that_do_not_hold_are_named_with_both_shares() -> None:
    found = dict(judged(answers(app=20, app1=20, app2=20)))
    assert found == {
        "app": "answered 33.3 % of the requests, its weight promises 50.0 %",
        "app2": "answered 33.3 % of the requests, its weight promises 16.7 %",
    }


def test_a_stranger_is_named() -> None:
    ((host, message),) = judged(answers(app=30, app1=20, app2=10, molehill=1))
    assert host == "nginx"
    assert "molehill" in message


def test_failed_requests_are_counted_by_status_and_node() -> None:
    failed = [gate_web.Answer(502, "app1"), gate_web.Answer(502, "app1"), gate_web.Answer(0, "refused")]
    ((host, message),) = judged([*answers(app=30), *failed])
    assert host == "nginx"
    assert "3 of 33 requests did not end in 200" in message
    assert "502 from app1 (2x)" in message
    assert "nothing from refused (1x)" in message


def test_another_status_may_be_the_right_one() -> None:
    closed = [answer._replace(status=401) for answer in answers(app=30, app1=20, app2=10)]
    assert judged(closed, 401) == []
    assert "60 of 60 requests did not end in 200" in judged(closed)[0][1]


def test_a_page_without_its_text_is_named_with_its_node() -> None:
    given = [*answers(app=30, app1=20, app2=8), *[gate_web.Answer(200, "app2", "Guest book")] * 2]
    assert judged(given) == [("app2", "2 of its answers do not contain 'Guest book'")]


class Site(http.server.BaseHTTPRequestHandler):
    """A load balancer, its nodes and phpMyAdmin in one; what it does wrong is set by the test."""

    turn: ClassVar[list[str]] = []
    asked: ClassVar[int] = 0
    # app2 comes back when so many pages were asked for
    app2_from: ClassVar[int] = 0
    fault: ClassVar[str] = ""

    def answer(self, status: int, body: str = "", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("X-Served-By", "app")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    server: http.server.HTTPServer

    def do_GET(self) -> None:
        if self.path == "/moved/page":
            self.answer(302, Location=f"http://localhost:{self.server.server_port}/")
        elif self.path == "/page":
            Site.asked += 1
            self.send_response(200)
            who = Site.turn[Site.asked % len(Site.turn)]
            self.send_header("X-Served-By", "app" if who == "app2" and Site.asked < Site.app2_from else who)
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif self.path == "/login" and Site.fault == "no form":
            self.answer(200, "<p>soon</p>")
        elif self.path == "/login":
            self.answer(200, '<input name="csrf_token" type="hidden" value="t0ken">')
        elif self.path == "/products" and "who=admin" in self.headers.get("Cookie", ""):
            self.answer(500 if Site.fault == "list broken" else 200, "list")
        elif self.path == "/products":
            self.answer(302, Location="/login")
        else:
            self.answer(200, "nothing" if Site.fault == "no phpMyAdmin" else "<title>phpMyAdmin</title>")

    def do_POST(self) -> None:
        fields = dict(urllib.parse.parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
        if Site.fault == "too many":
            self.answer(429)
        elif Site.fault == "locked":
            self.answer(403)
        elif fields == {"username": "admin", "password": "right", "csrf_token": "t0ken"}:
            self.answer(303, Location="/products", Set_Cookie="who=admin")
        else:
            self.answer(200, "again")

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def site() -> Iterator[str]:
    Site.turn, Site.asked, Site.fault = ["app", "app1", "app", "app1", "app", "app2"], 0, ""
    Site.app2_from = 0
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def run(site: str, **changes: Any) -> dict[str, Any]:
    """The module as Ansible runs it."""
    arguments = {
        "url": site,
        "nodes": NODES,
        "page": "/page",
        "username": "admin",
        "password": "right",
        "phpmyadmin_url": site,
        "phpmyadmin_host": "phpmyadmin",
        **changes,
    }
    result = subprocess.run(
        [sys.executable, str(ROOT / "plugins/modules/gate_web.py")],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": arguments}),
        capture_output=True,
        text=True,
        check=False,
        env={"ANSIBLE_MODULE_UTILS": ""},
    )
    answer: dict[str, Any] = json.loads(result.stdout)
    assert not answer["changed"]
    return answer


def test_a_sound_site_passes(site: str) -> None:
    assert run(site) == {**run(site), "findings": [], "shares": {"app": 30, "app1": 20, "app2": 10}}


def test_a_node_that_is_just_back_is_judged_by_what_it_answers_then(site: str) -> None:
    Site.app2_from = 60
    assert run(site)["shares"] == {"app": 60, "app1": 40, "app2": 20}


def test_a_node_that_does_not_take_its_part_is_named_however_often_it_is_counted(site: str) -> None:
    Site.app2_from = 10_000
    messages = [item["message"] for item in run(site)["findings"]]
    assert "answered none of the requests through the load balancer" in messages


FAULTS: dict[str, tuple[str, str]] = {
    "no form": ("nginx", "shows no login form"),
    "too many": ("app", "the login answered 429"),
    "locked": ("app", "the login answered 403: after wrong passwords the account is locked"),
    "list broken": ("app", "answered 500"),
    "no phpMyAdmin": ("phpmyadmin", "does not show phpMyAdmin"),
}


@pytest.mark.parametrize(("fault", "host", "message"), [(fault, *said) for fault, said in FAULTS.items()], ids=FAULTS)
def test_a_fault_is_found(site: str, fault: str, host: str, message: str) -> None:
    Site.fault = fault
    (found,) = run(site)["findings"]
    assert found["host"] == host
    assert message in found["message"]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"page": "/products", "page_text": "list"}, "do not contain 'list'"),
        ({"page": "/page", "page_status": 401}, "did not end in 401"),
        ({"page": "/page", "page_status": 401, "nodes": []}, "/page, verified by the cluster's authority: 200"),
    ],
)
def test_the_page_has_to_be_the_one_that_was_told(site: str, asked: dict[str, Any], found: str) -> None:
    assert any(found in item["message"] for item in run(site, tls_url=site, **asked)["findings"])


def test_a_wrong_password_is_found_by_what_is_shown_behind_it(site: str) -> None:
    (found,) = run(site, password="wrong")["findings"]
    assert "asks for a login again" in found["message"]


def test_shares_that_other_people_disturb_are_judged_over_more_requests(site: str) -> None:
    # somebody else takes turns at first
    Site.turn = ["app2"] * 10 + ["app", "app1", "app", "app1", "app", "app2"] * 1000
    answer = run(site)
    assert answer["findings"] == []
    assert sum(answer["shares"].values()) > 60


def test_weights_that_never_hold_fail_in_the_end(site: str) -> None:
    Site.turn = ["app", "app1", "app2"]
    answer = run(site)
    assert {found["host"] for found in answer["findings"]} == {"app", "app2"}
    assert sum(answer["shares"].values()) == 60 * gate_web.TRIES


def test_a_load_balancer_that_does_not_answer_is_named() -> None:
    found = run("http://127.0.0.1:9", phpmyadmin_url="")["findings"]
    assert {item["host"] for item in found} == {"nginx"}
    assert "60 of 60 requests did not end in 200" in found[0]["message"]


def test_where_browsers_are_sent_elsewhere_that_address_is_asked(site: str) -> None:
    where = gate_web.landing(f"{site}/moved/page", gate_web.trusting(""))
    assert where == site.replace("127.0.0.1", "localhost")


def test_an_authority_that_is_missing_is_a_finding(site: str, tmp_path: pathlib.Path) -> None:
    (found,) = run(site, ca=str(tmp_path / "ca.pem"))["findings"]
    assert "ca.pem can't be read" in found["message"]
