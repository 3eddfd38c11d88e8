from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import URL

from browser import Browser, hidden_fields
from conftest import USERNAME, make_app

REFUSED = "El usuario o la contraseña no son correctos."


def test_login_and_logout(anonymous: Browser, password: str) -> None:
    response = anonymous.login(USERNAME, password)
    assert response.location == "/"
    assert USERNAME in anonymous.get("/").text
    assert anonymous.get("/login").location == "/"
    assert anonymous.logout().location == "/"
    assert anonymous.get("/products").location.startswith("/login")


def test_the_same_refusal_for_a_name_that_nobody_has(anonymous: Browser) -> None:
    pages = [anonymous.submit("/login", username=name, password="wrong") for name in (USERNAME, "nadie")]
    for page in pages:
        assert page.status_code == 401
        assert REFUSED in page.text
    # the token against forged forms carries the second in which it was made
    known, unknown = (page.text.replace(hidden_fields(page.text)["csrf_token"], "TOKEN") for page in pages)
    assert known.replace(USERNAME, "nadie") == unknown


def test_the_name_is_kept_and_the_password_is_not(anonymous: Browser) -> None:
    page = anonymous.submit("/login", username="pepa", password="open-sesame").text
    assert 'value="pepa"' in page
    assert "open-sesame" not in page


@pytest.mark.parametrize("missing", ["username", "password"])
def test_an_empty_field(anonymous: Browser, missing: str) -> None:
    response = anonymous.submit("/login", **{"username": "a", "password": "b"} | {missing: ""})
    assert response.status_code == 422
    assert "Escriba su" in response.text


def test_without_the_token_nobody_comes_in(anonymous: Browser, password: str) -> None:
    response = anonymous.post("/login", {"username": USERNAME, "password": password})
    assert response.status_code == 400
    assert "formulario ha caducado" in response.text
    assert anonymous.get("/products").status_code == 302


def test_an_overlong_password(anonymous: Browser) -> None:
    assert anonymous.submit("/login", username=USERNAME, password="x" * 1025).status_code == 422


def test_back_to_the_page_that_was_asked_for(anonymous: Browser, password: str) -> None:
    login = anonymous.get("/products?q=tornillo").location
    assert login == "/login?next=/products?q%3Dtornillo"
    fields = anonymous.hidden(login)
    response = anonymous.post("/login", fields | {"username": USERNAME, "password": password})
    assert response.location == "/products?q=tornillo"


@pytest.mark.parametrize(
    "target",
    [
        "https://example.org/",
        "//example.org",
        "///example.org",
        "/\\example.org",
        "\\\\example.org",
        "/\t/example.org",
        "/%09/example.org\n",
        "javascript:alert(1)",
        "products",
        "http:example.org",
        " //example.org",
        "/ /example.org",
    ],
)
def test_never_to_another_site(anonymous: Browser, password: str, target: str) -> None:
    assert anonymous.login(USERNAME, password, next=target).location == "/"


def test_the_session_is_a_new_one_after_login(anonymous: Browser, password: str) -> None:
    with anonymous.client.session_transaction() as session:
        session["planted"] = "by somebody else"
    before = anonymous.hidden("/login")["csrf_token"]
    anonymous.login(USERNAME, password)
    with anonymous.client.session_transaction() as session:
        assert "planted" not in session
    # a token that was known before is worth nothing now
    response = anonymous.post("/logout", {"csrf_token": before})
    assert response.status_code == 400


def test_a_session_is_valid_on_every_node(browser: Browser, database: URL) -> None:
    cookie = browser.client.get_cookie("inventario_session")
    assert cookie is not None
    other = Browser(make_app(database))
    other.client.set_cookie("inventario_session", cookie.value)
    assert other.get("/products").status_code == 200


def test_a_forged_session_is_nobody(app: Flask, browser: Browser, database: URL) -> None:
    cookie = browser.client.get_cookie("inventario_session")
    assert cookie is not None
    for value in (cookie.value[:-2] + "xx", "e30.e30.e30", "x"):
        forger = Browser(app)
        forger.client.set_cookie("inventario_session", value)
        assert forger.get("/products").status_code == 302
    stranger = make_app(database)
    stranger.secret_key = "another cluster's key"
    guest = Browser(stranger)
    guest.client.set_cookie("inventario_session", cookie.value)
    assert guest.get("/products").status_code == 302


@pytest.mark.parametrize(("scheme", "secure"), [("http", False), ("https", True)])
def test_cookie_attributes(app: Flask, password: str, scheme: str, secure: bool) -> None:
    browser = Browser(app)
    headers = {"X-Forwarded-Proto": scheme, "Referer": f"{scheme}://localhost/login"}
    fields_page = browser.get("/login", headers=headers)
    (cookie,) = fields_page.headers.getlist("Set-Cookie")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert ("Secure" in cookie) is secure


@pytest.mark.parametrize(("setting", "secure"), [("true", True), ("false", False)])
def test_the_setting_decides_on_the_cookie(database: URL, setting: str, secure: bool) -> None:
    browser = Browser(make_app(database, session_cookie_secure=setting))
    response = browser.get("/login", headers={"X-Forwarded-Proto": "https"})
    assert ("Secure" in response.headers["Set-Cookie"]) is secure


def test_logout_needs_a_form(browser: Browser) -> None:
    assert browser.get("/logout").status_code == 405
    assert browser.post("/logout", {}).status_code == 400
    assert browser.get("/products").status_code == 200


def test_login_works_while_the_source_is_away(database: URL, password: str) -> None:
    node = make_app(database.set(host="127.0.0.1", port=1), database)
    assert Browser(node).login(USERNAME, password).location == "/"
