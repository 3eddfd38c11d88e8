from __future__ import annotations

import re

import pytest
from flask import Flask

import people
from browser import Browser
from inventario.models.users import VIEWER
from inventario.services import tokens

SHOWN = re.compile(r"inv_[A-Za-z0-9_-]{43}")


@pytest.fixture
def luz(app: Flask) -> Browser:
    return people.signed_in(app, "luz", VIEWER)


def fields(browser: Browser, **others: str) -> dict[str, str]:
    return browser.hidden("/account/tokens") | {"name": "Informe", "access": "read", "days": "30"} | others


def test_a_token_is_shown_once(app: Flask, luz: Browser) -> None:
    page = luz.post("/account/tokens", fields(luz)).text
    (token,) = SHOWN.findall(page)
    with app.test_request_context():
        bearer = tokens.authenticate(token)
        assert bearer is not None
        assert bearer.user.username == "luz"
        assert not bearer.may_write
    later = luz.get("/account/tokens").text
    assert "Informe" in later
    assert not SHOWN.search(later)


def test_the_same_form_sent_again_makes_no_other(luz: Browser) -> None:
    sent = fields(luz)
    first, second = (SHOWN.findall(luz.post("/account/tokens", sent).text) for _ in range(2))
    assert first == second
    assert luz.get("/account/tokens").text.count("/revoke") == 1


def test_a_token_is_revoked(app: Flask, luz: Browser) -> None:
    (token,) = SHOWN.findall(luz.post("/account/tokens", fields(luz)).text)
    page = luz.get("/account/tokens").text
    found = re.search(r'action="(/account/tokens/\d+/revoke)"', page)
    assert found
    assert luz.post(found[1], luz.hidden("/account/tokens")).location == "/account/tokens"
    with app.test_request_context():
        assert tokens.authenticate(token) is None
    assert luz.post(found[1], luz.hidden("/account/tokens")).status_code == 302


def test_another_ones_token_is_not_there(luz: Browser, browser: Browser) -> None:
    browser.post("/account/tokens", fields(browser))
    found = re.search(r'action="(/account/tokens/\d+/revoke)"', browser.get("/account/tokens").text)
    assert found
    assert luz.post(found[1], luz.hidden("/account/tokens")).status_code == 404


@pytest.mark.parametrize("wrong", [{"name": ""}, {"name": "x" * 61}, {"access": "all"}, {"days": "31"}])
def test_what_is_refused(luz: Browser, wrong: dict[str, str]) -> None:
    assert luz.post("/account/tokens", fields(luz, **wrong)).status_code == 422


def test_as_many_as_there_may_be(luz: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "MOST_TOKENS", 1)
    luz.post("/account/tokens", fields(luz))
    assert luz.post("/account/tokens", fields(luz)).status_code == 409
