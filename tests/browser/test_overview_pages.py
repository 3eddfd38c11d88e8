"""Promise: the overview draws its charts, each with a table that says the same; light and dark, language and time zone
follow the browser and can be switched; and without scripts everything is still there."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from visiting import SCREENS, sign_in

from proof.cluster import Cluster

Photograph = Callable[[Page, str], None]

# how many of a canvas's points have been painted
PAINTED = """canvas => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data
    .filter((value, place) => place % 4 === 3 && value > 0).length"""
BACKGROUND = "getComputedStyle(document.body).backgroundColor"


@pytest.fixture
def overview(page: Page, cluster: Cluster, stocked: None) -> Page:  # noqa: ARG001 - charts of something
    sign_in(page, cluster.username, cluster.password)
    page.goto("/")
    return page


@pytest.fixture
def without_scripts(browser: Browser, cluster: Cluster, screen: str) -> Iterator[Page]:
    context = browser.new_context(base_url=cluster.url, locale="es-ES", java_script_enabled=False, **SCREENS[screen])
    yield context.new_page()
    context.close()


def test_charts_are_drawn_and_their_tables_unfold(overview: Page, photograph: Photograph) -> None:
    charts = overview.locator("figure.chart")
    expect(charts).to_have_count(2)
    for chart in charts.all():
        expect(chart.locator("canvas")).to_be_visible()
        assert chart.locator("canvas").evaluate(PAINTED) > 1000
        expect(chart.locator("table")).to_be_hidden()
        chart.get_by_text("Ver los datos en una tabla").click()
        expect(chart.locator("table")).to_be_visible()
    photograph(overview, "overview-tables")


def test_the_look_is_switched_at_once_and_kept(overview: Page) -> None:
    light = overview.evaluate(BACKGROUND)
    dark = overview.get_by_role("button", name="Oscuro")
    dark.click()
    expect(dark).to_have_attribute("aria-pressed", "true")
    assert overview.evaluate(BACKGROUND) != light
    overview.goto("/products")
    expect(overview.locator("html")).to_have_attribute("data-bs-theme", "dark")
    overview.get_by_role("button", name="Automático").click()
    assert overview.evaluate(BACKGROUND) == light
    # as the device says, also when it changes its mind
    overview.emulate_media(color_scheme="dark")
    expect(overview.locator("html")).to_have_attribute("data-bs-theme", "dark")


def test_the_language_is_switched_where_one_is(overview: Page) -> None:
    overview.goto("/products?q=EST")
    overview.get_by_role("button", name="English").click()
    expect(overview.get_by_role("heading", name="Products", exact=True)).to_be_visible()
    assert overview.url.endswith("/products?q=EST")
    overview.get_by_role("button", name="Español").click()
    expect(overview.get_by_role("heading", name="Productos", exact=True)).to_be_visible()


def test_the_keyboard_leads_to_the_content_first(overview: Page) -> None:
    overview.keyboard.press("Tab")
    expect(overview.get_by_role("link", name="Ir al contenido")).to_be_focused()
    overview.keyboard.press("Enter")
    expect(overview.locator("main")).to_be_focused()


@pytest.mark.usefixtures("stocked")
def test_without_scripts_everything_is_there(without_scripts: Page, cluster: Cluster, photograph: Photograph) -> None:
    page = without_scripts
    sign_in(page, cluster.username, cluster.password)
    page.goto("/")
    for name in ("Resumen", "Productos"):
        expect(page.get_by_role("navigation").get_by_role("link", name=name, exact=True)).to_be_visible()
    for chart in page.locator("figure.chart").all():
        expect(chart.locator("table")).to_be_visible()
        expect(chart.locator("canvas")).to_be_hidden()
    page.get_by_role("button", name="Oscuro").click()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    photograph(page, "overview-without-scripts")
    page.get_by_role("button", name="Salir").click()
    expect(page.get_by_role("link", name="Entrar", exact=True)).to_be_visible()
