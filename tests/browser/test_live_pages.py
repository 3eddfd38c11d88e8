"""Promise: what somebody changes through one node is in every open page within 2 seconds, without reloading it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Response, expect
from visiting import open_product, register, sign_in

from proof.cluster import Cluster

Photograph = Callable[[Page, str], None]

SEEN_WITHIN = 2
# until one of them goes through another node than the page did
MOST_CHANGES = 8


@pytest.fixture
def watching(page: Page, cluster: Cluster) -> Page:
    """The page that stays open."""
    sign_in(page, cluster.username, cluster.password)
    return page


@pytest.fixture
def changing(watching: Page) -> Page:
    """Another tab of the same person, in which things are changed."""
    return watching.context.new_page()


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
    watching: Page, changing: Page, code: str, photograph: Photograph
) -> None:
    register(changing, code)
    opened = watching.goto(f"/products?q={code}")
    assert opened is not None
    node = opened.headers["x-served-by"]
    expect(watching.get_by_text("En vivo")).to_be_visible()
    watching.evaluate("document.body.dataset.same = 'page'")
    open_product(changing, code)
    nodes = set()
    for number in range(MOST_CHANGES):
        name = f"Cambiado {number}"
        served_by, moment = rename(changing, name)
        watching.bring_to_front()
        expect(watching.get_by_text(name, exact=True)).to_be_visible(timeout=1000 * SEEN_WITHIN)
        assert time.monotonic() - moment <= SEEN_WITHIN
        photograph(watching, "live")
        changing.bring_to_front()
        nodes.add(served_by)
        if nodes - {node}:
            break
    assert nodes - {node}, f"every change went through {node}, as the page did"
    assert watching.evaluate("document.body.dataset.same") == "page"


def test_a_category_with_another_name_is_called_so_on_open_pages(
    watching: Page, changing: Page, code: str, photograph: Photograph
) -> None:
    before, after = f"Antes {code}", f"Después {code}"
    register(changing, f"{code}-CAT", category=before)
    watching.goto(f"/products?q={code}-CAT")
    expect(watching.get_by_text("En vivo")).to_be_visible()
    # the page of the list on which it is
    changing.goto(f"/categories?after={before[:-1]}")
    changing.get_by_role("link", name=f"Editar {before}", exact=True).click()
    changing.locator("[name=name]").fill(after)
    changing.get_by_role("button", name="Guardar", exact=True).click()
    changing.wait_for_url(re.compile("/categories$"))
    watching.bring_to_front()
    shown = watching.locator("[data-product-id] [data-field=category]")
    expect(shown).to_have_text(after, timeout=1000 * SEEN_WITHIN)
    photograph(watching, "live-category")


def test_a_new_product_is_hinted_at(watching: Page, changing: Page, code: str, photograph: Photograph) -> None:
    watching.goto("/products")
    expect(watching.get_by_text("En vivo")).to_be_visible()
    register(changing, f"{code}-NUEVO")
    watching.bring_to_front()
    hint = watching.get_by_role("link", name="Un producto nuevo: actualizar")
    expect(hint).to_be_visible(timeout=1000 * SEEN_WITHIN)
    photograph(watching, "live-new")
    hint.click()
    expect(watching.get_by_text("En vivo")).to_be_visible()
    expect(hint).to_be_hidden()


def test_a_page_without_network_says_so_and_catches_up(watching: Page, changing: Page, code: str) -> None:
    register(changing, f"{code}-RED")
    open_product(changing, f"{code}-RED")
    watching.goto(f"/products?q={code}-RED")
    expect(watching.get_by_text("En vivo")).to_be_visible()
    # what this page asks fails, as without a network; what the other one asks does not
    watching.route("**/live/**", lambda route: route.abort("aborted"))
    expect(watching.get_by_text("Sin conexión")).to_be_visible()
    rename(changing, "Cambiado sin red")
    expect(watching.get_by_text("Cambiado sin red")).to_be_hidden()
    watching.unroute("**/live/**")
    watching.bring_to_front()
    expect(watching.get_by_text("Cambiado sin red")).to_be_visible(timeout=20_000)
    expect(watching.get_by_text("En vivo")).to_be_visible()
