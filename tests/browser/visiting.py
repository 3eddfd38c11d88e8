"""What the browser's tests share: the screens, where pictures go, the way in, and to a product."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Page, expect

from proof.playbook import ROOT

SCREENSHOTS = ROOT / "build" / "screenshots"
SCREENS: dict[str, dict[str, Any]] = {
    "desktop": {"viewport": {"width": 1280, "height": 800}},
    "phone": {
        "viewport": {"width": 390, "height": 844},
        "device_scale_factor": 2,
        "is_mobile": True,
        "has_touch": True,
    },
}


def try_to_sign_in(page: Page, username: str, password: str) -> None:
    """By the form, in whatever language it is."""
    page.goto("/login")
    page.locator("[name=username]").fill(username)
    page.locator("[name=password]").fill(password)
    page.locator("main form button").click()


def sign_in(page: Page, username: str, password: str) -> None:
    try_to_sign_in(page, username, password)
    page.wait_for_url(lambda address: "/login" not in address)


def register(page: Page, code: str, name: str = "Tornillo", *, unit: str = "ud", **fields: str) -> None:
    """Register a product by its form, in Spanish."""
    page.goto("/products/new")
    page.locator("[name=unit]").select_option(unit)
    for field, value in {"code": code, "name": name, **fields}.items():
        page.locator(f"[name={field}]").fill(value)
    page.get_by_role("button", name="Registrar", exact=True).click()
    expect(page.get_by_text(f"Producto {code} registrado.")).to_be_visible()


def open_product(page: Page, code: str) -> str:
    """Find a product and open its page; its address."""
    page.goto(f"/products?q={code}")
    page.get_by_role("link", name=code, exact=True).click()
    page.wait_for_url(re.compile("/products/[0-9]+$"))
    return page.url
