from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import URL
from werkzeug.test import TestResponse

import people
from browser import Browser
from conftest import make_app
from inventario.models.users import OPERATOR, VIEWER
from mysql_server import Administrator

NEW = "otra frase muy larga"


@pytest.fixture
def luz(app: Flask) -> Browser:
    return people.signed_in(app, "luz", VIEWER)


def change(browser: Browser, **fields: str) -> TestResponse:
    return browser.submit(
        "/account/password",
        **{"current": people.PASSWORD, "new_password": NEW, "repeated": NEW} | fields,
    )


def same_person(app: Flask) -> Browser:
    browser = Browser(app)
    browser.login("luz", people.PASSWORD)
    return browser


def test_another_password_ends_the_other_sessions_on_every_node(
    app: Flask, luz: Browser, database: URL
) -> None:
    other = Browser(make_app(database))
    other.login("luz", people.PASSWORD)
    response = change(luz)
    assert response.location == "/account"
    assert "Contraseña cambiada" in luz.get("/account").text
    assert other.get("/products").location.startswith("/login")
    refused = Browser(app).submit("/login", username="luz", password=people.PASSWORD)
    assert refused.status_code == 401
    Browser(app).login("luz", NEW)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"current": "wrong"}, "No es su contraseña actual."),
        ({"current": ""}, "Escriba su contraseña actual."),
        ({"repeated": "otra"}, "No es la misma que arriba."),
        ({"new_password": "corta", "repeated": "corta"}, "Use al menos 10 caracteres."),
        ({"new_password": "luz luz luz", "repeated": "luz luz luz"}, "Se parece demasiado"),
        ({"new_password": people.PASSWORD, "repeated": people.PASSWORD}, "Es la que ya tiene."),
        ({"new_password": "x" * 1025, "repeated": "x" * 1025}, "1024"),
    ],
)
def test_what_is_refused(luz: Browser, fields: dict[str, str], message: str) -> None:
    response = change(luz, **fields)
    assert response.status_code == 422
    assert message in response.text
    assert luz.get("/account").status_code == 200


def test_guesses_at_the_current_password_count_as_at_the_door(app: Flask, luz: Browser) -> None:
    for _ in range(4):
        assert change(luz, current="wrong").status_code == 422
    assert change(luz, current="wrong").status_code == 403
    locked = change(luz)
    assert locked.status_code == 403
    assert "Demasiados intentos" in locked.text


def test_a_set_password_is_changed_before_anything_else(app: Flask) -> None:
    people.add(app, "luz", OPERATOR, must_change_password=True)
    browser = same_person(app)
    for path in ("/", "/products", "/account", "/account/tokens"):
        assert browser.get(path).location == "/account/password"
    assert "Elija una contraseña propia" in browser.get("/account/password").text
    assert change(browser).location == "/account"
    assert browser.get("/products").status_code == 200


def test_a_set_password_still_lets_out(app: Flask) -> None:
    people.add(app, "luz", VIEWER, must_change_password=True)
    browser = same_person(app)
    token = browser.hidden("/account/password")["csrf_token"]
    assert browser.post("/logout", {"csrf_token": token}).location == "/"


def test_all_other_sessions_end(app: Flask, luz: Browser) -> None:
    other = same_person(app)
    fields = luz.hidden("/account")
    assert luz.post("/account/sessions/end", fields).location == "/account"
    assert luz.get("/account").status_code == 200
    assert other.get("/account").location.startswith("/login")


def test_preferences(luz: Browser) -> None:
    fields = luz.hidden("/account") | {"language": "en", "time_zone": "America/Bogota"}
    assert luz.post("/account/preferences", fields).location == "/account"
    page = luz.get("/account").text
    assert '<html lang="en"' in page
    assert 'selected value="America/Bogota"' in page
    assert luz.post("/account/preferences", fields | {"language": "", "time_zone": ""}).status_code == 302
    assert '<option selected value="America/Bogota">' not in luz.get("/account").text


@pytest.mark.parametrize("fields", [{"language": "xx"}, {"time_zone": "Mars/Olympus"}, {"time_zone": "<b>"}])
def test_preferences_that_there_are_not(luz: Browser, fields: dict[str, str]) -> None:
    sent = luz.hidden("/account") | {"language": "", "time_zone": ""} | fields
    assert luz.post("/account/preferences", sent).status_code == 422


def test_the_password_waits_for_a_source(
    luz: Browser, administrator: Administrator, database: URL, app: Flask
) -> None:
    node = Browser(make_app(database.set(host="127.0.0.1", port=1), database, database_write_budget="0.5"))
    node.login("luz", people.PASSWORD)
    response = change(node)
    assert response.status_code == 503
    assert "No se ha podido" in response.text
