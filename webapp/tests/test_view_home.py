from __future__ import annotations

from browser import Browser
from conftest import USERNAME


def test_a_page_for_those_who_are_not_signed_in(anonymous: Browser) -> None:
    response = anonymous.get("/")
    assert response.status_code == 200
    assert "Inventario" in response.text
    assert 'href="/login"' in response.text
    assert "/products" not in response.text


def test_an_empty_overview_leads_to_the_first_product(browser: Browser) -> None:
    page = browser.get("/").text
    assert "Aún no hay productos" in page
    assert 'href="/products/new"' in page


def test_the_overview_shows_the_latest(browser: Browser) -> None:
    browser.register("T-1", category="Ferretería")
    page = browser.get("/").text
    for text in ("T-1", "Tornillo", "Ferretería", USERNAME, "hace un momento"):
        assert text in page
