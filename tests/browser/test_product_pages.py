"""Promise: a code that another product has is named while it is typed, and of two people who change one product at the
same time none overwrites the other: the second sees both versions and chooses."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from visiting import register, sign_in

from proof.cluster import Cluster

Photograph = Callable[[Page, str], None]


@pytest.fixture
def first(page: Page, cluster: Cluster) -> Page:
    sign_in(page, cluster.username, cluster.password)
    return page


@pytest.fixture
def second(first: Page) -> Page:
    """Another tab, on which somebody else works."""
    return first.context.new_page()


@pytest.fixture
def code(session_mark: str, screen: str) -> str:
    return f"{session_mark}-DATOS-{screen}"


def edit(page: Page, code: str) -> None:
    """Open the form of this product, by the link that names who has the code."""
    page.goto("/products/new")
    page.get_by_label("Código").press_sequentially(code.lower())
    link = page.locator("#code-taken").get_by_role("link")
    expect(link).to_contain_text(code)
    page.goto(f"{link.get_attribute('href')}/edit")
    expect(page.get_by_label("Código")).to_have_value(code)


def test_a_code_that_is_taken_is_named_while_typing(first: Page, code: str, photograph: Photograph) -> None:
    register(first, f"{code}-A")
    first.goto("/products/new")
    field, answer = first.get_by_label("Código"), first.locator("#code-taken")
    field.press_sequentially(f"{code}-a")
    expect(answer.get_by_role("link", name=f"{code}-A · Tornillo")).to_be_visible()
    photograph(first, "code-taken")
    field.press_sequentially("0")
    expect(answer).to_be_empty()


def test_none_of_two_people_overwrites_the_other(first: Page, second: Page, code: str, photograph: Photograph) -> None:
    register(first, f"{code}-B", unit="kg", minimum="2,5")
    edit(first, f"{code}-B")
    edit(second, f"{code}-B")
    first.get_by_label("Nombre").fill("Tornillo de ala")
    first.get_by_label("Mínimo").fill("4")
    first.get_by_role("button", name="Guardar", exact=True).click()
    expect(first.get_by_text(f"Producto {code}-B guardado.")).to_be_visible()

    second.get_by_label("Descripción").fill("De acero.\nCaja de 200.")
    second.get_by_role("button", name="Guardar", exact=True).click()
    expect(second.get_by_role("heading", name="Otra persona lo ha cambiado")).to_be_visible()
    # only the other changed these, only this one that
    expect(second.get_by_role("radio", name="Guardado ahora: Tornillo de ala")).to_be_checked()
    expect(second.get_by_role("radio", name="Guardado ahora: 4")).to_be_checked()
    expect(second.get_by_role("radio", name="Su versión: De acero.")).to_be_checked()
    width = second.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert width <= 0
    photograph(second, "conflict")

    second.get_by_role("radio", name="Su versión: 2,5").check()
    second.get_by_role("button", name="Guardar lo elegido").click()
    expect(second.get_by_role("heading", name="Tornillo de ala")).to_be_visible()
    expect(second.locator("dd").filter(has_text="De acero.")).to_be_visible()
    expect(second.locator("[data-field=minimum]")).to_have_text("2,5")
    photograph(second, "product")
