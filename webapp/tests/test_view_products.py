from __future__ import annotations

import html
import re
import threading
from typing import Any

import pytest
from flask import Flask
from markupsafe import escape
from sqlalchemy import URL, event
from werkzeug.test import TestResponse

from browser import Browser, hidden_fields
from conftest import USERNAME, make_app
from inventario.database.connections import REPLICA
from inventario.database.extension import engine
from mysql_server import Administrator

DUPLICATE = "Ya hay un producto con este código."

MARKUP = ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "' onmouseover='x", "{{ 7*7 }}"]


def test_register_and_see_it_at_once(browser: Browser) -> None:
    response = browser.register("T-1", category="Ferretería", description="De acero")
    assert response.status_code == 302
    assert response.location == "/products"
    page = browser.get("/products").text
    assert "Producto T-1 registrado." in page
    for text in ("T-1", "Tornillo", "Ferretería", "De acero", "unidad", "1 producto"):
        assert text in page


def test_a_unit_that_was_added_elsewhere_is_taken_at_once(
    browser: Browser, administrator: Administrator, database: URL
) -> None:
    """Each process remembers units for some seconds."""
    browser.register("T-1")
    administrator.execute(
        f"INSERT INTO `{database.database}`.units (code, name, position, decimals) "
        "VALUES ('saco', 'saco', 99, 0)"
    )
    assert browser.register("T-2", unit="saco").status_code == 302


def test_a_unit_that_was_deactivated_elsewhere_is_refused_and_offered_no_more(
    browser: Browser, administrator: Administrator, database: URL
) -> None:
    browser.register("T-1")
    administrator.execute(
        f"UPDATE `{database.database}`.units SET active = 0, version = version + 1 WHERE code = 'kg'"
    )
    response = browser.register("T-2", unit="kg")
    assert response.status_code == 409
    assert "Esta unidad ya no se ofrece." in response.text
    assert 'value="kg"' not in response.text


def test_own_writes_travel_in_a_cookie_that_only_writes_set(browser: Browser) -> None:
    # a login is noted in the audit log: it writes as well
    browser.client.delete_cookie("inventario_written")
    browser.get("/products")
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


def numbered(browser: Browser, code: str) -> int:
    """The number of the product that has this code."""
    answer = browser.get("/products/code-taken", query_string={"code": code}).get_json()
    return int(answer["url"].rpartition("/")[2])


def change(browser: Browser, number: int, **fields: str) -> TestResponse:
    page = f"/products/{number}/edit"
    shown = {"code": "T-1", "name": "Tornillo", "unit": "ud"}
    return browser.post(page, browser.hidden(page) | shown | fields)


def test_a_product_and_all_about_it(browser: Browser, administrator: Administrator, database: URL) -> None:
    browser.register("T-1", category="Ferretería", description="De acero", minimum="5")
    number = numbered(browser, "T-1")
    change(browser, number, name="Tuerca", minimum="7")
    administrator.execute(
        f"INSERT INTO `{database.database}`.movements "
        "(product_id, kind, quantity, balance, reason, note, user_id) "
        f"VALUES ({number}, 'in', 6, 6, 'purchase', 'Primera', 1)"
    )
    administrator.execute(f"UPDATE `{database.database}`.products SET quantity = 6")
    page = browser.get(f"/products/{number}").text
    for text in (
        "T-1", "Tuerca", "Bajo mínimos", "unidad", "Entrada · Compra", "+6", "Primera", "Registrado",
        "Cambiado", 'id="balance"', "Editar", "Retirar",
    ):  # fmt: skip
        assert text in page, text
    assert re.search(r"Nombre: .*Tornillo.*pasa a ser.*Tuerca", page)
    assert re.search(r"Mínimo: .*5.*7", page)


def test_older_movements(browser: Browser, administrator: Administrator, database: URL) -> None:
    browser.register("T-1")
    number = numbered(browser, "T-1")
    rows = ", ".join(f"({number}, 'in', 1, {balance}, 'purchase', 'M-{balance}-', 1)" for balance in range(25))
    administrator.execute(
        f"INSERT INTO `{database.database}`.movements "
        f"(product_id, kind, quantity, balance, reason, note, user_id) VALUES {rows}"
    )
    first = browser.get(f"/products/{number}").text
    assert ("M-24-" in first, "M-5-" in first, "M-4-" in first) == (True, True, False)
    link = re.search(r'href="([^"#]*movements=\d+)', first)
    assert link
    second = browser.get(html.unescape(link[1])).text
    assert ("M-5-" in second, "M-4-" in second, "M-0-" in second) == (False, True, True)


def test_a_product_page_asks_few_queries(browser: Browser, shared_app: Flask) -> None:
    for code in ("T-1", "T-2"):
        browser.register(code)
    number = numbered(browser, "T-1")
    asked: list[str] = []
    with shared_app.app_context():
        replica = engine(REPLICA)

    def count(*arguments: Any) -> None:
        asked.append(arguments[2])

    event.listen(replica, "before_cursor_execute", count)
    try:
        browser.get(f"/products/{number}")
    finally:
        event.remove(replica, "before_cursor_execute", count)
    selects = [statement for statement in asked if "FROM " in statement]
    assert 3 <= len(selects) <= 6, selects


@pytest.mark.parametrize("path", ["", "/edit"])
def test_an_unknown_product(browser: Browser, path: str) -> None:
    assert browser.get(f"/products/99999{path}").status_code == 404
    assert browser.get(f"/products/{10**30}{path}").status_code == 404


def test_edit(browser: Browser) -> None:
    browser.register("T-1", category="Ferretería", minimum="5")
    number = numbered(browser, "T-1")
    page = browser.get(f"/products/{number}/edit").text
    for text in ('value="T-1"', 'value="Ferretería"', 'value="5"', 'name="version"'):
        assert text in page, text
    response = change(browser, number, name="Tuerca", category="Otra")
    assert (response.status_code, response.location) == (302, f"/products/{number}")
    page = browser.get(f"/products/{number}").text
    assert "Producto T-1 guardado." in page
    assert "Tuerca" in page
    assert change(browser, number, name="Tuerca", category="Otra").status_code == 302
    assert "no había nada que guardar" in browser.get("/products").text


def test_wrong_changes_are_explained_at_the_field(browser: Browser) -> None:
    browser.register("T-1")
    browser.register("T-2")
    number = numbered(browser, "T-1")
    duplicate = change(browser, number, code="t-2", name="Tuerca")
    assert duplicate.status_code == 409
    assert DUPLICATE in duplicate.text
    assert 'value="Tuerca"' in duplicate.text
    assert change(browser, number, minimum="2,5").status_code == 422


def test_an_inactive_category_is_explained(
    browser: Browser, administrator: Administrator, database: URL
) -> None:
    administrator.execute(f"INSERT INTO `{database.database}`.categories (name, active) VALUES ('Vieja', 0)")
    response = browser.register("T-1", category="vieja")
    assert response.status_code == 409
    assert "Esta categoría está desactivada." in response.text
    assert 'aria-describedby="category-error category-help"' in response.text


@pytest.fixture
def two_people(browser: Browser, database: URL, password: str) -> tuple[Browser, Browser]:
    """On two nodes."""
    other = Browser(make_app(database))
    other.login(USERNAME, password)
    return browser, other


def test_the_second_of_two_people_sees_both_versions(two_people: tuple[Browser, Browser]) -> None:
    first, second = two_people
    first.register("T-1", category="Ferretería")
    number = numbered(first, "T-1")
    page = f"/products/{number}/edit"
    opened = second.hidden(page) | {"code": "T-1", "name": "Tornillo", "unit": "ud", "category": "Ferretería"}
    change(first, number, name="Tuerca", category="Ferretería", minimum="3")
    conflict = second.post(page, opened | {"category": "Varios"})
    assert conflict.status_code == 409
    assert "Sus cambios aún no se han guardado." in conflict.text
    assert USERNAME in conflict.text
    # what only the other changed is proposed as it is saved, what only this one changed as typed
    kept = chosen(conflict.text)
    assert kept == {"name": "Tuerca", "minimum": "3", "category": "Varios"}
    merged = hidden_fields(conflict.text) | kept
    assert merged["version"] == "2"
    assert second.post(page, merged | {"review": "1"}).status_code == 200
    assert second.post(page, merged).status_code == 302
    shown = second.get(page).text
    for text in ('value="Tuerca"', 'value="3"', 'value="Varios"', 'value="T-1"'):
        assert text in shown, text
    # whoever still has the first version is refused again
    assert second.post(page, opened | {"submission_key": "0" * 32}).status_code == 409


def test_one_of_two_at_once_wins(two_people: tuple[Browser, Browser]) -> None:
    two_people[0].register("T-1")
    number = numbered(two_people[0], "T-1")
    page = f"/products/{number}/edit"
    forms = [
        person.hidden(page) | {"code": "T-1", "unit": "ud", "name": name}
        for person, name in zip(two_people, ("Uno", "Otro"), strict=True)
    ]
    start = threading.Barrier(2)
    answers: list[int] = []

    def send(person: Browser, form: dict[str, str]) -> None:
        start.wait()
        answers.append(person.post(page, form).status_code)

    threads = [
        threading.Thread(target=send, args=arguments) for arguments in zip(two_people, forms, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [302, 409]


def test_a_change_sent_twice_is_no_conflict(browser: Browser) -> None:
    browser.register("T-1")
    page = f"/products/{numbered(browser, 'T-1')}/edit"
    form = browser.hidden(page) | {"code": "T-1", "name": "Tuerca", "unit": "ud"}
    assert [browser.post(page, form).status_code for _ in range(2)] == [302, 302]


def test_retire_and_restore(browser: Browser) -> None:
    browser.register("T-1")
    page = f"/products/{numbered(browser, 'T-1')}"
    assert browser.post(f"{page}/retire", browser.hidden(page)).location == page
    shown = browser.get(page).text
    assert "Recuperar" in shown
    assert 'data-when="retired">Retirado' in shown
    assert browser.post(f"{page}/restore", browser.hidden(page)).location == page
    shown = browser.get(page).text
    assert "Retirar" in shown
    assert 'data-when="retired" hidden>Retirado' in shown
    assert browser.post("/products/99999/retire", browser.hidden(page)).status_code == 404


def test_whether_a_code_is_free(browser: Browser) -> None:
    browser.register("Año-1", name="<b>Tornillo</b>")
    number = numbered(browser, "Año-1")
    taken = browser.get("/products/code-taken?code=aÑo-1").get_json()
    assert taken == {
        "taken": True,
        "label": "Año-1 · <b>Tornillo</b>",
        "active": True,
        "url": f"/products/{number}",
    }
    for query in ("code=ano-1", "code=", "", f"code=año-1&except={number}", "code=" + "x" * 5000, "code=%00"):
        assert browser.get(f"/products/code-taken?{query}").get_json() == {"taken": False}, query


@pytest.mark.parametrize("markup", MARKUP)
def test_markup_in_a_product_and_in_a_conflict(browser: Browser, markup: str) -> None:
    browser.register("T-1")
    number = numbered(browser, "T-1")
    page = f"/products/{number}/edit"
    opened = browser.hidden(page) | {"code": "T-1", "name": "Otro", "unit": "ud"}
    change(browser, number, name=markup, description=markup, category=markup)
    for shown in (browser.get(f"/products/{number}").text, browser.post(page, opened).text):
        assert str(escape(markup)) in shown
        assert not set("<>'\"") & set(markup) or markup not in shown


def chosen(page: str) -> dict[str, str]:
    """What the radio buttons of a page would send."""
    fields = {}
    for tag in re.findall(r"<input[^>]*type=\"radio\"[^>]* checked[^>]*>", page):
        attributes = dict(re.findall(r'(\w+)="([^"]*)"', tag))
        fields[attributes["name"]] = html.unescape(attributes["value"])
    return fields


def test_the_stock_over_time_is_a_chart_with_its_table(
    browser: Browser, administrator: Administrator, database: URL
) -> None:
    browser.register("T-1")
    ((number,),) = administrator.execute(f"SELECT id FROM `{database.database}`.products")
    assert "<canvas" not in browser.get(f"/products/{number}").text
    administrator.execute(
        f"INSERT INTO `{database.database}`.movements "
        "(product_id, kind, quantity, balance, reason, user_id, created_at) "
        f"VALUES ({number}, 'in', 5, 5, 'purchase', 1, '2026-01-31 12:00:00'), "
        f"({number}, 'out', -1.5, 3.5, 'sale', 1, '2026-02-01 12:00:00')"
    )
    page = browser.get(f"/products/{number}").text
    table = page.partition('id="balance-chart-table"')[2].partition("</table>")[0]
    assert re.findall(r'data-moment="([^"]+)"', table) == ["2026-01-31T12:00:00Z", "2026-02-01T12:00:00Z"]
    assert re.findall(r'data-value="([^"]+)">([^<]+)<', table) == [("5.000", "5"), ("3.500", "3,5")]
