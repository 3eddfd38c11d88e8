"""What changes something needs a key, asked of every route that there is: a new one cannot be forgotten."""

from __future__ import annotations

import re

import pytest
from flask import Flask, Response, jsonify
from sqlalchemy import URL
from werkzeug.routing import Rule

from browser import Browser
from conftest import USERNAME, make_app
from inventario.access import SAFE_METHODS, public
from inventario.bearer import for_programs
from inventario.forms import csrf
from inventario.idempotency import current_key, is_repeatable
from inventario.services.submissions import KeyOfAnother, KeyReused, new_key

# naturally the same when done twice; whoever adds one says so here too
REPEATABLE = {
    "account.preferences",
    "preferences.set_language",
    "preferences.set_theme",
    "sessions.login",
    "sessions.logout",
}


def path(rule: Rule) -> str:
    return re.sub(r"<[^>]*>", "1", rule.rule)


def changes(app: Flask) -> list[tuple[Rule, str]]:
    """Every route and method with which people may change something (test_api_errors asks the others)."""
    return [
        (rule, method)
        for rule in app.url_map.iter_rules()
        if not for_programs(rule.rule)
        for method in sorted((rule.methods or set()) - set(SAFE_METHODS))
    ]


def test_every_change_needs_a_key(app: Flask, browser: Browser) -> None:
    token = browser.hidden("/products/new")["csrf_token"]
    for rule, method in changes(app):
        with app.app_context():
            if is_repeatable(rule.endpoint):
                continue
        for key in ("", "x" * 32, "A" * 32, "0" * 31):
            form = {"csrf_token": token, "submission_key": key}
            response = browser.client.open(path(rule), method=method, data=form, buffered=True)
            assert response.status_code == 400, (rule, method, key)
            assert "Falta la clave del envío" in response.text, (rule, method, key)


def test_what_needs_no_key_is_listed(app: Flask) -> None:
    with app.app_context():
        assert {rule.endpoint for rule, _ in changes(app) if is_repeatable(rule.endpoint)} == REPEATABLE


@pytest.fixture
def node(database: URL, empty_tables: None) -> Flask:
    """An application with a view that tells the key."""
    app = make_app(database)

    @app.post("/key")
    @public
    def key() -> Response:
        return jsonify(key=current_key())

    @app.post("/refused/<why>")
    @public
    def refused(why: str) -> Response:
        raise {"reused": KeyReused, "another": KeyOfAnother}[why]

    for view in (key, refused):
        csrf.exempt(view)
    return app


def test_a_program_chooses_its_key(node: Flask, password: str) -> None:
    one, other = Browser(node), Browser(node)
    one.login(USERNAME, password)
    keys = [
        browser.post("/key", {}, headers={"Idempotency-Key": header}).json["key"]  # type: ignore[index]
        for browser, header in ((one, "order 7"), (one, "order 7"), (one, "order 8"), (other, "order 7"))
    ]
    assert all(re.fullmatch("[0-9a-f]{32}", key) for key in keys)
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3


@pytest.mark.parametrize("header", ["", "x" * 256, "á", "a\tb"])
def test_a_header_that_is_no_key(node: Flask, header: str) -> None:
    assert Browser(node).post("/key", {}, headers={"Idempotency-Key": header}).status_code == 400


def test_the_key_of_a_form(node: Flask) -> None:
    key = new_key()
    assert Browser(node).post("/key", {"submission_key": key}).json == {"key": key}


@pytest.mark.parametrize(
    ("why", "status", "text"),
    [("reused", 422, "con otros datos"), ("another", 409, "otra persona")],
)
def test_what_is_refused_is_explained(node: Flask, why: str, status: int, text: str) -> None:
    response = Browser(node).post(f"/refused/{why}", {"submission_key": new_key()})
    assert response.status_code == status
    assert text in response.text
