from __future__ import annotations

import html
import re

import pytest
from markupsafe import escape
from sqlalchemy import URL
from werkzeug.test import TestResponse

from browser import Browser, hidden_fields
from mysql_server import Administrator

MARKUP = "<script>alert(1)</script>"


def add_category(browser: Browser, name: str) -> int:
    assert browser.submit("/categories/new", name=name).status_code == 302
    found = re.findall(r"/categories/(\d+)/edit", browser.get("/categories").text)
    return max(int(number) for number in found)


def act(browser: Browser, page: str, action: str, **fields: str) -> TestResponse:
    return browser.post(f"{page}/{action}", browser.hidden(f"{page}/edit") | fields)


def order(browser: Browser) -> list[str]:
    return re.findall(r"/units/([^/]+)/edit", browser.get("/units").text)


def test_the_lists_lead_to_each_other(browser: Browser) -> None:
    for page in ("/units", "/categories"):
        shown = browser.get(page).text
        assert 'href="/units"' in shown
        assert 'href="/categories"' in shown
    assert "Aún no hay categorías." in browser.get("/categories").text


def test_a_category_from_its_beginning_to_its_end(browser: Browser) -> None:
    number = add_category(browser, "Herramienta")
    page = f"/categories/{number}"
    assert browser.submit(f"{page}/edit", name="Herramientas").status_code == 302
    shown = browser.get("/categories").text
    assert "Categoría Herramientas guardada." in shown
    assert act(browser, page, "active", active="0").status_code == 302
    assert "Desactivada" in browser.get("/categories").text
    assert "Herramientas" not in browser.get("/products/new").text
    act(browser, page, "active", active="1")
    assert "Herramientas" in browser.get("/products/new").text
    act(browser, page, "delete")
    shown = browser.get("/categories").text
    assert "Borrada." in shown
    assert "Herramientas" not in shown
    assert browser.get(f"{page}/edit").status_code == 404


def test_a_unit_from_its_beginning_to_its_end(browser: Browser) -> None:
    response = browser.submit("/units/new", code="saco", name="saco", decimals="1")
    assert (response.status_code, response.location) == (302, "/units")
    assert order(browser)[-1] == "saco"
    assert browser.submit("/units/saco/edit", name="saco grande", decimals="0").status_code == 302
    assert "saco grande" in browser.get("/products/new").text
    act(browser, "/units/saco", "active", active="0")
    assert "Desactivada" in browser.get("/units").text
    assert "saco grande" not in browser.get("/products/new").text
    act(browser, "/units/saco", "delete")
    assert "saco" not in order(browser)


def test_units_move(browser: Browser) -> None:
    first, second, *_ = order(browser)
    browser.post(f"/units/{second}/move", browser.hidden("/units") | {"direction": "earlier"})
    assert order(browser)[:2] == [second, first]
    key = browser.hidden("/units")
    for _ in range(2):
        browser.post(f"/units/{second}/move", key | {"direction": "later"})
    assert order(browser)[:2] == [first, second]


def test_what_is_in_use_is_counted_and_not_deleted(browser: Browser) -> None:
    browser.register("T-1", category="Ferretería")
    number = re.findall(r"/categories/(\d+)/edit", browser.get("/categories").text)[0]
    count = re.search(r'data-label="Productos"><a href="([^"]*)">1<', browser.get("/categories").text)
    assert count
    assert "T-1" in browser.get(html.unescape(count[1])).text
    act(browser, f"/categories/{number}", "delete")
    shown = browser.get("/categories").text
    assert "no se puede borrar" in shown
    assert "Ferretería" in shown


def test_what_is_there_already_is_explained_at_the_field(browser: Browser) -> None:
    add_category(browser, "Niños")
    response = browser.submit("/categories/new", name="NIÑOS")
    assert response.status_code == 409
    assert 'id="name-error"' in response.text
    assert 'value="NIÑOS"' in response.text
    response = browser.submit("/units/new", code="KG", name="otra", decimals="0")
    assert response.status_code == 409
    assert 'id="code-error"' in response.text


def test_decimals_in_use_are_explained(browser: Browser) -> None:
    browser.register("T-1", unit="kg", minimum="0,5")
    response = browser.submit("/units/kg/edit", name="kilogramo", decimals="0")
    assert response.status_code == 409
    assert 'id="decimals-error"' in response.text


@pytest.mark.parametrize(
    "fields",
    [
        {"code": "", "name": "x", "decimals": "0"},
        {"code": "a/b", "name": "x", "decimals": "0"},
        {"code": "..", "name": "x", "decimals": "0"},
        {"code": "x" * 9, "name": "x", "decimals": "0"},
        {"code": "x", "name": "", "decimals": "0"},
        {"code": "x", "name": "x" * 41, "decimals": "0"},
        {"code": "x", "name": "bell\x07", "decimals": "0"},
        {"code": "x", "name": "x", "decimals": "4"},
        {"code": "x", "name": "x", "decimals": "x"},
    ],
)
def test_wrong_units_are_refused(browser: Browser, fields: dict[str, str]) -> None:
    response = browser.submit("/units/new", **fields)
    assert response.status_code == 422
    assert 'aria-invalid="true"' in response.text


def test_the_second_of_two_people_sees_what_is_saved(browser: Browser) -> None:
    number = add_category(browser, "Una")
    page = f"/categories/{number}/edit"
    opened = browser.hidden(page)
    browser.submit(page, name="Dos")
    response = browser.post(page, opened | {"name": "Tres"})
    assert response.status_code == 409
    assert "«Dos»" in response.text
    assert 'value="Tres"' in response.text
    first_form = hidden_fields(response.text.partition("</form>")[2].partition("</form>")[0])
    assert first_form["version"] == "2"
    assert browser.post(page, first_form | {"name": "Tres"}).status_code == 302
    assert "Tres" in browser.get("/categories").text


def test_unknown_entries(browser: Browser) -> None:
    keyed = browser.hidden("/units/new")
    for page in ("/units/parsec", "/categories/99999"):
        assert browser.get(f"{page}/edit").status_code == 404
        for action in ("edit", "active", "delete"):
            assert browser.post(f"{page}/{action}", keyed).status_code == 404


def test_categories_in_pages(browser: Browser, administrator: Administrator, database: URL) -> None:
    names = ", ".join(f"('C{number:03}')" for number in range(101))
    administrator.execute(f"INSERT INTO `{database.database}`.categories (name) VALUES {names}")
    first = browser.get("/categories").text
    assert ("C099" in first, "C100" in first, "after=C099" in first) == (True, False, True)
    assert "C100" in browser.get("/categories?after=C099").text
    assert "No hay más categorías." in browser.get("/categories?after=Z").text


def test_markup_is_shown_as_text(browser: Browser) -> None:
    number = add_category(browser, MARKUP)
    for page in ("/categories", f"/categories/{number}/edit", "/products/new"):
        shown = browser.get(page).text
        assert str(escape(MARKUP)) in shown
        assert MARKUP not in shown


def test_viewers_look_and_do_not_change(browser: Browser, administrator: Administrator, database: URL) -> None:
    users = f"`{database.database}`.users"
    administrator.execute(f"UPDATE {users} SET role = 'viewer' WHERE id = 1")
    try:
        shown = browser.get("/units").text
        assert "kilogramo" in shown
        assert "/edit" not in shown
        assert browser.get("/units/new").status_code == 403
        assert browser.get("/categories/new").status_code == 403
    finally:
        administrator.execute(f"UPDATE {users} SET role = 'administrator' WHERE id = 1")
