"""A person with a browser, as far as the application can tell."""

from __future__ import annotations

import html
import re
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse


class Browser:
    def __init__(self, app: Flask) -> None:
        self.client = app.test_client()

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.client.get(path, buffered=True, **options)

    def post(self, path: str, data: dict[str, str], **options: Any) -> TestResponse:
        return self.client.post(path, buffered=True, data=data, **options)

    def hidden(self, path: str) -> dict[str, str]:
        """The hidden fields of the form on a page: its tokens."""
        return hidden_fields(self.get(path).text)

    def submit(self, path: str, **fields: str) -> TestResponse:
        """Open the page with the form, fill it in and send it."""
        return self.post(path, self.hidden(path) | fields)

    def login(self, username: str, password: str, **fields: str) -> TestResponse:
        response = self.submit("/login", username=username, password=password, **fields)
        assert response.status_code == 302, response.text
        return response

    def logout(self) -> TestResponse:
        token = hidden_fields(self.get("/").text)
        return self.post("/logout", {"csrf_token": token["csrf_token"]})

    def register(self, code: str, **fields: str) -> TestResponse:
        return self.submit("/products/new", **{"code": code, "name": "Tornillo", "unit": "ud"} | fields)


def hidden_fields(page: str) -> dict[str, str]:
    fields = {}
    for tag in re.findall(r"<input[^>]*type=\"hidden\"[^>]*>", page):
        attributes = dict(re.findall(r'(\w+)="([^"]*)"', tag))
        fields[attributes["name"]] = html.unescape(attributes.get("value", ""))
    return fields
