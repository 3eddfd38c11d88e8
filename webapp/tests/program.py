"""A program that uses the API, as far as the application can tell."""

from __future__ import annotations

import datetime
from typing import Any

from flask import Flask
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from inventario.services import tokens
from inventario.services.actors import Actor
from inventario.services.submissions import new_key
from inventario.services.tokens import NewToken

BASE = "/api/v1"
PUBLIC = {"/api/v1/openapi.json"}
# for people, who have sessions
WITH_SESSION = {"/api/v1/docs"}


def operations(app: Flask) -> list[tuple[Rule, str]]:
    """Every route and method of the API that needs a token."""
    found = [
        (rule, method)
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith(BASE) and rule.rule not in PUBLIC | WITH_SESSION
        for method in sorted((rule.methods or set()) - {"OPTIONS", "HEAD"})
    ]
    assert len(found) > 10
    return found


def path_of(rule: Rule) -> str:
    return rule.rule.removeprefix(BASE).replace("<id:product_id>", "1")


def new_token(
    app: Flask, actor: Actor, *, may_write: bool = True, expires_at: datetime.datetime | None = None
) -> str:
    key = new_key()
    made = tokens.new_token(b"tests", actor.user_id or 0, key)
    with app.test_request_context():
        new = NewToken("Prueba", may_write=may_write, expires_at=expires_at)
        return tokens.create(new, made, actor=actor, submission_key=key)


class Program:
    def __init__(self, app: Flask, token: str = "") -> None:
        self._client = app.test_client()
        self._authorization = {"Authorization": f"Bearer {token}"} if token else {}

    def ask(
        self, method: str, path: str, *, headers: dict[str, str] | None = None, **options: Any
    ) -> TestResponse:
        """Send exactly this."""
        return self._client.open(
            BASE + path, method=method, headers=self._authorization | (headers or {}), buffered=True, **options
        )

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.ask("GET", path, **options)

    def post(self, path: str, json: Any = None, *, key: str | None = None, **options: Any) -> TestResponse:
        """A change of its own, unless a key says that it was sent before."""
        return self._change("POST", path, json, key, **options)

    def put(
        self, path: str, json: Any = None, *, match: str | None, key: str | None = None, **options: Any
    ) -> TestResponse:
        headers = {} if match is None else {"If-Match": match}
        return self._change("PUT", path, json, key, headers=headers, **options)

    def product(self, code: str = "T-1", **fields: Any) -> dict[str, Any]:
        """Register a product; what the answer says of it."""
        response = self.post("/products", {"code": code, "name": "Tornillo", "unit": "kg"} | fields)
        assert response.status_code == 201, response.text
        return dict(response.get_json())

    def _change(
        self,
        method: str,
        path: str,
        json: Any,
        key: str | None,
        headers: dict[str, str] | None = None,
        **options: Any,
    ) -> TestResponse:
        headers = {"Idempotency-Key": key or new_key()} | (headers or {})
        if json is not None:
            options["json"] = json
        return self.ask(method, path, headers=headers, **options)


def problem(response: TestResponse, status: int, kind: str) -> dict[str, Any]:
    """Hold an answer against what RFC 9457 and our own rules ask of it; its body."""
    assert response.status_code == status, response.text
    assert response.content_type == "application/problem+json"
    body: dict[str, Any] = response.get_json()
    assert body["type"] == f"urn:inventario:problem:{kind}"
    assert body["status"] == status
    assert body["title"]
    assert body["detail"]
    assert body["request_id"] == response.headers["X-Request-ID"]
    assert set(body) <= {"type", "title", "status", "detail", "instance", "request_id", "errors"}
    return body
