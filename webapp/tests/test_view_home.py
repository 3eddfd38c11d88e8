from __future__ import annotations

import re

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
    assert "<canvas" not in page


def test_the_overview_shows_the_latest(browser: Browser) -> None:
    browser.register("T-1", category="Ferretería")
    page = browser.get("/").text
    for text in ("T-1", "Producto registrado", "Ferretería", USERNAME, "hace un momento"):
        assert text in page


def test_every_chart_has_a_table_that_says_the_same(browser: Browser) -> None:
    browser.register("T-1", category="Ferretería")
    page = browser.get("/").text
    described = re.findall(r'<canvas[^>]*aria-describedby="([^"]+)"', page)
    assert described
    for table in described:
        assert f'<table class="table table-sm" id="{table}">' in page
    row = re.search(r'<th scope="row">Ferretería</th>(.*?)</tr>', page, re.DOTALL)
    assert row
    assert re.findall(r'data-value="(\d+)"', row[1]) == ["1", "0"]


def test_categories_beyond_what_a_chart_can_show_become_one(browser: Browser) -> None:
    for number in range(12):
        browser.register(f"T-{number}", category=f"Categoría {number}")
    page = browser.get("/").text
    assert page.count('<th scope="row">Categoría ') == 10
    row = re.search(r'<th scope="row">Otras</th>(.*?)</tr>', page, re.DOTALL)
    assert row
    assert re.findall(r'data-value="(\d+)"', row[1]) == ["2", "0"]
