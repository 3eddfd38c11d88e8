"""The forms that pages show, found and filled in as a browser would."""

from __future__ import annotations

import dataclasses
from html.parser import HTMLParser

import people

KEPT = ("csrf_token", "submission_key")
_SAMPLES = {"number": "1", "date": "2026-01-31", "password": people.PASSWORD, "checkbox": "y", "file": ""}


@dataclasses.dataclass
class Form:
    action: str
    method: str
    fields: dict[str, str] = dataclasses.field(default_factory=dict)
    # those that take any text, whatever the page lets people choose
    names: list[str] = dataclasses.field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.method} {self.action}"


class _Forms(HTMLParser):
    def __init__(self, address: str) -> None:
        super().__init__()
        self._address = address
        self._select = ""
        self.found: list[Form] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        if tag == "a" and given.get("href", "").startswith("/"):
            self.links.append(given["href"])
        elif tag == "form":
            method = given.get("method", "get").upper()
            self.found.append(Form(given.get("action") or self._address, method))
        elif tag == "option":
            self._option(given)
        elif tag in ("input", "select", "textarea", "button") and given.get("name") and self.found:
            self._field(tag, given)

    def _field(self, tag: str, given: dict[str, str]) -> None:
        form, name = self.found[-1], given["name"]
        self._select = name if tag == "select" else ""
        kind = given.get("type", "")
        if name not in form.names and name not in KEPT:
            form.names.append(name)
        if tag == "select":
            form.fields.setdefault(name, "")
        elif kind in ("radio", "checkbox") and name in form.fields:
            pass
        elif given.get("value"):
            form.fields.setdefault(name, given["value"])
        else:
            form.fields.setdefault(name, "" if kind == "hidden" else _SAMPLES.get(kind, "Texto 1"))

    def _option(self, given: dict[str, str]) -> None:
        if self._select and not self.found[-1].fields[self._select]:
            self.found[-1].fields[self._select] = given.get("value", "")


def read(page: str, address: str) -> _Forms:
    """The forms and the links of a page."""
    parser = _Forms(address)
    parser.feed(page)
    return parser
