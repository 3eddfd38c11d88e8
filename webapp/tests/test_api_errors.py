from __future__ import annotations

import json

import pytest
from flask import Flask
from sqlalchemy import URL
from werkzeug.test import TestResponse

from browser import Browser
from conftest import make_app
from faulty_network import Relay
from inventario.access import SAFE_METHODS, public
from inventario.services.actors import Actor
from mysql_server import Administrator, MysqlServer
from program import BASE, Program, new_token, operations, path_of, problem

BODY = {"code": "T-1", "name": "Tornillo", "unit": "ud"}


def send(program: Program, data: bytes, content_type: str = "application/json") -> TestResponse:
    headers = {"Idempotency-Key": "k", "Content-Type": content_type}
    return program.ask("POST", "/products", headers=headers, data=data)


@pytest.mark.parametrize("path", ["/nowhere", "/", "", "/products/1/nothing", "/../x", "/%00", "/%ff"])
def test_not_found(app: Flask, path: str) -> None:
    problem(Program(app).get(path), 404, "not-found")


def test_outside_of_the_version(app: Flask) -> None:
    problem(Browser(app).get("/api/v2/products"), 404, "not-found")


def test_pages_stay_pages(anonymous: Browser) -> None:
    for path in ("/nowhere", "/apiary", "/api"):
        response = anonymous.get(path)
        assert response.status_code == 404
        assert response.mimetype == "text/html"


@pytest.mark.parametrize("method", ["DELETE", "PATCH", "PUT", "TRACE"])
def test_a_method_that_is_not_there(program: Program, method: str) -> None:
    response = program.ask(method, "/products")
    problem(response, 405, "method-not-allowed")
    assert set(response.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS", "POST"}


def test_to_the_right_address_without_a_page(program: Program) -> None:
    response = program.get("//products")
    assert response.status_code == 308
    assert response.data == b""
    assert "Content-Type" not in response.headers


@pytest.mark.parametrize(
    "data",
    [
        b"", b"{", b"nothing", b'{"code": NaN}', b'{"code": Infinity}', b'{"code": -Infinity}',
        b'{"code": "a", "code": "b"}', b"[" * 30_000, b'{"a":' * 10_000, b'"\xff"', b"\xef\xbb\xbf{}",
        json.dumps(BODY).encode("utf-16"), b"\x00", b'{"code": "\x00"}', b"1" * 5000, b"{} {}",
    ],
)  # fmt: skip
def test_what_is_no_json(program: Program, data: bytes) -> None:
    problem(send(program, data), 400, "malformed")


@pytest.mark.parametrize("data", [b"[]", b"1", b"null", b'"text"', b"1e400", b"[{}]", b"true"])
def test_json_that_is_no_object(program: Program, data: bytes) -> None:
    problem(send(program, data), 422, "invalid")
    response = program.ask(
        "POST",
        "/products/1/movements",
        headers={"Idempotency-Key": "k", "Content-Type": "application/json"},
        data=data,
    )
    problem(response, 422, "invalid")


@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "text/html", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
     "application/xml", "application/json; charset=latin-1"],
)  # fmt: skip
def test_another_content_type(program: Program, content_type: str) -> None:
    data = json.dumps(BODY).encode()
    problem(send(program, data, content_type), 415, "unsupported-media-type")


def test_too_large(program: Program) -> None:
    problem(send(program, b" " * 100_000), 413, "too-large")


@pytest.mark.parametrize("key", ["", "x" * 256, "é"])
def test_every_change_needs_its_key(app: Flask, program: Program, key: str) -> None:
    for rule, method in operations(app):
        if method not in SAFE_METHODS:
            response = program.ask(method, path_of(rule), headers={"Idempotency-Key": key} if key else {})
            problem(response, 400, "idempotency-key-missing")


def test_a_form_has_no_key_for_programs(program: Program) -> None:
    response = program.ask("POST", "/products/1/retire", data={"submission_key": "0" * 32})
    problem(response, 400, "idempotency-key-missing")


def test_errors_are_told_by_field_and_in_the_language_of_the_program(program: Program) -> None:
    body = problem(program.post("/products", {"code": 7, "extra": 1}), 422, "invalid")
    assert body["errors"]["json"]["name"] == ["Falta este campo."]
    assert body["errors"]["json"]["extra"] == ["Este campo no se conoce."]
    assert body["instance"] == f"{BASE}/products"


def test_a_bug_shows_nothing_of_itself(
    database: URL, empty_tables: None, capsys: pytest.CaptureFixture[str]
) -> None:
    app = make_app(database)
    app.config.update(TESTING=False, PROPAGATE_EXCEPTIONS=False)

    @app.get(f"{BASE}/broken")
    @public
    def broken() -> str:
        raise ValueError("details for the log")

    body = problem(Program(app).get("/broken"), 500, "internal")
    assert "details" not in json.dumps(body)
    assert "details for the log" in capsys.readouterr().out


def test_a_database_that_is_away(
    app: Flask, actor: Actor, server: MysqlServer, database: URL, administrator: Administrator
) -> None:
    token = new_token(app, actor)
    relay = Relay(server.address)
    node = make_app(relay.url(database), database_read_budget="0.5")
    program = Program(node, token)
    assert program.get("/me").status_code == 200
    relay.refuse()
    for path in ("/me", "/products", "/movements"):
        response = program.get(path)
        problem(response, 503, "unavailable")
        assert response.headers["Retry-After"] == "5"
    relay.close()


def test_a_database_that_only_reads(
    app: Flask, actor: Actor, database: URL, administrator: Administrator
) -> None:
    program = Program(make_app(database, database_write_budget="0.3"), new_token(app, actor))
    with administrator.read_only():
        response = program.post("/products", BODY, key="k")
        assert program.get("/products").status_code == 200
    problem(response, 503, "unavailable")
    assert response.headers["Retry-After"] == "5"
    assert program.post("/products", BODY, key="k").status_code == 201
