"""What people type, and what no browser sends: every form and address of the application, found by looking.

Forms are those that the pages show (forms_of_pages), addresses those of the URL map: a new page is tested as
soon as another links to it.
"""

from __future__ import annotations

import collections
from collections.abc import Iterator
from urllib.parse import quote, urlencode, urlsplit

import pytest
from flask import Flask
from sqlalchemy import URL
from werkzeug.exceptions import HTTPException
from werkzeug.test import TestResponse

import people
from browser import Browser
from conftest import make_app
from forms_of_pages import Form, read
from inventario.models.users import ADMINISTRATOR
from inventario.services.submissions import new_key
from mysql_server import Administrator
from routes import all_routes

XSS = "\"'><script>alert(1)</script>"
SQL = "' OR 1=1; -- \\%_\""
FORMULA = "=1+cmd|' /C calc'!A0"
UNICODE = "\u202eﷺ\U0001f4a3\ufeff\u0000é"
# pages that look alike are looked at this often
_VISITS = 3


@pytest.fixture
def admin(app: Flask) -> Browser:
    """An administrator, in an application where there is something of everything."""
    people.add(app, "luz", "viewer")
    browser = people.signed_in(app, "eva", ADMINISTRATOR)
    browser.register("T-1")
    browser.submit("/categories/new", name="Ferretería")
    browser.post(
        "/account/tokens", browser.hidden("/account/tokens") | {"name": "a", "access": "read", "days": "30"}
    )
    return browser


def endpoint_of(app: Flask, address: str) -> str:
    try:
        return str(app.url_map.bind("localhost").match(urlsplit(address).path, method="GET")[0])
    except HTTPException:
        return ""


def pages(browser: Browser, app: Flask) -> Iterator[tuple[str, TestResponse]]:
    """What can be reached by links, and what the URL map names, a few times for each endpoint."""
    waiting = collections.deque(
        [
            "/",
            *(route.address for route in all_routes(app) if route.method == "GET" and "<" not in route.address),
        ]
    )
    seen: set[str] = set()
    visits: collections.Counter[str] = collections.Counter()
    while waiting:
        address = waiting.popleft()
        endpoint = endpoint_of(app, address)
        if address in seen or visits[endpoint] >= _VISITS or "static" in endpoint:
            continue
        seen.add(address)
        response = browser.get(address)
        assert response.status_code < 500, address
        if response.status_code == 200:
            visits[endpoint] += 1
        if response.mimetype == "text/html":
            waiting.extend(read(response.text, address).links)
            yield address, response


def forms(browser: Browser, app: Flask, method: str) -> list[tuple[str, Form]]:
    """Each form once, with the page that shows it."""
    found: dict[tuple[str, tuple[str, ...]], tuple[str, Form]] = {}
    for address, response in pages(browser, app):
        if response.status_code == 200:
            for form in read(response.text, address).found:
                if form.method == method and form.names:
                    found.setdefault((form.action, tuple(form.names)), (address, form))
    return list(found.values())


def send(browser: Browser, form: Form, **changed: str) -> TestResponse:
    """The form, filled in as a person would, but for what is changed. A new one each time."""
    kept = {"csrf_token": form.fields.get("csrf_token", ""), "submission_key": new_key()}
    return browser.post(form.action, form.fields | kept | changed)


def test_the_walk_finds_the_forms(app: Flask, admin: Browser) -> None:
    actions = {form.action for _, form in forms(admin, app, "POST")}
    assert {"/people/new", "/account/password", "/account/tokens", "/account/preferences"} <= actions
    assert "/products/new" in actions
    assert any(action.startswith("/people/") and action.endswith("/role") for action in actions)
    assert {form.action for _, form in forms(admin, app, "GET")} >= {"/products", "/people"}


@pytest.mark.parametrize("text", [XSS, SQL, FORMULA, UNICODE], ids=["xss", "sql", "formula", "unicode"])
def test_every_field_takes_any_text(app: Flask, admin: Browser, text: str) -> None:
    for page, form in forms(admin, app, "POST"):
        for name in form.names:
            response = send(admin, form, **{name: text})
            assert response.status_code < 500, (page, form, name)
            assert "<script>alert" not in response.text, (page, form, name)
    for page, response in pages(admin, app):
        assert "<script>alert" not in response.text, page


def names_of_queries(browser: Browser, app: Flask) -> list[str]:
    names = {name for _, form in forms(browser, app, "GET") for name in form.names}
    return sorted(
        names | {"after", "before", "code", "days", "format", "ids", "key", "next", "page", "version"}
    )


def ask_with(browser: Browser, app: Flask, query: dict[str, str]) -> None:
    """Every address, with this query."""
    for route in all_routes(app):
        if route.method != "GET" or "static" in route.endpoint or route.for_programs:
            continue
        response = browser.get(f"{route.address}?{urlencode(query)}")
        assert response.status_code < 500, (route, query)
        if response.mimetype == "text/html":
            assert "<script>alert" not in response.text, (route, query)


def test_every_query_takes_any_text(app: Flask, admin: Browser) -> None:
    for name in names_of_queries(admin, app):
        ask_with(admin, app, {name: f"{XSS}{SQL}"})


@pytest.mark.parametrize("text", ["-1", "9" * 40, "NaN", "", "x" * 5000, "\x00", "ñ,;|", "2026-99-99", "[]"])
def test_all_of_a_query_takes_any_text(app: Flask, admin: Browser, text: str) -> None:
    ask_with(admin, app, dict.fromkeys(names_of_queries(admin, app), text))


def test_metacharacters_find_what_they_say(app: Flask, admin: Browser) -> None:
    """A quote or a wildcard is text: it does not make a search find everything."""
    for text in (SQL, "%", "_", "' OR ''='", "\\"):
        for path in ("/products", "/people"):
            page = admin.get(f"{path}?{urlencode({'q': text})}").text
            assert "T-1" not in page, (path, text)
            assert ">luz</a>" not in page, (path, text)


@pytest.mark.parametrize(
    "tail",
    ["%ff", "%00", "%ed%a0%80", "%c0%af..", "..%2f..%2fetc%2fpasswd", "%", quote("ñ" * 2000), "1e9", "-1"],
)
def test_no_address_is_too_odd(app: Flask, admin: Browser, tail: str) -> None:
    for route in all_routes(app):
        if "static" in route.endpoint and route.method != "GET":
            continue
        parent = route.address.rpartition("/")[0]
        response = admin.client.open(f"{parent}/{tail}", method="GET", buffered=True)
        assert response.status_code < 500, (parent, tail)
        assert "root:" not in response.text


@pytest.mark.parametrize(
    "query", ["q=%ff%fe", "q=%ed%a0%80", "q=%00", "q[]=1&q[x]=2", "q=1&" * 500, "%ff=%fe", "&&&=&=", "q"]
)
def test_no_query_is_too_odd(app: Flask, admin: Browser, query: str) -> None:
    for route in all_routes(app):
        if route.method == "GET" and "static" not in route.endpoint:
            assert admin.get(f"{route.address}?{query}").status_code < 500, route


BODIES = {
    "too large": (b"a=" + b"x" * 70_000, "application/x-www-form-urlencoded"),
    "too many fields": (b"a=1&" * 5_000, "application/x-www-form-urlencoded"),
    "no form": (b"\xff\xfe\x00\x01" * 10, "application/x-www-form-urlencoded"),
    "no type": (b"{", ""),
    "half JSON": (b'{"a": [', "application/json"),
    "deep JSON": (b"[" * 50_000, "application/json"),
    "no parts": (b"--x\r\n", "multipart/form-data; boundary=x"),
    "no boundary": (b"--x\r\n", "multipart/form-data"),
    "a nameless part": (b"--x\r\n\r\nabc\r\n--x--", "multipart/form-data; boundary=x"),
    "a wrong charset": (b"a=\xe9", "application/x-www-form-urlencoded; charset=utf-7"),
}


@pytest.mark.parametrize("body", BODIES)
def test_every_change_takes_any_body(app: Flask, admin: Browser, body: str) -> None:
    """Also of those who hold the token of a form: they can send it in a header."""
    data, kind = BODIES[body]
    token = admin.hidden("/")["csrf_token"]
    bearer = people.token(app, "eva")
    headers = {"X-CSRFToken": token, "Idempotency-Key": "odd", "Authorization": f"Bearer {bearer}"}
    for route in all_routes(app):
        if not route.changes or route.endpoint == "sessions.logout":
            continue
        response = admin.client.open(
            route.address,
            method=route.method,
            data=data,
            content_type=kind or None,
            headers=headers,
            buffered=True,
        )
        assert response.status_code < 500, route


def test_what_is_too_large_is_said(admin: Browser) -> None:
    fields = admin.hidden("/products/new") | {"description": "x" * 70_000}
    response = admin.post("/products/new", fields)
    assert response.status_code == 413
    assert "Demasiado grande" in response.text


@pytest.mark.parametrize(
    "target", ["https://example.org/", "//example.org", "/\\example.org", "\\/example.org"]
)
def test_nothing_leads_away(app: Flask, admin: Browser, target: str) -> None:
    names = ("next", "back", "return", "return_to", "url", "redirect", "target")
    token = admin.hidden("/")["csrf_token"]
    query = urlencode(dict.fromkeys(names, target))
    for route in all_routes(app):
        if route.for_programs or route.endpoint == "sessions.logout" or "static" in route.endpoint:
            continue
        data = {"csrf_token": token, "submission_key": new_key(), "language": "es", "theme": "auto"}
        data |= dict.fromkeys(names, target)
        response = admin.client.open(
            f"{route.address}?{query}",
            method=route.method,
            data=data if route.changes else None,
            headers={"Referer": "https://example.org/", "X-Forwarded-Host": "localhost"},
            buffered=True,
        )
        if response.location:
            assert urlsplit(response.location).netloc in ("", "localhost"), route
            assert not response.location.startswith(("//", "/\\", "\\")), route


def test_another_host_in_the_header_leads_nowhere(app: Flask) -> None:
    response = Browser(app).get("/products", headers={"Host": "example.org", "X-Forwarded-Host": "example.org"})
    assert response.location.startswith("/login")


def test_nobody_is_promoted_by_a_quote(
    admin: Browser, app: Flask, administrator: Administrator, database: URL
) -> None:
    stolen = "x', role='administrator' WHERE username='luz'; -- "
    for _, form in forms(admin, app, "POST"):
        for name in form.names:
            send(admin, form, **{name: stolen})
    users = f"SELECT username FROM `{database.database}`.users WHERE role = '{ADMINISTRATOR}'"
    assert {name for (name,) in administrator.execute(users)} == {"ana", "eva"}


def test_a_page_that_forgets_to_escape_is_noticed(database: URL, empty_tables: None) -> None:
    """The walk would see it: else the tests above prove nothing."""
    from flask import request

    app = make_app(database)
    app.add_url_rule("/echo", "echo", lambda: f"<p>{request.args.get('q', '')}</p>")
    browser = people.signed_in(app, "eva", ADMINISTRATOR)
    with pytest.raises(AssertionError, match="echo"):
        ask_with(browser, app, {"q": XSS})
