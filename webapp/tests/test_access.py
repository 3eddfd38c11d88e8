"""Access by one page; test_security_routes asks every route."""

from __future__ import annotations

import pytest

from browser import Browser
from inventario import create_app


def test_a_form_that_was_sent_is_not_the_target_after_login(anonymous: Browser) -> None:
    token = anonymous.hidden("/login")["csrf_token"]
    assert anonymous.post("/products/new", {"csrf_token": token}).location == "/login"


def test_a_boot_without_settings_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("INVENTARIO_SECRET_KEY", raising=False)
    with pytest.raises(RuntimeError, match="INVENTARIO_SECRET_KEY"):
        create_app()
