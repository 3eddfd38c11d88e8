"""What the browser's tests share: the screens, where pictures go, and the way in."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page

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
