from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
from flask import Flask
from sqlalchemy import event

from inventario.database import db
from program import Program, problem

BODY = {"code": "T-1", "name": "Tornillo", "unit": "kg"}
FULL = BODY | {"description": "De acero\nlargo", "category": "Ferretería", "minimum": "2.5"}


def test_register_and_read(program: Program) -> None:
    response = program.post("/products", FULL)
    assert response.status_code == 201
    product = response.json
    assert product is not None
    assert isinstance(product["category_id"], int)
    assert product | {"id": 0, "category_id": 0, "created_at": "", "updated_at": ""} == {
        "id": 0,
        "code": "T-1",
        "name": "Tornillo",
        "description": "De acero\nlargo",
        "unit": "kg",
        "category": "Ferretería",
        "category_id": 0,
        "active": True,
        "quantity": "0.000",
        "minimum": "2.500",
        "low": True,
        "version": 1,
        "created_at": "",
        "updated_at": "",
    }
    for moment in ("created_at", "updated_at"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", product[moment])
    assert response.headers["ETag"] == '"1"'
    assert response.headers["Location"] == f"/api/v1/products/{product['id']}"
    again = program.get(f"/products/{product['id']}")
    assert again.json == product
    assert again.headers["ETag"] == '"1"'


def test_what_is_left_out_is_empty(program: Program) -> None:
    product = program.product("T-1")
    assert (product["description"], product["category"], product["minimum"]) == ("", None, None)


def test_a_change_counts_once_and_answers_the_same(program: Program) -> None:
    first, second = (program.post("/products", BODY, key="order 7") for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json == second.json
    assert len(program.get("/products").json["items"]) == 1  # type: ignore[index]


def test_a_key_with_another_content(program: Program) -> None:
    program.post("/products", BODY, key="order 7")
    response = program.post("/products", BODY | {"code": "T-2"}, key="order 7")
    problem(response, 422, "idempotency-key-reused")


def test_the_same_product_after_it_got_another_code(program: Program) -> None:
    first = program.post("/products", BODY, key="order 7")
    product = first.json
    assert product is not None
    program.put(f"/products/{product['id']}", BODY | {"code": "T-2"}, match='"1"')
    again = program.post("/products", BODY, key="order 7")
    assert again.status_code == 201
    assert again.json is not None
    assert (again.json["id"], again.json["code"]) == (product["id"], "T-2")


def test_a_code_that_is_taken(program: Program) -> None:
    program.product("CAMIÓN")
    body = problem(program.post("/products", BODY | {"code": "camion"}), 409, "code-taken")
    assert list(body["errors"]["json"]) == ["code"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("code", ""),
        ("code", " T-1"),
        ("code", "-1"),
        ("code", "T\n1"),
        ("code", "x" * 41),
        ("code", 7),
        ("code", None),
        ("name", ""),
        ("name", "\u202eT"),
        ("name", "T\x00"),
        ("name", "\ud800"),
        ("name", ["T"]),
        ("description", "\x00"),
        ("description", None),
        ("unit", 7),
        ("category", 7),
        ("category", ""),
        ("minimum", 2.5),
        ("minimum", "2,5"),
        ("minimum", "-1"),
        ("minimum", "1e3"),
        ("minimum", "NaN"),
        ("minimum", "1.2345"),
        ("minimum", "9" * 13),
        ("surprise", "x"),
        ("id", 7),
    ],
)
def test_what_a_field_may_not_be(program: Program, field: str, value: object) -> None:
    body = problem(program.post("/products", FULL | {field: value}), 422, "invalid")
    assert list(body["errors"]["json"]) == [field]


def test_a_unit_that_is_not_there(program: Program) -> None:
    body = problem(program.post("/products", FULL | {"unit": "nada"}), 422, "not-possible")
    assert list(body["errors"]["json"]) == ["unit"]


def test_text_of_several_lines_may_be_empty_or_begin_with_a_space(program: Program) -> None:
    assert program.product("T-1", description="")["description"] == ""
    assert program.product("T-2", description=" \r\n\tDe  acero\r\n")["description"] == "De acero"


def test_more_decimals_than_the_unit_has(program: Program) -> None:
    body = problem(program.post("/products", FULL | {"unit": "ud"}), 422, "not-possible")
    assert list(body["errors"]["json"]) == ["minimum"]


def test_change(program: Program) -> None:
    product = program.product()
    response = program.put(f"/products/{product['id']}", FULL | {"name": "Tuerca"}, match='"1"')
    assert response.status_code == 200
    changed = response.json
    assert changed is not None
    assert (changed["name"], changed["category"], changed["version"]) == ("Tuerca", "Ferretería", 2)
    assert changed["updated_at"].endswith("Z")
    assert response.headers["ETag"] == '"2"'
    assert program.get(f"/products/{product['id']}").json == changed


def test_nobody_overwrites_the_change_of_another(program: Program) -> None:
    product = program.product()
    path = f"/products/{product['id']}"
    assert program.put(path, BODY | {"name": "Tuerca"}, match='"1"', key="first").status_code == 200
    problem(program.put(path, BODY | {"name": "Clavo"}, match='"1"'), 412, "changed-meanwhile")
    problem(program.put(path, BODY | {"name": "Clavo"}, match=None), 428, "precondition-required")
    for strange in ("*", "1", 'W/"2"', '"x"', '"1", "2"'):
        problem(program.put(path, BODY | {"name": "Clavo"}, match=strange), 400, "malformed")
    # a repetition is no second change
    assert program.put(path, BODY | {"name": "Tuerca"}, match='"1"', key="first").status_code == 200
    assert program.get(path).json["name"] == "Tuerca"  # type: ignore[index]


def test_retire_and_restore(program: Program) -> None:
    path = f"/products/{program.product()['id']}"
    for _ in range(2):
        response = program.post(f"{path}/retire", key="enough")
        assert response.json is not None
        assert (response.json["active"], response.json["version"]) == (False, 2)
    problem(program.post(f"{path}/restore", key="enough"), 422, "idempotency-key-reused")
    assert program.post(f"{path}/restore").json["active"] is True  # type: ignore[index]


@pytest.mark.parametrize("path", ["", "/stock", "/movements"])
@pytest.mark.parametrize("number", ["999999", "0", "-1", "x", "1.5", "9" * 30, "9" * 5000])
def test_a_product_that_is_not_there(program: Program, path: str, number: str) -> None:
    problem(program.get(f"/products/{number}{path}"), 404, "not-found")


@pytest.mark.parametrize("action", ["retire", "restore"])
def test_a_change_of_a_product_that_is_not_there(program: Program, action: str) -> None:
    problem(program.post(f"/products/999999/{action}"), 404, "not-found")
    problem(program.put("/products/999999", BODY, match='"1"'), 404, "not-found")


def test_stock(program: Program) -> None:
    product = program.product()
    stock = program.get(f"/products/{product['id']}/stock").json
    assert stock == {
        "product_id": product["id"],
        "code": "T-1",
        "quantity": "0.000",
        "unit": "kg",
        "decimals": 3,
        "active": True,
    }


def test_pages(program: Program) -> None:
    codes = [f"T-{number}" for number in range(5)]
    for code in codes:
        program.product(code)
    found: list[str] = []
    path = "/products?limit=2"
    lengths = []
    while path:
        response = program.get(path)
        assert response.json is not None
        found += [product["code"] for product in response.json["items"]]
        lengths.append(len(response.json["items"]))
        link = response.headers.get("Link", "")
        assert bool(link) == bool(response.json["next"])
        path = ""
        if link:
            target = re.fullmatch(r'<(.+)>; rel="next"', link)
            assert target is not None
            parts = urlsplit(target[1])
            assert f"cursor={response.json['next']}" in parts.query
            path = f"{parts.path}?{parts.query}".removeprefix("/api/v1")
    assert found == codes
    assert lengths == [2, 2, 1]


def test_a_row_of_a_list_is_the_product_itself(program: Program) -> None:
    product = program.product(category="Ferretería", minimum="2")
    assert program.get("/products").json == {"items": [product], "next": None}


@pytest.mark.parametrize(
    ("query", "codes"),
    [
        ("", ["T-1", "T-2", "T-3"]),
        ("state=active", ["T-1", "T-3"]),
        ("state=retired", ["T-2"]),
        ("low=true", ["T-3"]),
        ("low=false&unit=ud", ["T-2"]),
        ("order=desc", ["T-3", "T-2", "T-1"]),
        ("sort=name", ["T-3", "T-2", "T-1"]),
        ("sort=quantity&order=desc&unit=kg", ["T-3", "T-1"]),
        ("q=tornillo&unit=kg", ["T-1"]),
        ("unit=nothing", []),
        ("category_id=999999", []),
    ],
)
def test_filters_and_orders(program: Program, query: str, codes: list[str]) -> None:
    program.product("T-1", name="Tornillo")
    retired = program.product("T-2", name="Clavo", unit="ud")
    program.post(f"/products/{retired['id']}/retire")
    program.product("T-3", name="Arandela", minimum="1")
    body = program.get(f"/products?{query}").json
    assert body is not None
    assert [product["code"] for product in body["items"]] == codes


def test_a_cursor_belongs_to_its_order(program: Program) -> None:
    for code in ("T-1", "T-2"):
        program.product(code)
    cursor = program.get("/products?limit=1").json["next"]  # type: ignore[index]
    problem(program.get(f"/products?limit=1&sort=name&cursor={cursor}"), 422, "invalid")


def test_search(program: Program) -> None:
    program.product("T-1", name="Camión rojo")
    program.product("T-2", name="Coche rojo")
    response = program.get("/products?q=CAMION%20rojo")
    assert [product["code"] for product in response.json["items"]] == ["T-1"]  # type: ignore[index]


@pytest.mark.parametrize(
    "query",
    [
        "limit=0", "limit=201", "limit=x", "limit=1_0", "limit=%2B5", "limit=1&limit=2", "limit=", "limit=1.5",
        "limit=" + "9" * 5000, "cursor=", "cursor=%00", "cursor=!", "cursor=bnVsbA", "cursor=NQ", "cursor=W10",
        "cursor=" + "A" * 5000, "surprise=1", "state=gone", "low=1",
        "sort=id", "order=up", "category_id=x", "unit=",
        "q=" + "x" * 101, "q=%00", "q=%ED%A0%80%00",
    ],
)  # fmt: skip
def test_strange_queries(program: Program, query: str) -> None:
    assert "query" in problem(program.get(f"/products?{query}"), 422, "invalid")["errors"]


def test_a_list_costs_a_handful_of_statements(program: Program, app: Flask) -> None:
    for number in range(30):
        program.product(f"T-{number}", category=f"C-{number}")
    for path in ("/products", "/movements"):
        statements: list[str] = []

        def note(*arguments: object, statements: list[str] = statements) -> None:
            statements.append(str(arguments[2]))

        with app.app_context():
            engines = list(db.engines.values())
        for engine in engines:
            event.listen(engine, "before_cursor_execute", note)
        assert program.get(path).status_code == 200
        for engine in engines:
            event.remove(engine, "before_cursor_execute", note)
        asked = [statement for statement in statements if not statement.startswith("SET")]
        assert 2 <= len(asked) <= 6, asked
