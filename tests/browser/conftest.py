"""A browser at the cluster's address: Debian's Chromium, as a desktop and as a phone."""

from __future__ import annotations

import pathlib
import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, Response, sync_playwright

from proof.cluster import Cluster
from proof.playbook import ROOT

SCREENSHOTS = ROOT / "build" / "screenshots"
CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
# without these Chromium asks its maker's hosts at every start
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SCREENS = {
    "desktop": {"viewport": {"width": 1280, "height": 800}},
    "phone": {
        "viewport": {"width": 390, "height": 844},
        "device_scale_factor": 2,
        "is_mobile": True,
        "has_touch": True,
    },
}


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    assert pathlib.Path(CHROMIUM).is_file(), "no chromium: apt-get install chromium"
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield running
        running.close()


@pytest.fixture(params=list(SCREENS))
def screen(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def context(browser: Browser, cluster: Cluster, screen: str) -> Iterator[BrowserContext]:
    opened = browser.new_context(base_url=cluster.url, locale="es-ES", **SCREENS[screen])  # type: ignore[arg-type]
    opened.set_default_timeout(15_000)
    yield opened
    opened.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page on which every error that the browser meets is an error of the test."""
    errors: list[str] = []
    opened = context.new_page()

    def failed(request: Request) -> None:
        # what a new page cut short is no failure
        if "ABORTED" not in (request.failure or ""):
            errors.append(f"{request.url}: {request.failure}")

    def answered(response: Response) -> None:
        # a page may be refused on purpose, what a page is made of may not
        if response.status >= 400 and response.request.resource_type != "document":
            errors.append(f"{response.url}: {response.status}")

    opened.on("response", answered)
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.on("requestfailed", failed)
    yield opened
    assert not errors


@pytest.fixture
def photograph(screen: str) -> Callable[[Page, str], None]:
    """Keep a picture of the page for whoever wants to look at it."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)

    def taken(page: Page, name: str) -> None:
        page.screenshot(path=SCREENSHOTS / f"{name}-{screen}.png", full_page=True)

    return taken
