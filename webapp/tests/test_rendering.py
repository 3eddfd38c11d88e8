from __future__ import annotations

from typing import Any

import flask
import pytest
from flask import Flask

from browser import Browser, hidden_fields
from inventario.rendering import url_for


@pytest.mark.parametrize("path", ["/", "/login"])
def test_a_page_for_everybody_has_each_ones_own_token(app: Flask, path: str) -> None:
    one, other = Browser(app), Browser(app)
    tokens = [hidden_fields(person.get(path).text)["csrf_token"] for person in (one, other, one)]
    assert tokens[0] != tokens[1]
    assert all(len(token) > 40 for token in tokens)
    # the token works for whom it was made, and for nobody else
    form = {"language": "en", "back": "/"}
    assert one.post("/preferences/language", form | {"csrf_token": tokens[2]}).status_code == 303
    assert other.post("/preferences/language", form | {"csrf_token": tokens[2]}).status_code == 400


def test_a_page_for_everybody_follows_language_and_look(app: Flask) -> None:
    pages = set()
    for language in ("es", "en"):
        for look in ("light", "dark"):
            person = Browser(app)
            person.client.set_cookie("inventario_theme", look)
            page = person.get("/", headers={"Accept-Language": language}).text
            assert f'<html lang="{language}" data-theme="{look}"' in page
            pages.add(page.replace(hidden_fields(page)["csrf_token"], ""))
    assert len(pages) == 4


def test_what_is_told_to_one_is_not_told_to_the_next(app: Flask) -> None:
    one = Browser(app)
    one.get("/products")
    assert "Inicie sesión" in one.get("/login").text
    assert "Inicie sesión" not in Browser(app).get("/login").text


@pytest.mark.parametrize(
    ("endpoint", "values"),
    [
        ("products.index", {}),
        ("products.index", {"q": "café & té", "after": None}),
        ("static", {"filename": "inventario.css"}),
        ("sessions.login", {"next": "/products?q=a&b"}),
        ("home.index", {"_anchor": "content"}),
    ],
)
def test_addresses_are_those_of_flask(app: Flask, endpoint: str, values: dict[str, Any]) -> None:
    with app.test_request_context():
        for _ in range(2):
            assert url_for(endpoint, **values) == flask.url_for(endpoint, **values)


def test_addresses_follow_the_place_of_the_application(app: Flask) -> None:
    with app.test_request_context():
        here = url_for("products.index")
    with app.test_request_context(base_url="http://localhost/inventario"):
        assert url_for("products.index") == f"/inventario{here}"
