from __future__ import annotations

import time

import pytest
from flask import Flask
from sqlalchemy import URL

from browser import Browser
from conftest import make_app
from faulty_network import Relay
from mysql_server import Administrator


@pytest.fixture
def node(relays: tuple[Relay, Relay], database: URL) -> Flask:
    source, replica = relays
    return make_app(source.url(database), replica.url(database))


def ready(node: Flask) -> tuple[int, dict[str, str]]:
    began = time.monotonic()
    response = Browser(node).get("/health/ready")
    assert time.monotonic() - began < 2
    assert response.json is not None
    return response.status_code, response.json


def test_live_needs_no_database(database: URL) -> None:
    nowhere = database.set(host="127.0.0.1", port=1)
    response = Browser(make_app(nowhere)).get("/health/live")
    assert (response.status_code, response.json) == (200, {"status": "ok"})


def test_all_is_well(node: Flask) -> None:
    for _ in range(2):
        assert ready(node) == (200, {"status": "ok", "reader": "ok", "writer": "ok"})


def test_idle_connections_that_the_server_closed_say_nothing(
    node: Flask, administrator: Administrator, database: URL
) -> None:
    ready(node)
    administrator.kill_connections(database.database)
    assert ready(node)[1]["status"] == "ok"


def test_a_source_that_is_read_only_degrades(node: Flask, administrator: Administrator) -> None:
    with administrator.read_only():
        assert ready(node) == (200, {"status": "degraded", "reader": "ok", "writer": "read_only"})


@pytest.mark.parametrize("fault", ["freeze", "refuse"])
@pytest.mark.parametrize(
    ("away", "status", "answer"),
    [
        ((0,), 200, {"status": "degraded", "reader": "ok", "writer": "unavailable"}),
        ((1,), 200, {"status": "degraded", "reader": "unavailable", "writer": "ok"}),
        ((0, 1), 503, {"status": "unavailable", "reader": "unavailable", "writer": "unavailable"}),
    ],
)
def test_servers_that_are_away(
    node: Flask,
    relays: tuple[Relay, Relay],
    fault: str,
    away: tuple[int, ...],
    status: int,
    answer: dict[str, str],
) -> None:
    ready(node)
    for number in away:
        getattr(relays[number], fault)()
    assert ready(node) == (status, answer)
