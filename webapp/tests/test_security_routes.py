"""Who may ask what, asked of every route and method that there is: a new one cannot be forgotten."""

from __future__ import annotations

import pytest
from flask import Flask, Response, jsonify
from sqlalchemy import URL
from werkzeug.test import TestResponse

import people
from browser import Browser
from conftest import make_app
from inventario.access import personal, public
from inventario.models.users import ADMINISTRATOR, OPERATOR, ROLES, VIEWER
from inventario.services.submissions import new_key
from routes import Route, all_routes

# whoever makes another one public says so here
PUBLIC = {
    "api-document.openapi",
    "bootstrap.static",
    "health.live",
    "health.ready",
    "home.index",
    # these ask for the key of a page by themselves
    "live.changes",
    "live.version",
    "preferences.set_language",
    "preferences.set_theme",
    "sessions.login",
    "static",
}
# what those may change who may change nothing: only what is theirs
PERSONAL = {
    "account.end_sessions",
    "account.password",
    "account.preferences",
    "sessions.logout",
    "tokens.create",
    "tokens.revoke",
}
# whose every page is for administrators
ADMINISTRATION = {"people", "audit"}


def ask(browser: Browser, route: Route, *, token: str = "", bearer: str = "") -> TestResponse:
    """A request that lacks nothing but, perhaps, the right to be made."""
    data = {"csrf_token": token, "submission_key": new_key()} if route.changes else None
    headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
    return browser.client.open(route.address, method=route.method, data=data, headers=headers, buffered=True)


def token_of(browser: Browser) -> str:
    return browser.hidden("/")["csrf_token"]


def test_public_routes_are_listed(app: Flask) -> None:
    assert {route.endpoint for route in all_routes(app) if route.public} == PUBLIC


def test_what_viewers_may_change_is_listed(app: Flask) -> None:
    found = {
        route.endpoint
        for route in all_routes(app)
        if route.changes and route.role == VIEWER and not route.public
    }
    assert found == PERSONAL


def test_administration_is_for_administrators(app: Flask) -> None:
    for route in all_routes(app):
        if route.endpoint.partition(".")[0] in ADMINISTRATION:
            assert route.role == ADMINISTRATOR, route


def test_strangers_are_sent_to_the_login(app: Flask) -> None:
    stranger = Browser(app)
    token = token_of(stranger)
    for route in all_routes(app):
        if route.public:
            continue
        answer = ask(stranger, route, token=token)
        if route.for_programs:
            assert answer.status_code == 401, route
        else:
            assert answer.status_code == 302, route
            assert answer.location.startswith("/login"), route


@pytest.mark.parametrize("role", [VIEWER, OPERATOR])
def test_a_role_is_refused_what_is_above_it(app: Flask, role: str) -> None:
    browser = people.signed_in(app, "luz", role)
    bearer = people.token(app, "luz")
    token = token_of(browser)
    asked = 0
    for route in all_routes(app):
        if route.public or ROLES.index(route.role) <= ROLES.index(role):
            continue
        answer = ask(browser, route, token=token, bearer=bearer if route.for_programs else "")
        assert answer.status_code == 403, route
        asked += 1
    assert asked


def test_nothing_is_changed_without_the_token_of_its_form(app: Flask, browser: Browser) -> None:
    for route in all_routes(app):
        if not route.changes:
            continue
        for token in ("", "made up"):
            answer = ask(browser, route, token=token)
            if route.for_programs:
                # a cookie is not enough there
                assert answer.status_code == 401, route
            else:
                assert answer.status_code == 400, route
                assert "El formulario ha caducado" in answer.text, route


def test_pages_of_every_role_answer(app: Flask, browser: Browser) -> None:
    """Nobody is refused who may come in: else the tests above would pass on a site that refuses everybody."""
    for route in all_routes(app):
        if route.method != "GET" or route.for_programs:
            continue
        answer = ask(browser, route)
        assert answer.status_code < 500, route
        assert answer.status_code not in (401, 403) or route.endpoint == "live.changes", route
        assert not (answer.location or "").startswith("/login"), route


@pytest.fixture
def careless(database: URL, empty_tables: None) -> Flask:
    """An application to which somebody added routes without a thought."""
    app = make_app(database)

    def view() -> Response:
        return jsonify(secret="s3cr3t")

    app.add_url_rule("/forgotten", "forgotten", view, methods=["GET", "POST"])
    app.add_url_rule("/opened", "opened", public(lambda: view()))
    app.add_url_rule("/shared", "shared", personal(lambda: view()), methods=["POST"])
    return app


def test_a_route_without_a_thought_is_for_nobody_else(careless: Flask) -> None:
    assert Browser(careless).get("/forgotten").location.startswith("/login")
    viewer = people.signed_in(careless, "luz", VIEWER)
    answer = viewer.post("/forgotten", {"csrf_token": token_of(viewer), "submission_key": new_key()})
    assert answer.status_code == 403


def test_these_tests_notice(careless: Flask) -> None:
    with pytest.raises(AssertionError, match="opened"):
        test_public_routes_are_listed(careless)
    with pytest.raises(AssertionError, match="shared"):
        test_what_viewers_may_change_is_listed(careless)


@pytest.mark.parametrize("role", ROLES)
def test_whoever_has_a_set_password_chooses_one_first(app: Flask, role: str) -> None:
    people.add(app, "luz", role, must_change_password=True)
    browser = Browser(app)
    browser.login("luz", people.PASSWORD)
    token = browser.hidden("/account/password")["csrf_token"]
    for route in all_routes(app):
        if route.public or route.for_programs or route.endpoint in ("account.password", "sessions.logout"):
            continue
        if ROLES.index(route.role) <= ROLES.index(role):
            assert ask(browser, route, token=token).location == "/account/password", route
