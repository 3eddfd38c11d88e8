"""What a session is worth, from its beginning to its end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import URL

import people
from browser import Browser
from conftest import USERNAME, make_app
from inventario import sessions
from inventario.devices import COOKIE as DEVICE
from inventario.models.users import VIEWER
from mysql_server import Administrator

SESSION = "inventario_session"
IN = "/account"


def cookie(browser: Browser, name: str = SESSION) -> str:
    found = browser.client.get_cookie(name)
    assert found is not None
    return str(found.value)


def with_cookie(app: Flask, value: str, name: str = SESSION) -> Browser:
    browser = Browser(app)
    browser.client.set_cookie(name, value)
    return browser


def is_in(browser: Browser) -> bool:
    response = browser.get(IN)
    assert response.status_code == 200 or response.location.startswith("/login")
    return response.status_code == 200


@contextmanager
def edited(browser: Browser) -> Iterator[Any]:
    """The session as somebody with the key could write it."""
    with browser.client.session_transaction() as session:
        yield session


def test_a_copy_of_the_cookie_is_worth_nothing_after_logout(
    app: Flask, browser: Browser, database: URL
) -> None:
    copies = [with_cookie(node, cookie(browser)) for node in (app, make_app(database))]
    assert all(map(is_in, copies))
    browser.logout()
    assert not any(map(is_in, copies))


def test_logout_ends_this_session_alone(app: Flask, browser: Browser, password: str) -> None:
    other = Browser(app)
    other.login(USERNAME, password)
    browser.logout()
    assert is_in(other)


def test_a_copy_is_not_kept_alive_by_pages_that_anybody_may_see(app: Flask, browser: Browser) -> None:
    copy = with_cookie(app, cookie(browser))
    browser.logout()
    written = cookie(copy)
    for path in ("/health/live", "/live/version", "/static/icon.svg"):
        copy.get(path)
        assert cookie(copy) == written
    for path in (IN, "/", "/login", "/nowhere"):
        copy.get(path)
        with edited(copy) as session:
            assert "_user_id" not in session
            assert "sid" not in session


def test_a_session_is_renewed_now_and_then(browser: Browser) -> None:
    # the first page makes the token of its forms
    browser.get(IN)
    assert not browser.get(IN).headers.getlist("Set-Cookie")
    with edited(browser) as session:
        session["seen"] -= 301
    (renewed,) = browser.get(IN).headers.getlist("Set-Cookie")
    assert renewed.startswith(SESSION)


def test_whoever_was_deactivated_is_out(app: Flask, administrator: Administrator, database: URL) -> None:
    browser = people.signed_in(app, "luz", VIEWER)
    administrator.execute(f"UPDATE `{database.database}`.users SET active = 0 WHERE username = 'luz'")
    assert not is_in(browser)


@pytest.mark.parametrize(
    "claim",
    [
        {"version": 2},
        {"version": 0},
        {"_user_id": "999"},
        {"_user_id": "1 OR 1=1"},
        {"_user_id": ""},
        {"_user_id": "²"},
        {"_user_id": "9" * 30},
    ],
)
def test_a_session_that_claims_something_else(browser: Browser, claim: dict[str, Any]) -> None:
    with edited(browser) as session:
        session.update(claim)
    assert not is_in(browser)


def test_a_session_of_the_release_before_goes_on_and_can_be_ended(app: Flask, browser: Browser) -> None:
    with edited(browser) as session:
        for name in ("sid", "version", "seen"):
            del session[name]
    assert is_in(browser)
    with edited(browser) as session:
        assert re.fullmatch("[0-9a-f]{32}", session["sid"])
    copy = with_cookie(app, cookie(browser))
    browser.logout()
    assert not is_in(copy)


def test_logout_while_the_source_is_away_says_so(database: URL, password: str) -> None:
    node = make_app(database.set(host="127.0.0.1", port=1), database)
    browser = Browser(node)
    browser.login(USERNAME, password)
    assert browser.logout().location == "/"
    assert "caduque" in browser.get("/").text
    assert not is_in(browser)


def test_the_lock_is_explained_and_holds_for_the_right_password(app: Flask, password: str) -> None:
    stranger = Browser(app)
    for _ in range(4):
        assert stranger.submit("/login", username=USERNAME, password="wrong").status_code == 401
    for given in ("wrong", password):
        response = stranger.submit("/login", username=USERNAME, password=given)
        assert response.status_code == 403
        assert re.search(r"Espere \d+ segundos", response.text)
        assert given not in response.text


def test_a_browser_that_signed_in_once_is_not_locked_by_strangers(
    app: Flask, browser: Browser, password: str
) -> None:
    browser.logout()
    for _ in range(5):
        Browser(app).submit("/login", username=USERNAME, password="wrong")
    assert Browser(app).submit("/login", username=USERNAME, password=password).status_code == 403
    browser.login(USERNAME, password)


@pytest.mark.parametrize("forged", ["x", "eyJpZCI6ICJhIn0.x.y", ""])
def test_a_forged_device_is_a_stranger(app: Flask, password: str, forged: str) -> None:
    for _ in range(5):
        Browser(app).submit("/login", username=USERNAME, password="wrong")
    browser = with_cookie(app, forged, DEVICE)
    assert browser.submit("/login", username=USERNAME, password=password).status_code == 403


def test_a_device_of_another_site_is_a_stranger(
    app: Flask, browser: Browser, database: URL, password: str
) -> None:
    other = make_app(database)
    other.secret_key = "another cluster's key"
    elsewhere = Browser(other)
    elsewhere.login(USERNAME, password)
    for _ in range(5):
        Browser(app).submit("/login", username=USERNAME, password="wrong")
    stranger = with_cookie(app, cookie(elsewhere, DEVICE), DEVICE)
    assert stranger.submit("/login", username=USERNAME, password=password).status_code == 403


def test_the_device_is_kept_for_everybody_who_shares_it(app: Flask, browser: Browser, password: str) -> None:
    people.add(app, "luz", VIEWER)
    browser.logout()
    browser.login("luz", people.PASSWORD)
    browser.logout()
    for _ in range(5):
        Browser(app).submit("/login", username=USERNAME, password="wrong")
    browser.login(USERNAME, password)


@pytest.mark.parametrize(("scheme", "secure"), [("http", False), ("https", True)])
def test_attributes_of_the_cookies_of_a_login(app: Flask, password: str, scheme: str, secure: bool) -> None:
    browser = Browser(app)
    headers = {"X-Forwarded-Proto": scheme, "Referer": f"{scheme}://localhost/login"}
    page = browser.get("/login", headers=headers)
    value = re.search(r"inventario_session=([^;]+)", page.headers["Set-Cookie"])
    assert value
    browser.client.set_cookie(SESSION, value[1])
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)
    assert token
    fields = {"csrf_token": token[1], "username": USERNAME, "password": password}
    response = browser.post("/login", fields, headers=headers)
    assert response.status_code == 302
    sent = response.headers.getlist("Set-Cookie")
    assert {header.partition("=")[0] for header in sent} >= {SESSION, DEVICE}
    for header in sent:
        assert "HttpOnly" in header
        assert "SameSite=Lax" in header
        assert ("Secure" in header) is secure


def test_failures_that_cannot_be_counted_are_no_refusals(database: URL, empty_tables: None) -> None:
    node = make_app(database.set(host="127.0.0.1", port=1), database)
    response = Browser(node).submit("/login", username=USERNAME, password="wrong")
    assert response.status_code == 503
    assert "No se ha podido comprobar" in response.text


def test_the_claim_of_nobody(app: Flask) -> None:
    with app.test_request_context():
        assert sessions.claim() == ("", 1)


def test_the_session_stays_small_for_whoever_looks_at_no_page(browser: Browser) -> None:
    form = browser.hidden("/products/new")
    for number in range(30):
        sent = {"submission_key": f"{number:032x}", "code": f"P-{number}", "name": "Tornillo", "unit": "ud"}
        assert browser.post("/products/new", form | sent).status_code == 302
    cookie = browser.client.get_cookie("inventario_session")
    assert cookie is not None
    assert len(cookie.value) < 1500
    page = browser.get("/products/new").text
    assert "P-29" in page
    assert "P-24" not in page
