"""Promise: in a browser, on a desktop and on a phone, a person signs in, registers a product, is told of a duplicate,
finds what was registered, and signs out."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from visiting import sign_in, try_to_sign_in

from proof.cluster import Cluster

Photograph = Callable[[Page, str], None]


@pytest.fixture
def signed_in(page: Page, cluster: Cluster) -> Page:
    sign_in(page, cluster.username, cluster.password)
    expect(page.get_by_role("heading", name="Resumen")).to_be_visible()
    return page


def open_account_menu(page: Page, username: str) -> None:
    """The menu under the person's name; on a phone it is itself in a menu."""
    folded = page.get_by_role("button", name="Menú")
    if folded.is_visible():
        folded.click()
    page.get_by_role("button", name=username).click()


@pytest.fixture
def code(session_mark: str, screen: str) -> str:
    return f"{session_mark}-NAVEGADOR-{screen}"


def register(page: Page, code: str, name: str) -> None:
    page.goto("/products/new")
    page.get_by_label("Código").fill(code)
    page.get_by_label("Nombre").fill(name)
    page.get_by_label("Categoría").fill("Ferretería")
    page.get_by_role("button", name="Registrar", exact=True).click()


def test_welcome(page: Page, photograph: Photograph) -> None:
    page.goto("/")
    expect(page).to_have_title(re.compile("Inventario"))
    photograph(page, "welcome")
    page.get_by_role("link", name="Entrar en Inventario").click()
    expect(page.get_by_role("heading", name="Entrar")).to_be_visible()
    photograph(page, "login")


def test_wrong_password_is_refused(page: Page, cluster: Cluster, photograph: Photograph) -> None:
    try_to_sign_in(page, cluster.username, "no es esta")
    expect(page.get_by_text("El usuario o la contraseña no son correctos.")).to_be_visible()
    photograph(page, "login-refused")


def test_product_is_registered_found_and_not_registered_twice(
    signed_in: Page, code: str, photograph: Photograph
) -> None:
    register(signed_in, code, "Tornillo de ala de 8 mm")
    expect(signed_in.get_by_text(f"Producto {code} registrado.")).to_be_visible()
    photograph(signed_in, "products")

    register(signed_in, code.lower(), "Otro tornillo")
    expect(signed_in.get_by_text("Ya hay un producto con este código.")).to_be_visible()
    expect(signed_in.get_by_label("Nombre")).to_have_value("Otro tornillo")
    photograph(signed_in, "duplicate")

    signed_in.goto("/products")
    signed_in.get_by_label("Buscar productos").fill(code)
    signed_in.get_by_role("button", name="Buscar").click()
    expect(signed_in.get_by_role("rowheader", name=code)).to_have_count(1)
    photograph(signed_in, "search")


def test_signed_out_sees_nothing(signed_in: Page, cluster: Cluster, photograph: Photograph) -> None:
    photograph(signed_in, "overview")
    open_account_menu(signed_in, cluster.username)
    signed_in.get_by_role("button", name="Salir").click()
    expect(signed_in.get_by_text("Ha cerrado la sesión.")).to_be_visible()
    signed_in.goto("/products")
    expect(signed_in).to_have_url(re.compile("/login"))


def test_nothing_is_wider_than_the_screen(signed_in: Page) -> None:
    for path in ("/", "/products", "/products/new"):
        signed_in.goto(path)
        width = signed_in.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert width <= 0, path
