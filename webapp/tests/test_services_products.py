from __future__ import annotations

import datetime
import threading
from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import URL

from conftest import USERNAME, make_app
from inventario.services import products
from inventario.services.actors import Actor
from inventario.services.products import DuplicateCode, NewProduct
from inventario.services.submissions import new_key


@pytest.fixture(autouse=True)
def context(app: Flask) -> Iterator[None]:
    with app.test_request_context():
        yield


def new(code: str, name: str = "Tornillo", category: str = "", description: str = "") -> NewProduct:
    return NewProduct(code=code, name=name, description=description, unit_code="ud", category=category)


def register(actor: Actor, product: NewProduct) -> str:
    return products.register(product, actor=actor, submission_key=new_key())


def codes(search: str = "") -> list[str]:
    return [product.code for product in products.page(search).products]


def test_a_registered_product_is_listed(actor: Actor) -> None:
    register(actor, new("T-1", category="Ferretería"))
    (product,) = products.page().products
    assert (product.code, product.name, product.unit.name) == ("T-1", "Tornillo", "unidad")
    assert product.category is not None
    assert product.category.name == "Ferretería"


@pytest.mark.parametrize("again", ["AÑO-1", "año-1", "Año-1", "ÁÑO-1"])
def test_the_same_code_in_another_case_or_accent(actor: Actor, again: str) -> None:
    register(actor, new("año-1"))
    with pytest.raises(DuplicateCode):
        register(actor, new(again))
    assert codes() == ["año-1"]


def test_n_and_ñ_are_two_letters(actor: Actor) -> None:
    register(actor, new("AÑO"))
    register(actor, new("ANO"))
    assert codes() == ["ANO", "AÑO"]


def test_a_form_sent_twice_counts_once(actor: Actor) -> None:
    key = new_key()
    for _ in range(2):
        assert products.register(new("T-1"), actor=actor, submission_key=key) == "T-1"
    assert codes() == ["T-1"]


def test_a_refused_form_may_be_corrected_and_sent_again(actor: Actor) -> None:
    register(actor, new("T-1"))
    key = new_key()
    with pytest.raises(DuplicateCode):
        products.register(new("T-1"), actor=actor, submission_key=key)
    assert products.register(new("T-2"), actor=actor, submission_key=key) == "T-2"


def test_categories_are_shared_whatever_their_accents(actor: Actor) -> None:
    register(actor, new("T-1", category="Ferretería"))
    register(actor, new("T-2", category="ferreteria"))
    assert products.category_names() == ["Ferretería"]


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("", ["A-1", "B-2", "C%3"]),
        ("cafe", ["A-1"]),
        ("CAFÉ", ["A-1"]),
        ("b-2", ["B-2"]),
        ("molido", ["A-1"]),
        ("molido grano", []),
        ("te acero tetera", ["B-2"]),
        ("%", ["C%3"]),
        ("_", []),
        ("' OR '1'='1", []),
    ],
)
def test_search(actor: Actor, search: str, found: list[str]) -> None:
    register(actor, new("A-1", "Café", description="Molido"))
    register(actor, new("B-2", "Tetera", description="De acero, para té"))
    register(actor, new("C%3", "Vaso"))
    assert codes(search) == found


def test_pages_forwards_and_back(actor: Actor) -> None:
    for number in range(2 * products.PAGE_ROWS + 1):
        register(actor, new(f"P{number:03}"))
    first = products.page()
    assert first.total == 101
    assert (first.products[0].code, first.products[-1].code, first.before) == ("P000", "P049", None)
    second = products.page(after=first.after or "")
    assert (second.products[0].code, second.products[-1].code) == ("P050", "P099")
    third = products.page(after=second.after or "")
    assert ([product.code for product in third.products], third.after) == (["P100"], None)
    back = products.page(before=third.before or "")
    assert [product.code for product in back.products] == [product.code for product in second.products]
    start = products.page(before=back.before or "")
    assert (start.products[0].code, start.before) == ("P000", None)


def test_the_overview(actor: Actor) -> None:
    today = datetime.datetime.now(datetime.UTC).date()
    empty = products.overview(today)
    assert (empty.products, empty.categories, empty.registered_today, list(empty.latest)) == (0, 0, 0, [])
    register(actor, new("T-1", category="Ferretería"))
    register(actor, new("T-2"))
    full = products.overview(today)
    assert (full.products, full.categories, full.registered_today) == (2, 1, 2)
    assert [product.code for product in full.latest] == ["T-2", "T-1"]
    assert full.latest[0].created_by.username == USERNAME


def test_the_same_code_at_once_through_several_nodes(actor: Actor, database: URL) -> None:
    nodes = [make_app(database) for _ in range(4)]
    start = threading.Barrier(len(nodes))
    outcomes: list[str] = []

    def send(node: Flask) -> None:
        with node.test_request_context():
            start.wait()
            try:
                outcomes.append(register(actor, new("MISMO", category="Nueva")))
            except DuplicateCode:
                outcomes.append("refused")

    threads = [threading.Thread(target=send, args=(node,)) for node in nodes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["MISMO", "refused", "refused", "refused"]
    assert codes() == ["MISMO"]


@pytest.mark.parametrize(
    ("typed", "kept"),
    [("  T-1 ", "T-1"), ("T\u00a0 1", "T 1"), ("an\u0303o", "año"), ("\tT\n1", "T 1")],
)
def test_normalise(typed: str, kept: str) -> None:
    assert products.normalise(typed) == kept
