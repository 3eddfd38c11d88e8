from __future__ import annotations

import json

import pytest
from flask import Flask
from sqlalchemy import URL

from browser import Browser
from conftest import USERNAME, make_app
from faulty_network import Relay
from inventario.access import public
from inventario.database import OutcomeUnknown
from mysql_server import MysqlServer


def test_not_found(anonymous: Browser) -> None:
    response = anonymous.get("/nowhere")
    assert response.status_code == 404
    assert "No encontrado" in response.text
    assert "Referencia:" in response.text


def test_not_allowed_names_what_is(anonymous: Browser) -> None:
    response = anonymous.get("/logout")
    assert response.status_code == 405
    assert set(response.headers["Allow"].split(", ")) == {"OPTIONS", "POST"}
    assert "Acción no disponible" in response.text


def test_an_unhandled_exception_is_logged_and_not_shown(
    database: URL, capsys: pytest.CaptureFixture[str]
) -> None:
    app = make_app(database)
    app.config.update(TESTING=False, PROPAGATE_EXCEPTIONS=False)

    @app.get("/broken")
    @public
    def broken() -> str:
        raise ValueError("details for the log")

    response = Browser(app).get("/broken", headers={"X-Request-ID": "request-from-nginx"})
    assert response.status_code == 500
    assert "details" not in response.text
    assert "request-from-nginx" in response.text
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (failure,) = (line for line in lines if line["level"] == "ERROR")
    assert "details for the log" in failure["traceback"]
    assert failure["request_id"] == "request-from-nginx"


def test_a_database_that_is_away(server: MysqlServer, database: URL, password: str) -> None:
    relay = Relay(server.address)
    node = make_app(relay.url(database), database_read_budget="0.5")
    browser = Browser(node)
    browser.login(USERNAME, password)
    relay.refuse()
    for path in ("/", "/products", "/products/new"):
        response = browser.get(path)
        assert response.status_code == 503, path
        assert "La base de datos no responde" in response.text
        assert response.headers["Retry-After"] == "5"
    assert Browser(node).get("/").status_code == 200
    relay.close()


def test_a_broken_statement_shows_no_parameters(app: Flask, capsys: pytest.CaptureFixture[str]) -> None:
    from sqlalchemy import text
    from sqlalchemy.exc import DBAPIError

    from inventario.database import db, reads

    @reads
    def broken() -> None:
        db.session.execute(text("SELECT nothing FROM nowhere WHERE a = :secret"), {"secret": "s3cr3t"})

    with app.test_request_context(), pytest.raises(DBAPIError) as failed:
        broken()
    assert "s3cr3t" not in str(failed.value)


def test_a_change_whose_outcome_is_not_known(database: URL) -> None:
    app = make_app(database)

    @app.get("/unknown")
    @public
    def unknown() -> str:
        raise OutcomeUnknown

    response = Browser(app).get("/unknown")
    assert response.status_code == 503
    assert "no se sabe si lo último que ha enviado se ha guardado" in response.text
