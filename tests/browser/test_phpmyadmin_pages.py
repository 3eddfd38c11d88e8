"""Promise: phpMyAdmin is reachable and signs the administrator in to the source and to each replica, over TLS."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from proof.cluster import Cluster, Node


@pytest.fixture
def screen() -> str:
    """phpMyAdmin is not ours: one size is enough."""
    return "desktop"


@pytest.fixture(params=["source", "replica"])
def node(request: pytest.FixtureRequest, cluster: Cluster) -> Node:
    return cluster.source if request.param == "source" else cluster.replicas[-1]


def test_administrator_signs_in(
    page: Page, cluster: Cluster, node: Node, photograph: Callable[[Page, str], None]
) -> None:
    page.goto(cluster.admin_url)
    page.locator("#input_username").fill("inventario_admin")
    page.locator("#input_password").fill(cluster.secrets["vault_mysql_admin_password"])
    servers = page.locator("#select_server")
    label = servers.locator("option").filter(has_text=node.name).first.inner_text()
    servers.select_option(label=label.strip())
    page.locator("#input_go").click()
    expect(page.locator("#pma_navigation_tree")).to_contain_text(cluster.database)
    # the login page names all servers too, this line only the one that is shown
    expect(page.locator("#server-breadcrumb")).to_contain_text(node.name)
    # its scripts tell the server about the window; leaving earlier would cut them short
    page.wait_for_load_state("networkidle")
    photograph(page, f"phpmyadmin-{node.name}")
