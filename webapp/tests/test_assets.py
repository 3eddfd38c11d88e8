from __future__ import annotations

import re

import pytest

from browser import Browser


def stylesheet(browser: Browser) -> str:
    found = re.search(r'href="(/static/inventario\.css\?v=\w+)"', browser.get("/").text)
    assert found
    return found.group(1)


def test_an_address_with_its_hash_is_kept_for_a_year(anonymous: Browser) -> None:
    response = anonymous.get(stylesheet(anonymous))
    assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert "Set-Cookie" not in response.headers


@pytest.mark.parametrize("path", ["/static/inventario.css", "/static/inventario.css?v=another"])
def test_another_version_is_not_kept(anonymous: Browser, path: str) -> None:
    """During a rolling update a node may be asked for what only the other nodes have."""
    assert anonymous.get(path).headers["Cache-Control"] == "no-cache"


def test_an_unchanged_file_is_not_sent_again(anonymous: Browser) -> None:
    tag = anonymous.get("/static/inventario.css").headers["ETag"]
    assert anonymous.get("/static/inventario.css", headers={"If-None-Match": tag}).status_code == 304


@pytest.mark.parametrize(
    "path", ["/static/../__init__.py", "/static/%2e%2e/__init__.py", "/static/nothing.css"]
)
def test_nothing_else_is_served(anonymous: Browser, path: str) -> None:
    assert anonymous.get(path).status_code == 404
