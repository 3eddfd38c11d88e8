from __future__ import annotations

import time

import pytest
from sqlalchemy import URL

from browser import Browser
from conftest import USERNAME, make_app
from mysql_server import Administrator

HAND_OVER = {"X-Write-Hand-Over": "@slow_write"}


@pytest.fixture
def person(database: URL, empty_tables: None, password: str) -> Browser:
    browser = Browser(make_app(database, database_write_budget="4"))
    browser.login(USERNAME, password)
    return browser


def form(person: Browser) -> dict[str, str]:
    return person.hidden("/products/new") | {"code": "T-1", "name": "Tornillo", "unit": "ud"}


def test_a_write_that_waits_is_handed_over_in_time(person: Browser, administrator: Administrator) -> None:
    fields = form(person)
    with administrator.read_only():
        began = time.monotonic()
        answer = person.post("/products/new", fields, headers=HAND_OVER)
        assert 1 < time.monotonic() - began < 3
    assert (answer.status_code, answer.headers["X-Accel-Redirect"]) == (503, "@slow_write")
    # where it was handed over to, it counts as if it had not been here
    assert person.post("/products/new", fields).status_code == 302
    assert person.get("/products").text.count('class="code"') == 1


def test_a_write_with_all_the_time_waits(person: Browser, administrator: Administrator) -> None:
    fields = form(person)
    with administrator.read_only():
        began = time.monotonic()
        answer = person.post("/products/new", fields)
        assert time.monotonic() - began > 3
    assert answer.status_code == 503
    assert "X-Accel-Redirect" not in answer.headers
    assert "Aún no se ha guardado" in answer.text


def test_what_is_done_is_not_handed_over(person: Browser) -> None:
    answer = person.post("/products/new", form(person), headers=HAND_OVER)
    assert answer.status_code == 302
    assert "X-Accel-Redirect" not in answer.headers


@pytest.mark.parametrize("place", ["/products", "@slow write", "", "@" + "x" * 50, "@a\\r\\nX: y"])
def test_only_a_place_of_the_load_balancer_will_do(
    person: Browser, administrator: Administrator, place: str
) -> None:
    fields = form(person)
    with administrator.read_only():
        answer = person.post("/products/new", fields, headers={"X-Write-Hand-Over": place})
    assert "X-Accel-Redirect" not in answer.headers
