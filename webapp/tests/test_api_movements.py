from __future__ import annotations

from typing import Any

import pytest

from program import Program, problem

IN = {"kind": "in", "quantity": "10", "reason": "purchase", "note": "Albarán 4711"}
OUT = {"kind": "out", "quantity": "2.5", "reason": "sale"}
COUNT = {"kind": "adjustment", "quantity": "7", "reason": "count"}


@pytest.fixture
def path(program: Program) -> str:
    return f"/products/{program.product()['id']}/movements"


def items(program: Program, path: str) -> list[dict[str, Any]]:
    body = program.get(path).json
    assert body is not None
    found: list[dict[str, Any]] = body["items"]
    return found


def test_in_out_and_count(program: Program, path: str) -> None:
    answers = [program.post(path, body) for body in (IN, OUT, COUNT)]
    assert [answer.status_code for answer in answers] == [201, 201, 201]
    moved = [(answer.json["quantity"], answer.json["balance"]) for answer in answers if answer.json]
    assert moved == [("10.000", "10.000"), ("-2.500", "7.500"), ("-0.500", "7.000")]
    stock = program.get(path.removesuffix("/movements") + "/stock").json
    assert stock is not None
    assert stock["quantity"] == "7.000"


def test_lists_have_the_newest_first(program: Program, path: str) -> None:
    other = f"/products/{program.product('T-2')['id']}/movements"
    for target, body in ((path, IN), (other, IN), (path, OUT)):
        assert program.post(target, body).status_code == 201
    assert [row["kind"] for row in items(program, path)] == ["out", "in"]
    assert [row["product_code"] for row in items(program, "/movements")] == ["T-1", "T-2", "T-1"]
    (out,) = items(program, "/movements?kind=out")
    assert out["created_at"].endswith("Z")
    assert {key: out[key] for key in ("kind", "quantity", "balance", "reason", "note", "username")} == {
        "kind": "out",
        "quantity": "-2.500",
        "balance": "7.500",
        "reason": "sale",
        "note": "",
        "username": "ana",
    }


@pytest.mark.parametrize("of_product", [True, False])
def test_pages(program: Program, path: str, of_product: bool) -> None:
    for _ in range(5):
        program.post(path, IN)
    target = path if of_product else "/movements"
    balances: list[str] = []
    cursor = ""
    for _ in range(3):
        body = program.get(f"{target}?limit=2{cursor}").json
        assert body is not None
        balances += [row["balance"] for row in body["items"]]
        cursor = f"&cursor={body['next']}"
    assert balances == ["50.000", "40.000", "30.000", "20.000", "10.000"]
    assert cursor == "&cursor=None"


@pytest.mark.parametrize("cursor", ["x", "0", "-1", "W10", "9" * 19, "%00", ""])
def test_a_cursor_of_something_else(program: Program, cursor: str) -> None:
    problem(program.get(f"/movements?cursor={cursor}"), 422, "invalid")


def test_a_movement_counts_once(program: Program, path: str) -> None:
    first, second = (program.post(path, IN, key="4711/1") for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json == second.json
    assert len(items(program, path)) == 1
    problem(program.post(path, IN | {"quantity": "11"}, key="4711/1"), 422, "idempotency-key-reused")


def test_more_than_there_is(program: Program, path: str) -> None:
    body = problem(program.post(path, OUT), 409, "not-enough")
    assert "0" in body["detail"]


def test_a_retired_product(program: Program, path: str) -> None:
    program.post(path.removesuffix("/movements") + "/retire")
    problem(program.post(path, IN), 409, "product-retired")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"kind": "lost"}, "kind"),
        ({"kind": None}, "kind"),
        ({"kind": ["in"]}, "kind"),
        ({"quantity": "0"}, "quantity"),
        ({"quantity": "0.000"}, "quantity"),
        ({"quantity": "-1"}, "quantity"),
        ({"quantity": 1}, "quantity"),
        ({"quantity": "Infinity"}, "quantity"),
        ({"quantity": "9" * 5000}, "quantity"),
        ({"quantity": "1.0001"}, "quantity"),
        ({"quantity": "1\n"}, "quantity"),
        ({"reason": "sale"}, "reason"),
        ({"reason": ""}, "reason"),
        ({"note": "x" * 501}, "note"),
        ({"note": "\x00"}, "note"),
        ({"balance": "1"}, "balance"),
    ],
)
def test_what_a_movement_may_not_be(program: Program, path: str, change: dict[str, Any], field: str) -> None:
    assert field in problem(program.post(path, IN | change), 422, "invalid")["errors"]["json"]
    assert items(program, path) == []


def test_finer_than_the_unit(program: Program) -> None:
    path = f"/products/{program.product('T-2', unit='ud')['id']}/movements"
    body = problem(program.post(path, IN | {"quantity": "1.5"}), 422, "not-possible")
    assert list(body["errors"]["json"]) == ["quantity"]


def test_a_product_that_is_not_there(program: Program) -> None:
    problem(program.post("/products/999999/movements", IN), 404, "not-found")
