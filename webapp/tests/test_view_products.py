from __future__ import annotations

import threading

import pytest
from flask import Flask
from markupsafe import escape
from sqlalchemy import URL

from browser import Browser
from conftest import USERNAME, make_app
from mysql_server import Administrator

DUPLICATE = "Ya hay un producto con este código."

MARKUP = ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "' onmouseover='x", "{{ 7*7 }}"]


def test_an_empty_list_helps(browser: Browser) -> None:
    page = browser.get("/products").text
    assert "Aún no hay productos" in page
    assert "/products/new" in page


def test_register_and_see_it_at_once(browser: Browser) -> None:
    response = browser.register("T-1", category="Ferretería", description="De acero")
    assert response.status_code == 302
    assert response.location == "/products"
    page = browser.get("/products").text
    assert "Producto T-1 registrado." in page
    for text in ("T-1", "Tornillo", "Ferretería", "De acero", "unidad", "1 producto"):
        assert text in page


def test_own_writes_travel_in_a_cookie_that_only_writes_set(browser: Browser) -> None:
    assert browser.client.get_cookie("inventario_written") is None
    browser.register("T-1")
    cookie = browser.client.get_cookie("inventario_written")
    assert cookie is not None
    assert cookie.http_only
    again = browser.get("/products")
    assert not any("inventario_written" in header for header in again.headers.getlist("Set-Cookie"))


@pytest.mark.parametrize("forged", ["x", "source.AAAA.BBBB", "';DROP TABLE products", "a" * 4000])
def test_a_forged_cookie_of_own_writes_is_ignored(browser: Browser, forged: str) -> None:
    browser.client.set_cookie("inventario_written", forged)
    assert browser.get("/products").status_code == 200


def test_a_duplicate_is_explained_at_the_field_and_the_input_is_kept(browser: Browser) -> None:
    browser.register("T-1")
    response = browser.register("t-1", name="Otro tornillo", description="Largo")
    assert response.status_code == 409
    assert DUPLICATE in response.text
    assert 'id="code-error"' in response.text
    assert 'aria-describedby="code-error code-help"' in response.text
    assert 'value="t-1"' in response.text
    assert 'value="Otro tornillo"' in response.text
    assert "Largo</textarea>" in response.text


def test_two_people_two_nodes_the_same_code_at_once(app: Flask, database: URL, password: str) -> None:
    people = [Browser(app), Browser(make_app(database))]
    forms = []
    for person in people:
        person.login(USERNAME, password)
        forms.append(person.hidden("/products/new") | {"code": "MISMO", "name": "Tornillo", "unit": "ud"})
    start = threading.Barrier(2)
    answers = {}

    def send(number: int) -> None:
        start.wait()
        answers[number] = people[number].post("/products/new", forms[number])

    threads = [threading.Thread(target=send, args=(number,)) for number in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    winner, loser = sorted(answers.values(), key=lambda answer: answer.status_code)
    assert (winner.status_code, loser.status_code) == (302, 409)
    assert DUPLICATE in loser.text
    assert 'value="MISMO"' in loser.text
    assert "1 producto" in people[0].get("/products").text


def test_a_second_click_counts_once(browser: Browser) -> None:
    fields = browser.hidden("/products/new") | {"code": "T-1", "name": "Tornillo", "unit": "ud"}
    answers = [browser.post("/products/new", fields) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [302, 302]
    assert "1 producto" in browser.get("/products").text


def test_wrong_input_is_explained_and_kept(browser: Browser) -> None:
    response = browser.register("-", name="Tornillo largo")
    assert response.status_code == 422
    assert 'aria-invalid="true"' in response.text
    assert 'value="Tornillo largo"' in response.text


def test_without_the_token_nothing_is_registered(browser: Browser) -> None:
    fields = browser.hidden("/products/new") | {"code": "T-1", "name": "Tornillo", "unit": "ud"}
    del fields["csrf_token"]
    assert browser.post("/products/new", fields).status_code == 400
    assert "Aún no hay productos" in browser.get("/products").text


@pytest.mark.parametrize("markup", MARKUP)
def test_markup_is_shown_as_text(browser: Browser, markup: str) -> None:
    browser.register("T-1", name=markup, description=markup, category=markup)
    for path in ("/products", "/", "/products/new"):
        page = browser.get(path).text
        assert str(escape(markup)) in page
        assert not set("<>'\"") & set(markup) or markup not in page


@pytest.mark.parametrize("markup", MARKUP)
def test_markup_in_the_search(browser: Browser, markup: str) -> None:
    page = browser.get("/products", query_string={"q": markup}).text
    assert "Nada coincide" in page
    assert "<script>" not in page
    assert "<img src=x" not in page
    assert "49" not in page.partition("Nada coincide")[2].partition("</main>")[0]


def test_search(browser: Browser) -> None:
    browser.register("T-1", name="Camión")
    browser.register("T-2", name="Coche")
    page = browser.get("/products?q=CAMION").text
    assert "Camión" in page
    assert "Coche" not in page


@pytest.mark.parametrize(
    "query", ["q=" + "x" * 5000, "after=%00", "before=%F0%9F%98%80", "q=%ED%A0%80", "after=" + "9" * 99]
)
def test_strange_queries(browser: Browser, query: str) -> None:
    assert browser.get(f"/products?{query}").status_code == 200


def test_fifty_rows_a_page(browser: Browser, administrator: Administrator, database: URL) -> None:
    rows = ", ".join(f"('P{number:03}', 'Tornillo', '', 'ud', 1)" for number in range(60))
    administrator.execute(
        f"INSERT INTO `{database.database}`.products "
        f"(code, name, description, unit_code, created_by_id) VALUES {rows}"
    )
    first = browser.get("/products").text
    assert first.count('class="code"') == 50
    assert "60 productos" in first
    second = browser.get("/products?after=P049").text
    assert second.count('class="code"') == 10
    assert "before=P050" in second


def test_an_oversized_form_is_refused(browser: Browser) -> None:
    response = browser.post("/products/new", {"code": "x" * 100_000})
    assert response.status_code == 413


def test_a_read_only_database_keeps_the_input(
    database: URL, administrator: Administrator, password: str
) -> None:
    person = Browser(make_app(database, database_write_budget="0.3"))
    person.login(USERNAME, password)
    with administrator.read_only():
        response = person.register("T-9", name="Tornillo largo")
        assert person.get("/products").status_code == 200
    assert response.status_code == 503
    assert "Aún no se ha guardado" in response.text
    assert 'value="Tornillo largo"' in response.text
