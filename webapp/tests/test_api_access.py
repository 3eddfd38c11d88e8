from __future__ import annotations

import datetime
from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import URL

from browser import Browser
from inventario.access import SAFE_METHODS
from inventario.models.users import ADMINISTRATOR, OPERATOR, VIEWER
from inventario.services.actors import Actor
from inventario.services.submissions import new_key
from mysql_server import Administrator
from program import BASE, Program, new_token, operations, path_of, problem


@pytest.fixture
def table(administrator: Administrator, database: URL) -> Callable[[str], None]:
    """What happens to users and tokens, done to their tables."""

    def execute(statement: str) -> None:
        administrator.execute(statement.replace("users", f"`{database.database}`.users"))

    return execute


@pytest.fixture
def person(administrator: Administrator, database: URL, empty_tables: None) -> Callable[[str], Actor]:
    """Make somebody with a role."""

    def make(role: str) -> Actor:
        users = f"`{database.database}`.users"
        administrator.execute(
            f"INSERT INTO {users} (username, password_hash, role) VALUES ('somebody', 'x', '{role}')"
        )
        ((number,),) = administrator.execute(f"SELECT id FROM {users} WHERE username = 'somebody'")
        return Actor(number, "somebody", role, "192.0.2.1", "test", "0123456789abcdef")

    return make


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer x", "Basic YTpi", f"Bearer inv_{'A' * 43}", "Bearer é"]
)
def test_nothing_without_a_valid_token(app: Flask, authorization: str) -> None:
    for rule, method in operations(app):
        response = Program(app).ask(
            method, path_of(rule), headers={"Authorization": authorization, "Idempotency-Key": new_key()}
        )
        problem(response, 401, "unauthenticated")
        assert response.headers["WWW-Authenticate"].startswith("Bearer realm=")


def test_a_session_is_no_token(app: Flask, browser: Browser) -> None:
    for rule, method in operations(app):
        response = browser.client.open(
            BASE + path_of(rule), method=method, headers={"Idempotency-Key": new_key()}
        )
        problem(response, 401, "unauthenticated")


def test_a_token_is_no_session(app: Flask, actor: Actor) -> None:
    token = new_token(app, actor)
    response = Browser(app).get("/products", headers={"Authorization": f"Bearer {token}"})
    assert response.status_code == 302


def test_no_answer_sets_a_cookie(program: Program) -> None:
    for response in (program.get("/me"), program.post("/products", {"code": "T", "name": "T", "unit": "ud"})):
        assert response.status_code in (200, 201)
        assert "Set-Cookie" not in response.headers


def test_a_token_that_only_reads(app: Flask, actor: Actor) -> None:
    program = Program(app, new_token(app, actor, may_write=False))
    for rule, method in operations(app):
        response = program.ask(method, path_of(rule), headers={"Idempotency-Key": new_key()})
        if method in SAFE_METHODS:
            assert response.status_code in (200, 404), rule
        else:
            problem(response, 403, "token-reads-only")


def test_a_viewer_changes_nothing(app: Flask, person: Callable[[str], Actor]) -> None:
    program = Program(app, new_token(app, person(VIEWER)))
    for rule, method in operations(app):
        response = program.ask(method, path_of(rule), headers={"Idempotency-Key": new_key()})
        if method in SAFE_METHODS:
            assert response.status_code in (200, 404), rule
        else:
            problem(response, 403, "forbidden")


@pytest.mark.parametrize("role", [OPERATOR, ADMINISTRATOR])
def test_an_operator_registers_and_moves(app: Flask, person: Callable[[str], Actor], role: str) -> None:
    program = Program(app, new_token(app, person(role)))
    product = program.product()
    movement = {"kind": "in", "quantity": "1", "reason": "purchase"}
    assert program.post(f"/products/{product['id']}/movements", movement).status_code == 201
    me = program.get("/me").json
    assert me == {"username": "somebody", "role": role, "may_write": True}


def test_a_deactivated_user(app: Flask, person: Callable[[str], Actor], table: Callable[[str], None]) -> None:
    program = Program(app, new_token(app, person(OPERATOR)))
    table("UPDATE users SET active = 0 WHERE username = 'somebody'")
    problem(program.get("/me"), 401, "unauthenticated")


def test_a_user_who_must_choose_a_password(
    app: Flask, person: Callable[[str], Actor], table: Callable[[str], None]
) -> None:
    program = Program(app, new_token(app, person(OPERATOR)))
    table("UPDATE users SET must_change_password = 1 WHERE username = 'somebody'")
    problem(program.get("/me"), 403, "password-expired")


def test_a_token_that_expired(app: Flask, actor: Actor) -> None:
    long_ago = datetime.datetime(2020, 1, 1)  # noqa: DTZ001 - UTC without a zone, as MySQL has it
    token = new_token(app, actor, expires_at=long_ago)
    problem(Program(app, token).get("/me"), 401, "unauthenticated")


def test_own_writes_travel_in_a_header(program: Program) -> None:
    response = program.post("/products", {"code": "T-1", "name": "Tornillo", "unit": "ud"})
    written = response.headers["X-Inventario-Written"]
    again = program.get("/products", headers={"X-Inventario-Written": written})
    assert again.status_code == 200
    assert "X-Inventario-Written" not in again.headers


@pytest.mark.parametrize("forged", ["x", "source.AAAA.BBBB", "a" * 4000])
def test_a_forged_header_of_own_writes_is_ignored(program: Program, forged: str) -> None:
    assert program.get("/products", headers={"X-Inventario-Written": forged}).status_code == 200


def test_the_document_is_for_everybody_and_its_page_for_people(app: Flask, browser: Browser) -> None:
    document = Program(app).get("/openapi.json")
    assert document.status_code == 200
    assert document.json["openapi"].startswith("3.1")  # type: ignore[index]
    assert Program(app).get("/docs").status_code == 302
    page = browser.get("/api/v1/docs")
    assert page.status_code == 200
    assert 'data-document="/api/v1/openapi.json"' in page.text
    assert "style=" not in page.text
    assert "<script>" not in page.text


def test_the_document_speaks_the_language_of_its_reader(app: Flask) -> None:
    summary = Program(app).get("/openapi.json", headers={"Accept-Language": "es"}).json
    assert summary["paths"]["/api/v1/products"]["get"]["summary"] == "Lista de productos"  # type: ignore[index]


def test_every_operation_is_in_the_document(app: Flask) -> None:
    document = Program(app).get("/openapi.json").json
    assert document is not None
    documented = {(path, method) for path, item in document["paths"].items() for method in item}
    asked = {
        (rule.rule.replace("<id:product_id>", "{product_id}"), method.lower())
        for rule, method in operations(app)
    }
    assert {entry for entry in documented if entry[1] != "parameters"} == asked
