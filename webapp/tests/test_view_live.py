from __future__ import annotations

import time

import pytest
from flask import Flask
from sqlalchemy import URL

from browser import Browser
from conftest import USERNAME, make_app
from faulty_network import Relay
from inventario import live_tokens
from mysql_server import Administrator


def version(browser: Browser) -> str:
    return str(browser.get("/live/version").get_json()["version"])


def key(browser: Browser) -> str:
    return str(browser.get("/live/key").get_json()["key"])


def changes(browser: Browser, **arguments: str) -> str:
    given = {"version": version(browser), "key": key(browser)} | arguments
    return f"/live/changes?version={given['version']}&key={given['key']}"


def test_anybody_may_have_the_version(anonymous: Browser) -> None:
    before = int(time.time())
    answer = anonymous.get("/live/version")
    assert answer.status_code == 200
    kept = answer.headers["X-Accel-Expires"]
    # to the end of the second in which it was asked for, and no longer
    assert kept.startswith("@")
    assert before <= int(kept[1:]) <= int(time.time())


def test_the_version_depends_on_nobody(anonymous: Browser, browser: Browser) -> None:
    assert version(anonymous) == version(browser)
    for path in ("/live/version", changes(browser)):
        assert "Set-Cookie" not in anonymous.get(path).headers


def test_the_version_moves_with_a_change_through_another_node(
    browser: Browser, database: URL, password: str
) -> None:
    other = Browser(make_app(database))
    other.login(USERNAME, password)
    before = version(browser)
    assert before == version(other)
    other.register("T-1")
    assert version(browser) != before


def test_a_change_is_told_with_what_a_list_shows(browser: Browser, anonymous: Browser) -> None:
    browser.register("T-1", name="Tornillo «largo»", category="Ferretería")
    answer = anonymous.get(changes(browser))
    assert answer.status_code == 200
    told = answer.get_json()
    assert (told["others"], told["more"]) == ([], False)
    (row,) = told["rows"]
    assert row.pop("id") > 0
    assert row.pop("decimals") >= 0
    assert row == {
        "code": "T-1",
        "name": "Tornillo «largo»",
        "quantity": "0.000",
        "minimum": None,
        "low": False,
        "active": True,
        "version": 1,
        "category": "Ferretería",
        "unit": "ud",
        "unit_name": "unidad",
        "created": True,
    }
    assert answer.headers["X-Accel-Expires"].startswith("@")


@pytest.mark.parametrize("forged", ["", "x", "0" * 32, "%C3%B1"])
def test_without_the_key_nothing_is_told(browser: Browser, forged: str) -> None:
    browser.register("T-1")
    answer = browser.get(changes(browser, key=forged))
    assert answer.status_code == 403
    assert "T-1" not in answer.text
    assert "X-Accel-Expires" not in answer.headers


@pytest.mark.parametrize("forged", ["", "x", "AAAA", "source", "a" * 4000, "%00", "%C3%B1"])
def test_a_version_that_was_not_given_out_is_refused(browser: Browser, forged: str) -> None:
    for path in (changes(browser, version=forged), f"/live/rows?ids=1&version={forged}"):
        answer = browser.get(path)
        assert answer.status_code == 400
        assert "X-Accel-Expires" not in answer.headers


def test_the_key_is_for_those_who_are_signed_in(anonymous: Browser) -> None:
    assert anonymous.get("/live/key").status_code == 302
    assert "data-live-key" not in anonymous.get("/login").text


def test_the_key_says_how_long_it_is_good_for(browser: Browser) -> None:
    answer = browser.get("/live/key").get_json()
    assert len(answer["key"]) == 32
    assert 3600 < answer["seconds"] <= 7200


def test_rows_for_a_page_that_was_away(browser: Browser) -> None:
    browser.register("T-1")
    browser.register("T-2")
    (one, other) = browser.get(changes(browser)).get_json()["rows"]
    ids = f"{other['id']},{one['id']},999999999"
    answer = browser.get(f"/live/rows?ids={ids}&version={version(browser)}").get_json()
    assert [row["code"] for row in answer["rows"]] == ["T-1", "T-2"]


@pytest.mark.parametrize(
    "ids", ["", "x", "1,", "-1", "1;2", "9" * 19, ",".join(["1"] * 101), "%D9%A1", "%00", "1%20OR%201=1"]
)
def test_strange_ids_are_refused_or_not_found(browser: Browser, ids: str) -> None:
    answer = browser.get(f"/live/rows?ids={ids}&version={version(browser)}")
    assert answer.status_code in (400, 200)
    assert answer.status_code == 400 or answer.get_json()["rows"] == []


def test_rows_are_for_those_who_are_signed_in(anonymous: Browser) -> None:
    assert anonymous.get(f"/live/rows?ids=1&version={version(anonymous)}").status_code == 302


@pytest.fixture
def behind(administrator: Administrator) -> str:
    """Transactions that no server has executed yet: every replica is behind them."""
    (uuid,) = administrator.execute("SELECT @@server_uuid")[0]
    return f"{uuid}:1-999999999"


def test_a_replica_that_is_behind_does_not_answer(
    app: Flask, browser: Browser, relays: tuple[Relay, Relay], database: URL, password: str, behind: str
) -> None:
    source, replica = relays
    node = make_app(source.url(database), replica.url(database), database_replica_wait="0.05")
    person = Browser(node)
    person.login(USERNAME, password)
    person.register("T-1")
    with node.test_request_context():
        ahead = live_tokens.seal(behind)
    path = changes(person, version=ahead)
    # the source answers in its place
    assert [row["code"] for row in person.get(path).get_json()["rows"]] == ["T-1"]
    source.refuse()
    for asked in (path, f"/live/rows?ids=1&version={ahead}"):
        answer = person.get(asked)
        assert answer.status_code == 503, asked
        assert "X-Accel-Expires" not in answer.headers
    # what the replica has, it tells while the source is away
    source.restore()
    now = version(person)
    source.refuse()
    assert person.get(changes(person, version=now)).status_code == 200
    assert person.get("/live/version").status_code == 200


def test_without_any_database_it_is_said_and_not_kept(
    browser: Browser, relays: tuple[Relay, Relay], database: URL
) -> None:
    source, replica = relays
    node = make_app(source.url(database), replica.url(database), database_read_budget="0.3")
    path = changes(browser)
    source.refuse()
    replica.refuse()
    person = Browser(node)
    for asked in ("/live/version", path):
        answer = person.get(asked)
        assert answer.status_code == 503, asked
        assert "X-Accel-Expires" not in answer.headers
        assert int(answer.headers["Retry-After"]) > 0
