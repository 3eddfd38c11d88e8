from __future__ import annotations

import re

import pytest
from markupsafe import escape
from sqlalchemy import URL
from werkzeug.test import TestResponse

from browser import Browser, hidden_fields
from conftest import USERNAME, make_app
from faulty_network import Relay
from inventario.services.submissions import new_key
from mysql_server import Administrator

MARKUP = "<script>alert(1)</script>"


class Clerk:
    """Somebody who moves the stock of one product."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser
        browser.register("T-1", unit="kg")
        found = re.search(r'href="(/products/\d+)"', browser.get("/products").text)
        assert found
        self.product = found.group(1)
        self.target = f"{self.product}/movements/new"

    def move(self, kind: str, quantity: str, **fields: str) -> TestResponse:
        reason = {"in": "purchase", "out": "sale", "adjustment": "count"}.get(kind, "other")
        page = self.browser.get(f"{self.target}?kind={kind}").text
        fields = {"quantity": quantity, "reason": reason} | fields
        return self.browser.post(self.target, hidden_fields(page) | fields)


@pytest.fixture
def clerk(browser: Browser) -> Clerk:
    return Clerk(browser)


def plain(page: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", page).split())


def test_from_the_product_to_its_movement_and_back(clerk: Clerk) -> None:
    page = clerk.browser.get(clerk.product).text
    for kind in ("in", "out", "adjustment"):
        assert f'href="{clerk.target}?kind={kind}"' in page
    response = clerk.move("in", "1.200,5", note="Albarán 7")
    assert (response.status_code, response.location) == (302, clerk.product)
    page = plain(clerk.browser.get(clerk.product).text)
    assert "Anotado en T-1: entrada. Quedan 1.200,5 kg." in page
    assert "Albarán 7" in page


def test_the_form_shows_what_is_there_and_asks_for_what_belongs_to_its_kind(clerk: Clerk) -> None:
    clerk.move("in", "7,5")
    page = clerk.browser.get(f"{clerk.target}?kind=out").text
    assert "Ahora hay 7,5 kg" in plain(page)
    assert 'data-quantity="7.500"' in page
    assert 'value="sale"' in page
    assert 'value="purchase"' not in page
    assert "Cantidad contada" in clerk.browser.get(f"{clerk.target}?kind=adjustment").text


def test_one_after_another(clerk: Clerk) -> None:
    response = clerk.move("out", "0", again="1")
    assert response.status_code == 422
    response = clerk.move("adjustment", "3", again="1")
    assert response.location == f"{clerk.target}?kind=adjustment"
    assert "Anotado en T-1: ajuste." in clerk.browser.get(response.location).text


@pytest.mark.parametrize(
    ("quantity", "message"),
    [
        ("", "Escriba una cantidad."),
        ("mucho", "Escriba una cantidad, como"),
        ("0", "mayor que cero"),
        ("-1", "negativa"),
        ("1,2345", "con 3 decimales como mucho"),
        ("9999999999999", "demasiado grande"),
    ],
)
def test_a_quantity_that_cannot_be(clerk: Clerk, quantity: str, message: str) -> None:
    response = clerk.move("in", quantity, note="Lo que escribí")
    assert response.status_code == 422
    assert message in response.text
    assert 'id="quantity-error"' in response.text
    assert f'value="{quantity}"' in response.text
    assert 'value="Lo que escribí"' in response.text


def test_a_reason_of_another_kind(clerk: Clerk) -> None:
    assert clerk.move("in", "1", reason="sale").status_code == 422


def test_more_than_there_is(clerk: Clerk) -> None:
    clerk.move("in", "2")
    response = clerk.move("out", "3", note="Para Ana")
    assert response.status_code == 409
    assert "No hay tanto: quedan 2 kg." in response.text
    assert "Ahora hay 2 kg" in plain(response.text)
    for kept in ('value="3"', 'value="Para Ana"', '<option selected value="sale">'):
        assert kept in response.text
    # corrected, the same form goes
    fields = hidden_fields(response.text) | {"quantity": "2", "reason": "sale"}
    assert clerk.browser.post(clerk.target, fields).status_code == 302


def test_a_retired_product(clerk: Clerk, administrator: Administrator, database: URL) -> None:
    page = clerk.browser.get(clerk.target).text
    administrator.execute(f"UPDATE `{database.database}`.products SET active = 0")
    fields = hidden_fields(page) | {"quantity": "2", "reason": "purchase"}
    response = clerk.browser.post(clerk.target, fields)
    assert response.status_code == 409
    assert "El producto está retirado." in response.text
    assert "El producto está retirado." in clerk.browser.get(clerk.target).text


def test_a_product_that_is_not_there(clerk: Clerk) -> None:
    assert clerk.browser.get("/products/999999/movements/new").status_code == 404
    fields = clerk.browser.hidden(clerk.target) | {"quantity": "2", "reason": "purchase"}
    assert clerk.browser.post("/products/999999/movements/new", fields).status_code == 404


def test_a_second_click_counts_once(clerk: Clerk) -> None:
    fields = clerk.browser.hidden(clerk.target) | {"quantity": "2", "reason": "purchase"}
    assert [clerk.browser.post(clerk.target, fields).status_code for _ in range(2)] == [302, 302]
    assert "Ahora hay 2 kg" in plain(clerk.browser.get(clerk.target).text)


def test_back_and_another_quantity(clerk: Clerk) -> None:
    """The form was counted: what it says now is another movement, if the person means that."""
    fields = clerk.browser.hidden(clerk.target) | {"quantity": "2", "reason": "purchase"}
    clerk.browser.post(clerk.target, fields)
    response = clerk.browser.post(clerk.target, fields | {"quantity": "3"})
    assert response.status_code == 422
    assert "ya se había guardado, con otros datos" in response.text
    assert 'value="3"' in response.text
    again = hidden_fields(response.text) | {"quantity": "3", "reason": "purchase"}
    assert clerk.browser.post(clerk.target, again).status_code == 302
    assert "Ahora hay 5 kg" in plain(clerk.browser.get(clerk.target).text)


def test_a_read_only_database_keeps_the_input(
    clerk: Clerk, database: URL, administrator: Administrator, password: str
) -> None:
    person = Browser(make_app(database, database_write_budget="0.3"))
    person.login(USERNAME, password)
    fields = person.hidden(f"{clerk.target}?kind=out") | {"quantity": "3", "reason": "loss", "note": "Rotos"}
    with administrator.read_only():
        response = person.post(clerk.target, fields)
        assert person.get("/movements").status_code == 200
    assert response.status_code == 503
    assert "Aún no se ha guardado" in response.text
    for kept in ('value="3"', 'value="Rotos"', '<option selected value="loss">', fields["submission_key"]):
        assert kept in response.text


def test_an_unknown_outcome_is_told_and_the_form_counts_once(
    clerk: Clerk, database: URL, relays: tuple[Relay, Relay], password: str
) -> None:
    source = relays[0]
    # statements that the relay can read
    write = source.url(database).update_query_dict({"ssl_disabled": "true"})
    person = Browser(make_app(write, database, database_write_budget="0.5"))
    person.login(USERNAME, password)
    fields = person.hidden(clerk.target) | {"quantity": "3", "reason": "purchase"}
    source.after(b"\x03COMMIT", source.refuse)
    response = person.post(clerk.target, fields)
    source.restore()
    assert response.status_code == 503
    assert "No se sabe si se ha guardado." in response.text
    again = hidden_fields(response.text) | {"quantity": "3", "reason": "purchase"}
    assert person.post(clerk.target, again).status_code == 302
    assert "Ahora hay 3 kg" in plain(clerk.browser.get(clerk.target).text)


def test_a_viewer_sees_movements_and_makes_none(
    clerk: Clerk, administrator: Administrator, database: URL
) -> None:
    fields = clerk.browser.hidden(clerk.target) | {"quantity": "2", "reason": "purchase"}
    administrator.execute(f"UPDATE `{database.database}`.users SET role = 'viewer' WHERE id = 1")
    try:
        assert clerk.browser.get("/movements").status_code == 200
        assert clerk.browser.get(clerk.target).status_code == 403
        assert clerk.browser.post(clerk.target, fields).status_code == 403
        assert clerk.target not in clerk.browser.get(clerk.product).text
    finally:
        administrator.execute(f"UPDATE `{database.database}`.users SET role = 'administrator' WHERE id = 1")


def test_an_empty_list_helps(browser: Browser) -> None:
    assert "Aún no hay movimientos." in browser.get("/movements").text


def test_the_list(clerk: Clerk) -> None:
    clerk.move("in", "1200", note=MARKUP)
    clerk.move("out", "0,5")
    page = clerk.browser.get("/movements").text
    assert MARKUP not in page
    assert str(escape(MARKUP)) in page
    for part in ("Entrada · Compra", "+1.200", "-0,5", "1.199,5", "ana", "T-1"):
        assert part in plain(page)
    page = clerk.browser.get("/movements?kind=out&product=t-1&person=ANA").text
    assert "Salida · Venta" in page
    assert "Entrada · Compra" not in page
    assert '<option value="out" selected>' in page
    assert "Nada coincide" in clerk.browser.get("/movements?product=T-2").text
    assert "Nada coincide" in clerk.browser.get("/movements?to=2020-01-01").text


@pytest.mark.parametrize(
    "query",
    [
        "older=x",
        "newer=-5",
        "older=99999999999999999999",
        "kind=nothing",
        "product=%00",
        "person=%F0%9F%98%80",
        "from=x&to=9999-12-31",
    ],
)
def test_strange_queries(browser: Browser, query: str) -> None:
    assert browser.get(f"/movements?{query}").status_code == 200


def test_without_a_key_nothing_moves(clerk: Clerk) -> None:
    fields = clerk.browser.hidden(clerk.target) | {"quantity": "2", "reason": "purchase"}
    del fields["submission_key"]
    assert clerk.browser.post(clerk.target, fields).status_code == 400
    fields["submission_key"] = new_key()
    assert clerk.browser.post(clerk.target, fields).status_code == 302
