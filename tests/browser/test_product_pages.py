"""Promise: a code that another product has is named while it is typed, and of two people who change one product at the
same time none overwrites the other: the second sees both versions and chooses."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from visiting import register

Photograph = Callable[[Page, str], None]


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


def test_a_code_that_is_taken_is_named_while_typing(signed_in: Page, code: str, photograph: Photograph) -> None:
    register(signed_in, f"{code}-A")
    signed_in.goto("/products/new")
    field, answer = signed_in.get_by_label("Código"), signed_in.locator("#code-taken")
    field.press_sequentially(f"{code}-a")
    expect(answer.get_by_role("link", name=f"{code}-A · Tornillo")).to_be_visible()
    photograph(signed_in, "code-taken")
    field.press_sequentially("0")
    expect(answer).to_be_empty()


def test_none_of_two_people_overwrites_the_other(
    signed_in: Page, other_tab: Page, code: str, photograph: Photograph
) -> None:
    register(signed_in, f"{code}-B", unit="kg", minimum="2,5")
    edit(signed_in, f"{code}-B")
    edit(other_tab, f"{code}-B")
    signed_in.get_by_label("Nombre").fill("Tornillo de ala")
    signed_in.get_by_label("Mínimo").fill("4")
    signed_in.get_by_role("button", name="Guardar", exact=True).click()
    expect(signed_in.get_by_text(f"Producto {code}-B guardado.")).to_be_visible()

    other_tab.get_by_label("Descripción").fill("De acero.\nCaja de 200.")
    other_tab.get_by_role("button", name="Guardar", exact=True).click()
    expect(other_tab.get_by_role("heading", name="Otra persona lo ha cambiado")).to_be_visible()
    # only the other changed these, only this one that
    expect(other_tab.get_by_role("radio", name="Guardado ahora: Tornillo de ala")).to_be_checked()
    expect(other_tab.get_by_role("radio", name="Guardado ahora: 4")).to_be_checked()
    expect(other_tab.get_by_role("radio", name="Su versión: De acero.")).to_be_checked()
    width = other_tab.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert width <= 0
    photograph(other_tab, "conflict")

    other_tab.get_by_role("radio", name="Su versión: 2,5").check()
    other_tab.get_by_role("button", name="Guardar lo elegido").click()
    expect(other_tab.get_by_role("heading", name="Tornillo de ala")).to_be_visible()
    expect(other_tab.locator("dd").filter(has_text="De acero.")).to_be_visible()
    expect(other_tab.locator("[data-field=minimum]")).to_have_text("2,5")
    photograph(other_tab, "product")
