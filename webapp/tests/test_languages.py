from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from sqlalchemy import URL
from werkzeug.datastructures import MultiDict

from browser import Browser
from conftest import USERNAME, make_app
from faulty_network import Relay
from inventario import formats
from inventario.forms.accounts import LoginForm
from inventario.settings import SettingsError
from mysql_server import Administrator, MysqlServer

Choose = Callable[[str, str], None]

NOON = datetime.datetime(2026, 1, 31, 12)  # noqa: DTZ001 - as MySQL gives it
SPANISH, ENGLISH = '<html lang="es"', '<html lang="en"'


def asking_for(language: str) -> dict[str, str]:
    return {"Accept-Language": language}


def switch(browser: Browser, language: str, back: str = "/login") -> None:
    fields = {"csrf_token": browser.hidden("/")["csrf_token"], "language": language, "back": back}
    response = browser.post("/preferences/language", fields)
    assert (response.status_code, response.location) == (303, back)


@pytest.fixture
def person(administrator: Administrator, database: URL) -> Iterator[Choose]:
    """Sets what the first user chose; their choice is gone after the test."""
    table = f"`{database.database}`.users"

    def choose(column: str, value: str) -> None:
        administrator.execute(f"UPDATE {table} SET {column} = '{value}' WHERE id = 1")

    yield choose
    administrator.execute(f"UPDATE {table} SET language = NULL, time_zone = NULL WHERE id = 1")


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ("", SPANISH),
        ("fr", SPANISH),
        ("es-MX,en;q=0.5", SPANISH),
        ("en", ENGLISH),
        ("en-GB,es;q=0.5", ENGLISH),
        ("fr,en;q=0.3", ENGLISH),
        ("*", SPANISH),
        ("\x00;;q=x", SPANISH),
    ],
)
def test_the_browser_s_language(anonymous: Browser, asked: str, answer: str) -> None:
    assert answer in anonymous.get("/login", headers=asking_for(asked)).text


def test_the_switch_counts_for_more_than_the_browser(anonymous: Browser) -> None:
    switch(anonymous, "en")
    page = anonymous.get("/login", headers=asking_for("es")).text
    assert ENGLISH in page
    assert "Password" in page
    switch(anonymous, "es")
    assert SPANISH in anonymous.get("/login", headers=asking_for("en")).text


def test_the_person_s_choice_counts_for_more_than_the_switch(browser: Browser, person: Choose) -> None:
    browser.client.set_cookie("inventario_language", "en")
    person("language", "es")
    assert SPANISH in browser.get("/products", headers=asking_for("en")).text


def test_the_switch_changes_the_person_s_choice(browser: Browser, person: Choose) -> None:
    person("language", "es")
    switch(browser, "en", "/products")
    assert ENGLISH in browser.get("/products").text


@pytest.mark.parametrize("cookie", ["fr", "", "es-ES", "../en", "x" * 4000])
def test_a_language_that_there_is_not(anonymous: Browser, cookie: str) -> None:
    anonymous.client.set_cookie("inventario_language", cookie)
    assert ENGLISH in anonymous.get("/login", headers=asking_for("en")).text


@pytest.mark.parametrize("path", ["/preferences/language", "/preferences/theme"])
@pytest.mark.parametrize("value", ["", "fr", "<script>"])
def test_what_cannot_be_chosen_changes_nothing(anonymous: Browser, path: str, value: str) -> None:
    token = anonymous.hidden("/login")["csrf_token"]
    response = anonymous.post(path, {"csrf_token": token, "language": value, "theme": value})
    assert response.status_code == 422
    assert "Set-Cookie" not in response.headers


@pytest.mark.parametrize("back", ["https://example.org/", "//example.org", "/\\example.org", "", "products"])
def test_the_switch_never_leads_to_another_site(anonymous: Browser, back: str) -> None:
    token = anonymous.hidden("/login")["csrf_token"]
    fields = {"csrf_token": token, "language": "en", "theme": "dark", "back": back}
    for path in ("/preferences/language", "/preferences/theme"):
        assert anonymous.post(path, fields).location == "/"


def test_the_theme_is_kept_by_the_browser(anonymous: Browser) -> None:
    assert 'data-theme="auto" data-bs-theme="light"' in anonymous.get("/login").text
    token = anonymous.hidden("/login")["csrf_token"]
    anonymous.post("/preferences/theme", {"csrf_token": token, "theme": "dark", "back": "/login"})
    assert 'data-theme="dark" data-bs-theme="dark"' in anonymous.get("/login").text
    anonymous.client.set_cookie("inventario_theme", '"><script>')
    assert 'data-theme="auto" data-bs-theme="light"' in anonymous.get("/login").text


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("es", "El campo no puede tener más de 64 caracteres."),
        ("en", "Field cannot be longer than 64 characters."),
    ],
)
def test_the_forms_own_messages(app: Flask, asked: str, message: str) -> None:
    with app.test_request_context(headers=asking_for(asked)):
        form = LoginForm(formdata=MultiDict({"username": "x" * 65, "password": "x"}), meta={"csrf": False})
        assert not form.validate()
        assert form.errors == {"username": [message]}


@pytest.mark.parametrize(
    ("cookie", "hour"),
    [
        ("America/Bogota", "07:00"),
        ("Asia/Kolkata", "17:30"),
        ("", "13:00"),
        ("Mars/Olympus", "13:00"),
        ("../UTC", "13:00"),
    ],
)
def test_the_browser_s_clock(app: Flask, cookie: str, hour: str) -> None:
    with app.test_request_context(headers={"Cookie": f"inventario_time_zone={cookie}"}):
        assert formats.moment(NOON) == f"31 ene 2026, {hour}"


def test_the_person_s_clock_counts_for_more_than_the_browser_s(
    browser: Browser, person: Choose, administrator: Administrator, database: URL
) -> None:
    browser.register("T-1")
    administrator.execute(f"UPDATE `{database.database}`.products SET created_at = '2026-01-31 12:00:00'")
    ((number,),) = administrator.execute(f"SELECT id FROM `{database.database}`.products")
    browser.client.set_cookie("inventario_time_zone", "Asia/Kolkata")
    assert "31 ene 2026, 17:30" in browser.get(f"/products/{number}").text
    person("time_zone", "America/Bogota")
    assert "31 ene 2026, 07:00" in browser.get(f"/products/{number}").text


def test_the_setting_decides_for_browsers_that_say_nothing(database: URL) -> None:
    with make_app(database, time_zone="America/Bogota").test_request_context():
        assert formats.moment(NOON) == "31 ene 2026, 07:00"
    with pytest.raises(SettingsError, match="INVENTARIO_TIME_ZONE"):
        make_app(database, time_zone="Mars/Olympus")


def test_a_page_without_a_database_keeps_the_language_of_the_switch(
    server: MysqlServer, database: URL, password: str
) -> None:
    relay = Relay(server.address)
    browser = Browser(make_app(relay.url(database), database_read_budget="0.5"))
    browser.login(USERNAME, password)
    switch(browser, "en")
    relay.refuse()
    page = browser.get("/products")
    relay.close()
    assert page.status_code == 503
    assert ENGLISH in page.text
