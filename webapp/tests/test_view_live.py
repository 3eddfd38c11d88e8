from __future__ import annotations

import re
import time
from typing import Any

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


def changes(browser: Browser) -> str:
    return f"/live/changes?key={key(browser)}"


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


def retire(browser: Browser, code: str, **fields: str) -> int:
    """A change of a product that pages show."""
    browser.register(code, **fields)
    number = next(new["id"] for new in told(browser)["created"] if new["code"] == code)
    response = browser.post(f"/products/{number}/retire", browser.hidden(f"/products/{number}"))
    assert response.status_code == 302, response.text
    return int(number)


def told(browser: Browser) -> dict[str, Any]:
    answer: dict[str, Any] = browser.get(changes(browser)).get_json()
    return answer


def test_a_change_is_told_with_what_a_list_shows(browser: Browser, anonymous: Browser) -> None:
    number = retire(browser, "T-1", name="Tornillo «largo»", category="Ferretería")
    answer = anonymous.get(changes(browser))
    assert answer.status_code == 200
    told = answer.get_json()
    assert (told["others"], told["more"], told["created"]) == ([], False, [{"id": number, "code": "T-1"}])
    (row,) = told["rows"]
    assert row.pop("decimals") >= 0
    assert row.pop("version") >= 1
    assert row == {
        "id": number,
        "code": "T-1",
        "name": "Tornillo «largo»",
        "quantity": "0.000",
        "minimum": None,
        "low": False,
        "active": False,
        "category": "Ferretería",
        "unit": "ud",
        "unit_name": "unidad",
    }
    assert answer.headers["X-Accel-Expires"].startswith("@")
    assert told["version"] == version(browser) == answer.get_etag()[0]


def test_a_category_that_gets_another_name_is_told(browser: Browser, anonymous: Browser) -> None:
    browser.register("T-1", category="Ferretería")
    assert told(browser)["renamed"] is None
    number = re.findall(r"/categories/(\d+)/edit", browser.get("/categories").text)[0]
    answer = browser.submit(f"/categories/{number}/edit", name="Tornillería")
    assert answer.status_code == 302, answer.text
    renamed = anonymous.get(changes(browser)).get_json()["renamed"]
    assert renamed["names"] == {"category": {"Ferretería": "Tornillería"}}
    assert renamed["latest"] > 0


def test_what_is_known_already_is_not_told_again(browser: Browser, anonymous: Browser) -> None:
    path = changes(browser)
    tag = anonymous.get(path).headers["ETag"]
    # as NGINX asks for all pages, and as a page asks where there is no NGINX
    same = anonymous.get(path, headers={"If-None-Match": tag})
    assert (same.status_code, same.data, same.headers["ETag"]) == (304, b"", tag)
    assert same.headers["X-Accel-Expires"].startswith("@")
    assert anonymous.get(path, headers={"If-None-Match": f"W/{tag}"}).status_code == 304
    browser.register("T-1")
    other = anonymous.get(path, headers={"If-None-Match": tag})
    assert other.status_code == 200
    assert other.headers["ETag"] != tag


@pytest.mark.parametrize("forged", ['""', '"x"', "*", "x", '"AAAA"', '"' + "a" * 5000 + '"'])
def test_a_tag_that_was_not_given_out_is_not_known(browser: Browser, forged: str) -> None:
    assert browser.get(changes(browser), headers={"If-None-Match": forged}).status_code == 200


@pytest.mark.parametrize("forged", ["", "x", "0" * 32, "%C3%B1"])
def test_without_the_key_nothing_is_told(browser: Browser, forged: str) -> None:
    browser.register("T-1")
    answer = browser.get(f"/live/changes?key={forged}")
    assert answer.status_code == 403
    assert "T-1" not in answer.text
    assert "X-Accel-Expires" not in answer.headers


@pytest.mark.parametrize("forged", ["", "x", "AAAA", "source", "a" * 4000, "%00", "%C3%B1"])
def test_a_version_that_was_not_given_out_is_refused(browser: Browser, forged: str) -> None:
    assert browser.get(f"/live/rows?ids=1&version={forged}").status_code == 400


def test_the_key_is_for_those_who_are_signed_in(anonymous: Browser) -> None:
    assert anonymous.get("/live/key").status_code == 302
    assert 'id="live"' not in anonymous.get("/login").text


def test_pages_with_products_are_live(browser: Browser) -> None:
    browser.register("T-1")
    (new,) = told(browser)["created"]
    present = key(browser)
    for path in ("/products", f"/products/{new['id']}"):
        page = browser.get(path).text
        assert f'data-key="{present}"' in page
        assert 'data-changes-url="/live/changes"' in page
        assert f'data-product-id="{new["id"]}"' in page
        for field in ("quantity", "category"):
            assert f'data-field="{field}"' in page
        assert "js/live.js" in page


def test_the_key_says_how_long_it_is_good_for(browser: Browser) -> None:
    answer = browser.get("/live/key").get_json()
    assert len(answer["key"]) == 32
    assert 3600 < answer["seconds"] <= 7200


def test_rows_for_a_page_that_was_away(browser: Browser) -> None:
    browser.register("T-1")
    browser.register("T-2")
    (one, other) = told(browser)["created"]
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


def test_rows_are_not_told_by_a_replica_that_is_behind_the_page(
    app: Flask, browser: Browser, relays: tuple[Relay, Relay], database: URL, password: str, behind: str
) -> None:
    source, replica = relays
    node = make_app(source.url(database), replica.url(database), database_replica_wait="0.05")
    person = Browser(node)
    person.login(USERNAME, password)
    person.register("T-1")
    (row,) = told(person)["created"]
    with node.test_request_context():
        ahead = live_tokens.seal(behind)
    path = f"/live/rows?ids={row['id']}&version={ahead}"
    # the source answers in its place
    assert [row["code"] for row in person.get(path).get_json()["rows"]] == ["T-1"]
    source.refuse()
    assert person.get(path).status_code == 503


def test_changes_are_told_while_the_source_or_the_replicas_are_away(
    app: Flask, browser: Browser, relays: tuple[Relay, Relay], database: URL
) -> None:
    browser.register("T-1")
    path = changes(browser)
    person = Browser(make_app(*(relay.url(database) for relay in relays)))
    for relay in relays:
        relay.refuse()
        assert [new["code"] for new in person.get(path).get_json()["created"]] == ["T-1"]
        relay.restore()


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
