"""Promise: what somebody changes through one node is in every open page within 2 seconds, without reloading it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Response, expect
from visiting import open_product, register

Photograph = Callable[[Page, str], None]

SEEN_WITHIN = 2
# until one of them goes through another node than the page did
MOST_CHANGES = 8


@pytest.fixture
def code(session_mark: str, screen: str) -> str:
    return f"{session_mark}-VIVO-{screen}"


def rename(page: Page, name: str) -> tuple[str, float]:
    """From the product's page; which node took it, and when it had answered."""
    page.wait_for_url(re.compile("/products/[0-9]+$"))
    page.get_by_role("link", name="Editar").click()
    page.get_by_label("Nombre").fill(name)

    def is_the_change(response: Response) -> bool:
        return response.request.method == "POST"

    with page.expect_response(is_the_change) as answer:
        page.get_by_role("button", name=re.compile("Guardar")).click()
    moment = time.monotonic()
    assert answer.value.status in (302, 303)
    return answer.value.headers.get("x-served-by", ""), moment


def test_a_change_through_another_node_is_seen_without_reloading(
    signed_in: Page, other_tab: Page, code: str, photograph: Photograph
) -> None:
    register(other_tab, code)
    opened = signed_in.goto(f"/products?q={code}")
    assert opened is not None
    node = opened.headers["x-served-by"]
    expect(signed_in.get_by_text("En vivo")).to_be_visible()
    signed_in.evaluate("document.body.dataset.same = 'page'")
    open_product(other_tab, code)
    nodes = set()
    for number in range(MOST_CHANGES):
        name = f"Cambiado {number}"
        served_by, moment = rename(other_tab, name)
        signed_in.bring_to_front()
        expect(signed_in.get_by_text(name, exact=True)).to_be_visible(timeout=1000 * SEEN_WITHIN)
        assert time.monotonic() - moment <= SEEN_WITHIN
        photograph(signed_in, "live")
        other_tab.bring_to_front()
        nodes.add(served_by)
        if nodes - {node}:
            break
    assert nodes - {node}, f"every change went through {node}, as the page did"
    assert signed_in.evaluate("document.body.dataset.same") == "page"


def test_a_category_with_another_name_is_called_so_on_open_pages(
    signed_in: Page, other_tab: Page, code: str, photograph: Photograph
) -> None:
    before, after = f"Antes {code}", f"Después {code}"
    register(other_tab, f"{code}-CAT", category=before)
    signed_in.goto(f"/products?q={code}-CAT")
    expect(signed_in.get_by_text("En vivo")).to_be_visible()
    # the page of the list on which it is
    other_tab.goto(f"/categories?after={before[:-1]}")
    other_tab.get_by_role("link", name=f"Editar {before}", exact=True).click()
    other_tab.locator("[name=name]").fill(after)
    other_tab.get_by_role("button", name="Guardar", exact=True).click()
    other_tab.wait_for_url(re.compile("/categories$"))
    signed_in.bring_to_front()
    shown = signed_in.locator("[data-product-id] [data-field=category]")
    expect(shown).to_have_text(after, timeout=1000 * SEEN_WITHIN)
    photograph(signed_in, "live-category")


def test_a_new_product_is_hinted_at(signed_in: Page, other_tab: Page, code: str, photograph: Photograph) -> None:
    signed_in.goto("/products")
    expect(signed_in.get_by_text("En vivo")).to_be_visible()
    register(other_tab, f"{code}-NUEVO")
    signed_in.bring_to_front()
    hint = signed_in.get_by_role("link", name="Un producto nuevo: actualizar")
    expect(hint).to_be_visible(timeout=1000 * SEEN_WITHIN)
    photograph(signed_in, "live-new")
    hint.click()
    expect(signed_in.get_by_text("En vivo")).to_be_visible()
    expect(hint).to_be_hidden()


def test_a_page_without_network_says_so_and_catches_up(signed_in: Page, other_tab: Page, code: str) -> None:
    register(other_tab, f"{code}-RED")
    open_product(other_tab, f"{code}-RED")
    signed_in.goto(f"/products?q={code}-RED")
    expect(signed_in.get_by_text("En vivo")).to_be_visible()
    # what this page asks fails, as without a network; what the other one asks does not
    signed_in.route("**/live/**", lambda route: route.abort("aborted"))
    expect(signed_in.get_by_text("Sin conexión")).to_be_visible()
    rename(other_tab, "Cambiado sin red")
    expect(signed_in.get_by_text("Cambiado sin red")).to_be_hidden()
    signed_in.unroute("**/live/**")
    signed_in.bring_to_front()
    expect(signed_in.get_by_text("Cambiado sin red")).to_be_visible(timeout=20_000)
    expect(signed_in.get_by_text("En vivo")).to_be_visible()
