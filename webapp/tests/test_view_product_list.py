from __future__ import annotations

import html
import re

import pytest
from flask import Flask
from sqlalchemy import URL
from werkzeug.datastructures import MultiDict

from browser import Browser
from inventario.services.finding import Criteria
from inventario.views.criteria import parse, query
from mysql_server import Administrator

MARKUP = ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "' onmouseover='x", "{{ 7*7 }}"]


def listed(page: str) -> list[str]:
    return re.findall(r'data-field="code">([^<]*)<', page)


def link(page: str, marked: str) -> str:
    """The address of the first link whose tag or text has this."""
    for tag, text in re.findall(r"<a\b([^>]*)>(.*?)</a>", page, re.DOTALL):
        if marked in tag or marked in text:
            found = re.search(r'href="([^"]*)"', tag)
            assert found is not None
            return html.unescape(found.group(1))
    raise AssertionError(f"no link {marked}")


@pytest.fixture
def sixty(administrator: Administrator, database: URL) -> None:
    rows = ", ".join(f"('P{number:03}', 'Tornillo', '', 'ud', 1, {number})" for number in range(60))
    administrator.execute(
        f"INSERT INTO `{database.database}`.products "
        f"(code, name, description, unit_code, created_by_id, quantity) VALUES {rows}"
    )


def test_an_empty_list_helps(browser: Browser) -> None:
    page = browser.get("/products").text
    assert "Aún no hay productos" in page
    assert "/products/new" in page


def test_search(browser: Browser) -> None:
    browser.register("T-1", name="Camión")
    browser.register("T-2", name="Coche")
    page = browser.get("/products?q=CAMION").text
    assert listed(page) == ["T-1"]
    assert "1 producto" in page
    assert listed(browser.get(link(page, "Quitar todos")).text) == ["T-1", "T-2"]


def test_what_is_not_found_is_no_dead_end(browser: Browser) -> None:
    browser.register("T-1")
    page = browser.get("/products?q=nada&low=1").text
    assert "Nada coincide" in page
    without_search = browser.get(link(page, "«nada»"))
    assert "Nada coincide" in without_search.text
    assert listed(browser.get(link(without_search.text, "Existencias bajas")).text) == ["T-1"]


def test_filters_are_kept_in_the_form_and_on_the_way(browser: Browser) -> None:
    browser.register("T-1", category="Ferretería")
    browser.register("T-2")
    page = browser.get("/products").text
    number = re.search(r'<option value="(\d+)">Ferretería</option>', page)
    assert number is not None
    page = browser.get(f"/products?category={number.group(1)}&unit=ud&state=all&sort=-name").text
    assert listed(page) == ["T-1"]
    for chosen in (f'value="{number.group(1)}" selected', 'value="ud" selected', 'value="all" selected'):
        assert chosen in page
    assert 'value="-name" selected' in page
    assert link(page, "Cantidad") == f"/products?category={number.group(1)}&unit=ud&state=all&sort=quantity"


def test_a_heading_sorts_and_sorts_the_other_way(browser: Browser, sixty: None) -> None:
    page = browser.get("/products").text
    assert page.count("aria-sort") == 1
    assert '<th scope="col" aria-sort="ascending"><a class="sort"' in page
    up = browser.get(link(page, "Cantidad")).text
    assert (listed(up)[0], up.count("aria-sort")) == ("P000", 1)
    down = browser.get(link(up, "Cantidad")).text
    assert listed(down)[0] == "P059"
    assert 'aria-sort="descending"' in down


def test_fifty_rows_a_page_and_back(browser: Browser, sixty: None) -> None:
    first = browser.get("/products").text
    assert len(listed(first)) == 50
    assert "60 productos" in first
    assert 'rel="prev"' not in first
    second = browser.get(link(first, 'rel="next"')).text
    assert listed(second) == [f"P{number:03}" for number in range(50, 60)]
    assert 'rel="next"' not in second
    assert listed(browser.get(link(second, 'rel="prev"')).text) == listed(first)


def test_rows_can_be_updated_in_place(browser: Browser, administrator: Administrator, database: URL) -> None:
    browser.register("T-1")
    administrator.execute(f"UPDATE `{database.database}`.products SET quantity = 2.5, minimum = 3")
    page = browser.get("/products").text
    ((number,),) = administrator.execute(f"SELECT id FROM `{database.database}`.products")
    assert f'<tr data-product-id="{number}" data-version="1">' in page
    assert f'href="/products/{number}"' in page
    assert '<span data-field="quantity">2,5</span>' in page
    assert 'data-when="low">Bajo' in page
    assert 'data-when="retired" hidden>' in page


def test_a_viewer_is_offered_no_registration(
    browser: Browser, administrator: Administrator, database: URL
) -> None:
    administrator.execute(f"UPDATE `{database.database}`.users SET role = 'viewer' WHERE id = 1")
    try:
        page = browser.get("/products").text
    finally:
        administrator.execute(f"UPDATE `{database.database}`.users SET role = 'administrator' WHERE id = 1")
    assert "Aún no hay productos" in page
    assert "/products/new" not in page


def test_what_is_found_can_be_exported(browser: Browser) -> None:
    browser.register("T-1", name="Camión")
    browser.register("T-2", name="Coche")
    page = browser.get("/products?q=camion&sort=-name").text
    assert link(page, "XLSX") == "/products/export?format=xlsx&q=camion&sort=-name"
    file = browser.get(link(page, "CSV")).text
    assert "T-1" in file
    assert "T-2" not in file


@pytest.mark.parametrize("markup", MARKUP)
def test_markup_in_the_search(browser: Browser, markup: str) -> None:
    page = browser.get("/products", query_string={"q": markup}).text
    assert "Nada coincide" in page
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "49" not in page.partition("Nada coincide")[2].partition("</main>")[0]


@pytest.mark.parametrize(
    "strange",
    [
        "q=" + "x" * 5000,
        "q=%00",
        "q=%ED%A0%80",
        "q=" + "a+b+c+d+e+f+g+h+i+j",
        "page=%00",
        "page=%F0%9F%98%80",
        "page=" + "9" * 999,
        "category=99999999999999999999",
        "category=-1",
        "category=%D9%A3",
        "category=7",
        "unit=%F0%9F%98%80",
        "unit=" + "x" * 999,
        "state=gone",
        "low=maybe",
        "sort=--code",
        "sort=password_hash",
        "q=a&q=b&sort=name&sort=code",
    ],
)
def test_strange_queries(browser: Browser, strange: str) -> None:
    assert browser.get(f"/products?{strange}").status_code == 200


@pytest.mark.parametrize(
    "text",
    ["", "q=a+b&category=3&unit=kg&state=retired&low=1&sort=-changed&page=abc", "sort=-code", "sort=name"],
)
def test_an_address_and_its_criteria(app: Flask, text: str) -> None:
    with app.test_request_context(f"/products?{text}") as context:
        criteria = parse(context.request.args)
        again = parse(MultiDict(query(criteria, cursor=criteria.cursor)))
        assert again == criteria
        assert query(criteria).keys() | ({"page"} if "page=" in text else set()) == context.request.args.keys()


def test_what_makes_no_sense_is_left_out() -> None:
    assert parse(MultiDict({"sort": "-x", "state": "x", "category": "x", "low": "x"})) == Criteria()
