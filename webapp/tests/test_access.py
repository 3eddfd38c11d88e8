"""Who sees what, asked of every route that there is: a new one cannot be forgotten."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from werkzeug.routing import Rule

from browser import Browser
from inventario import create_app

PUBLIC = {
    "/",
    "/login",
    "/health/live",
    "/health/ready",
    "/live/version",
    "/static/<path:filename>",
    "/bootstrap/static/<path:filename>",
    "/preferences/language",
    "/preferences/theme",
}
# asked without a login, answered to those who hold the key of a page
WITH_KEY = {"/live/changes"}


def path(rule: Rule) -> str:
    file = "css/bootstrap.min.css" if rule.endpoint == "bootstrap.static" else "inventario.css"
    arguments = {"path": file, "int": "1"}
    return re.sub(r"<(?:(\w+):)?\w+>", lambda found: arguments.get(found[1], "x"), rule.rule)


def test_every_route(app: Flask) -> None:
    for rule in app.url_map.iter_rules():
        for method in (rule.methods or set()) - {"OPTIONS", "HEAD"}:
            browser = Browser(app)
            token = browser.hidden("/login")["csrf_token"]
            response = browser.client.open(path(rule), method=method, data={"csrf_token": token}, buffered=True)
            if rule.rule in PUBLIC:
                assert response.status_code in (200, 422), rule
            elif rule.rule in WITH_KEY:
                assert response.status_code == 403, rule
            else:
                assert response.status_code == 302, rule
                assert response.location.startswith("/login"), rule


def test_every_change_needs_its_token(app: Flask, browser: Browser) -> None:
    for rule in app.url_map.iter_rules():
        for method in (rule.methods or set()) - {"OPTIONS", "HEAD", "GET"}:
            assert browser.client.open(path(rule), method=method).status_code == 400, rule


def test_a_form_that_was_sent_is_not_the_target_after_login(anonymous: Browser) -> None:
    token = anonymous.hidden("/login")["csrf_token"]
    assert anonymous.post("/products/new", {"csrf_token": token}).location == "/login"


def test_a_boot_without_settings_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("INVENTARIO_SECRET_KEY", raising=False)
    with pytest.raises(RuntimeError, match="INVENTARIO_SECRET_KEY"):
        create_app()
