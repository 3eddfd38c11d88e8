from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import URL

from inventario.models import Product
from inventario.services import products, terms
from inventario.services.actors import Actor
from inventario.services.products import Details
from inventario.services.submissions import new_key
from mysql_server import Administrator


@pytest.fixture
def context(app: Flask) -> Iterator[None]:
    with app.test_request_context():
        yield


def stored(administrator: Administrator, database: URL) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for code, term in administrator.execute(f"SELECT code, term FROM `{database.database}`.product_terms"):
        found.setdefault(code, set()).add(term)
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Tornillo M6x20, zincado", ["tornillo", "m6x20", "zincado"]),
        ("CAFÉ café Cafe", ["cafe"]),
        ("año AN\u0303O ano", ["año", "ano"]),
        ("pingüino", ["pinguino"]),
        ("straße ﬁltro ½", ["strasse", "filtro", "1", "2"]),
        ("a_b-c/d", ["a", "b", "c", "d"]),
        ("", []),
        ("x" * 90, ["x" * 40]),
    ],
)
def test_text_becomes_words(text: str, expected: list[str]) -> None:
    assert terms.words(text) == expected


@pytest.mark.parametrize(
    "pair",
    [
        "á a",
        "Ñ ñ",
        "ñ n",
        "ü u",
        "É e",
        "ç c",
        "ø o",
        "ł l",
        "đ d",
        "ð d",
        "ħ h",
        "æ ae",
        "œ oe",
        "ß ss",
        "þ th",
        "İ i",
        "x y",
        "ã a",
        "õ o",
    ],
)
def test_words_are_alike_when_the_collation_says_so(pair: str, administrator: Administrator) -> None:
    one, other = pair.split()
    collation = "COLLATE utf8mb4_es_0900_ai_ci"
    ((alike,),) = administrator.execute(f"SELECT CONVERT('{one}' USING utf8mb4) {collation} = '{other}'")
    assert (terms.normalise(one) == terms.normalise(other)) is bool(alike)


def test_a_product_is_under_its_code_and_all_words_but_the_idle_ones() -> None:
    product = Product(id=1, code="TOR-M6.A", name="Tornillo de acero", description="Para la madera")
    assert terms.of(product) == {"tor-m6.a", "tor", "m6", "a", "tornillo", "acero", "madera"}


@pytest.mark.usefixtures("context")
def test_a_registered_product_is_indexed_in_the_same_transaction(
    actor: Actor, administrator: Administrator, database: URL
) -> None:
    products.register(Details("T-1", "Café", "", "ud", ""), actor=actor, submission_key=new_key())
    assert stored(administrator, database) == {"T-1": {"t-1", "t", "1", "cafe"}}


@pytest.mark.usefixtures("context")
def test_a_changed_product_leaves_its_former_words(
    actor: Actor, administrator: Administrator, database: URL
) -> None:
    products.register(Details("T-1", "Café", "", "ud", ""), actor=actor, submission_key=new_key())
    ((number,),) = administrator.execute(f"SELECT id FROM `{database.database}`.products")
    terms.index(Product(id=number, code="U1", name="Té", description="verde"))
    assert stored(administrator, database) == {"U1": {"u1", "te", "verde"}}


def test_the_release_indexes_what_an_earlier_one_registered(
    app: Flask, administrator: Administrator, database: URL
) -> None:
    # as the release before does it, which knows of no terms: more than one batch
    rows = ", ".join(f"('P{number:04}', 'Camión', '', 'ud', 1)" for number in range(2100))
    administrator.execute(
        f"INSERT INTO `{database.database}`.products "
        f"(code, name, description, unit_code, created_by_id) VALUES {rows}"
    )
    run = app.test_cli_runner().invoke
    assert run(args=["release", "--check"]).output.splitlines() == [
        "products would be made findable",
        "changed",
    ]
    assert run(args=["release"]).output.splitlines() == ["2100 products made findable", "changed"]
    assert run(args=["release"]).output.splitlines() == ["unchanged"]
    found = stored(administrator, database)
    assert len(found) == 2100
    assert found["P0000"] == {"p0000", "camion"}
