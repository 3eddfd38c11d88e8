from __future__ import annotations

import re

import pytest
from flask import Flask
from werkzeug.test import TestResponse

import people
from browser import Browser
from inventario.models.users import ADMINISTRATOR, OPERATOR, VIEWER


def create(browser: Browser, **fields: str) -> TestResponse:
    return browser.submit(
        "/people/new",
        **{
            "username": "luz",
            "role": OPERATOR,
            "new_password": people.PASSWORD,
            "repeated": people.PASSWORD,
        }
        | fields,
    )


def hidden_of(page: str, action: str) -> dict[str, str]:
    """The hidden fields of the form that is sent to this address."""
    form = re.search(rf'<form[^>]*action="{action}".*?</form>', page, re.DOTALL)
    assert form, action
    found = re.findall(r'name="(\w+)"[^>]*type="hidden"[^>]*value="([^"]*)"', form[0])
    found += re.findall(r'type="hidden"[^>]*name="(\w+)"[^>]*value="([^"]*)"', form[0])
    return dict(found)


def send(browser: Browser, user_id: int, what: str, **fields: str) -> TestResponse:
    page = browser.get(f"/people/{user_id}").text
    action = f"/people/{user_id}/{what}"
    return browser.post(action, hidden_of(page, action) | fields)


def test_somebody_new_comes_in_and_changes_the_password(app: Flask, browser: Browser) -> None:
    assert create(browser).location == "/people"
    assert "luz ya puede entrar" in browser.get("/people").text
    newcomer = Browser(app)
    newcomer.login("luz", people.PASSWORD)
    assert newcomer.get("/products").location == "/account/password"


@pytest.mark.parametrize(
    ("fields", "status", "message"),
    [
        ({"username": ""}, 422, "Escriba un nombre"),
        ({"username": "luz ruiz"}, 422, "sin espacios"),
        ({"username": "<script>"}, 422, "Use letras"),
        ({"username": "x" * 65}, 422, "64"),
        ({"role": "owner"}, 422, "Papel"),
        ({"new_password": "corta", "repeated": "corta"}, 422, "al menos 10"),
        ({"repeated": "otra"}, 422, "No es la misma"),
        ({"username": "ANA"}, 409, "Ya hay alguien"),
    ],
)
def test_what_is_refused(browser: Browser, fields: dict[str, str], status: int, message: str) -> None:
    response = create(browser, **fields)
    assert response.status_code == status
    assert message in response.text
    assert people.PASSWORD not in response.text


def test_a_search(app: Flask, browser: Browser) -> None:
    people.add(app, "luz", VIEWER)
    page = browser.get("/people?q=lu").text
    assert ">luz</a>" in page
    assert ">ana</a>" not in page
    assert "Nadie coincide con «zzz»" in browser.get("/people?q=zzz").text


def test_a_role_is_changed_at_once(app: Flask, browser: Browser) -> None:
    luz = people.add(app, "luz", VIEWER)
    herself = Browser(app)
    herself.login("luz", people.PASSWORD)
    assert herself.get("/people").status_code == 403
    assert send(browser, luz.id, "role", role=ADMINISTRATOR).status_code == 302
    assert herself.get("/people").status_code == 200


def test_whoever_is_deactivated_is_out_at_once(app: Flask, browser: Browser) -> None:
    luz = people.add(app, "luz", VIEWER)
    herself = Browser(app)
    herself.login("luz", people.PASSWORD)
    assert send(browser, luz.id, "deactivate").status_code == 302
    assert herself.get("/products").location.startswith("/login")
    refused = herself.submit("/login", username="luz", password=people.PASSWORD)
    assert refused.status_code == 401
    assert send(browser, luz.id, "reactivate").status_code == 302
    assert herself.get("/products").location.startswith("/login")
    herself.login("luz", people.PASSWORD)


def test_the_last_administrator_is_told_why(browser: Browser) -> None:
    for what, fields in (("role", {"role": VIEWER}), ("deactivate", {})):
        response = send(browser, 1, what, **fields)
        assert response.status_code == 409
        assert "única persona activa" in response.text


def test_the_second_of_two_is_shown_what_the_first_did(app: Flask, browser: Browser) -> None:
    luz = people.add(app, "luz", VIEWER)
    action = f"/people/{luz.id}/role"
    second = hidden_of(browser.get(f"/people/{luz.id}").text, action)
    send(browser, luz.id, "role", role=OPERATOR)
    response = browser.post(action, second | {"role": ADMINISTRATOR})
    assert response.status_code == 409
    assert "Alguien ha cambiado" in response.text
    assert re.search(r'<input[^>]*checked[^>]*value="operator"', response.text)
    # the form that is shown now can be sent
    assert browser.post(action, hidden_of(response.text, action) | {"role": ADMINISTRATOR}).status_code == 302


def test_a_password_is_set(app: Flask, browser: Browser) -> None:
    luz = people.add(app, "luz", VIEWER)
    herself = Browser(app)
    herself.login("luz", people.PASSWORD)
    path = f"/people/{luz.id}/password"
    other = "una contraseña puesta"
    assert browser.submit(path, new_password=other, repeated=other).location == f"/people/{luz.id}"
    assert herself.get("/products").location.startswith("/login")
    herself.login("luz", other)
    assert herself.get("/products").location == "/account/password"


def test_ones_own_password_needs_the_current_one(browser: Browser) -> None:
    assert browser.get("/people/1/password").location == "/account/password"
    assert browser.post("/people/1/password", browser.hidden("/people/new")).location == "/account/password"


def test_all_sessions_of_somebody_end(app: Flask, browser: Browser) -> None:
    luz = people.add(app, "luz", VIEWER)
    herself = Browser(app)
    herself.login("luz", people.PASSWORD)
    assert send(browser, luz.id, "sessions/end").status_code == 302
    assert herself.get("/products").location.startswith("/login")
    # one's own goes on
    assert send(browser, 1, "sessions/end").status_code == 302
    assert browser.get("/people").status_code == 200


def test_nobody_is_not_found(browser: Browser) -> None:
    for path in ("/people/999", "/people/999/password"):
        assert browser.get(path).status_code == 404
    fields = browser.hidden("/people/new") | {"version": "1", "role": VIEWER}
    for what in ("role", "deactivate", "reactivate", "sessions/end"):
        assert browser.post(f"/people/999/{what}", fields).status_code == 404
