from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

import flask
import pytest
from flask import Flask, g
from sqlalchemy import URL

from browser import Browser, hidden_fields
from inventario import rendering
from inventario.rendering import page_for_everybody, pieces, url_for
from inventario.services.product_rows import Listed
from mysql_server import Administrator


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


def test_a_page_made_while_the_source_is_away_is_not_everybodys(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rendering, "_pages", {})
    warning = "La base de datos principal no responde"
    with app.test_request_context("/"):
        g.read_is_stale = True
        assert warning in page_for_everybody("welcome.html")
    assert warning not in Browser(app).get("/").text


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


def listed(**changes: Any) -> Listed:
    product = Listed(7, "A-1", "Tuerca", "", "ud", "Ferretería", True, "1200.500", False, 1)
    return product._replace(**changes)


def row(product: Listed) -> str:
    return pieces("products/row.html", "row", [product], "/products", ("Cantidad", "Retirado", "Bajo"))


def test_a_piece_is_made_anew_when_anything_in_it_changes(app: Flask) -> None:
    with app.test_request_context():
        before = row(listed())
        assert row(listed()) == before
        changes: list[dict[str, Any]] = [
            {"id": 8}, {"code": "A-2"}, {"name": "Perno"}, {"description": "De acero"}, {"unit_code": "kg"},
            {"category": None}, {"active": False}, {"quantity": "3.000"}, {"low": True}, {"version": 2},
        ]  # fmt: skip
        assert len({row(listed(**change)) for change in changes} | {before}) == len(Listed._fields) + 1


def test_a_piece_is_each_language_s_own_and_escapes_what_is_in_it(app: Flask) -> None:
    product = listed(name="<b>")
    with app.test_request_context(headers={"Accept-Language": "es"}):
        assert "1.200,5<" in row(product)
    with app.test_request_context(headers={"Accept-Language": "en"}):
        assert "1,200.5<" in row(product)
        assert "&lt;b&gt;" in row(product)


def test_the_pieces_around_a_page_carry_each_request_s_own(browser: Browser) -> None:
    for query in ("@token@", '"><b>', "@back@"):
        page = browser.get("/products", query_string={"q": query}).text
        assert "<b>" not in page
        # the way back, as the reader came
        assert unquote(hidden_fields(page)["back"]) == f"/products?q={query}"
        assert re.findall(r'name="csrf_token" value="([^"]+)"', page) == [hidden_fields(page)["csrf_token"]] * 3


def test_the_menu_is_the_role_s_own(browser: Browser, administrator: Administrator, database: URL) -> None:
    assert "/people" in browser.get("/products").text
    administrator.execute(f"UPDATE `{database.database}`.users SET role = 'viewer'")
    page = browser.get("/products").text
    assert "/people" not in page
    assert re.findall(r'href="([^"]+)" aria-current="page"', page) == ["/products"]
    assert re.findall(r'href="([^"]+)" aria-current="page"', browser.get("/movements").text) == ["/movements"]
