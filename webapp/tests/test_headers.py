from __future__ import annotations

import re

import pytest

from browser import Browser


@pytest.mark.parametrize(
    "path", ["/", "/login", "/products", "/nowhere", "/health/live", "/static/inventario.css"]
)
def test_every_answer_is_guarded(anonymous: Browser, path: str) -> None:
    headers = anonymous.get(path).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize("path", ["/", "/products", "/products/new"])
def test_pages_are_not_kept(browser: Browser, path: str) -> None:
    assert browser.get(path).headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/", "/login", "/products", "/products/new", "/nowhere"])
def test_pages_need_nothing_that_the_policy_forbids(browser: Browser, path: str) -> None:
    browser.register("T-1")
    page = browser.get(path).text
    assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=|https?://", page)
