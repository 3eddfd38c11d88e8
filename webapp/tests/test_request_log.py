from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import URL

from browser import Browser
from conftest import USERNAME, make_app


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.fixture
def start(database: URL, empty_tables: None) -> Callable[[], Browser]:
    """Start the application within the test, so that its log goes to where the test looks."""
    return lambda: Browser(make_app(database))


def test_a_line_a_request(start: Callable[[], Browser], capsys: pytest.CaptureFixture[str]) -> None:
    anonymous = start()
    anonymous.get("/login?next=/secret-path", headers={"X-Forwarded-For": "192.0.2.7"})
    (line,) = lines(capsys)
    assert line["message"] == "request"
    assert (line["method"], line["path"], line["status"]) == ("GET", "/login", 200)
    assert line["client"] == "192.0.2.7"
    assert line["node"] == "test"
    assert line["milliseconds"] >= 0
    assert "secret-path" not in str(line)


def test_the_id_of_the_load_balancer_is_kept(
    start: Callable[[], Browser], capsys: pytest.CaptureFixture[str]
) -> None:
    anonymous = start()
    response = anonymous.get("/", headers={"X-Request-ID": "0123456789abcdef"})
    assert response.headers["X-Request-ID"] == "0123456789abcdef"
    assert lines(capsys)[0]["request_id"] == "0123456789abcdef"


@pytest.mark.parametrize("given", ["", "short", "x" * 65, "with space in it", 'quote"quote"'])
def test_any_other_id_is_replaced(start: Callable[[], Browser], given: str) -> None:
    anonymous = start()
    answered = anonymous.get("/", headers={"X-Request-ID": given}).headers["X-Request-ID"]
    assert len(answered) == 32
    assert answered != given


def test_no_secret_is_logged(
    start: Callable[[], Browser], password: str, capsys: pytest.CaptureFixture[str]
) -> None:
    anonymous = start()
    anonymous.submit("/login", username=USERNAME, password="wrong-password")
    anonymous.login(USERNAME, password)
    session = anonymous.client.get_cookie("inventario_session")
    assert session is not None
    log = capsys.readouterr().out
    for secret in (password, "wrong-password", session.value):
        assert secret not in log
    assert '"message": "login refused"' in log
    assert '"message": "login"' in log


def test_only_the_nearest_proxy_is_believed(
    start: Callable[[], Browser], capsys: pytest.CaptureFixture[str]
) -> None:
    anonymous = start()
    anonymous.get("/", headers={"X-Forwarded-For": "203.0.113.9, 192.0.2.7"})
    assert lines(capsys)[0]["client"] == "192.0.2.7"
