"""A browser at the cluster's address: Debian's Chromium, as a desktop and as a phone."""

from __future__ import annotations

import asyncio
import pathlib
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, Response, sync_playwright
from visiting import SCREENS, SCREENSHOTS, sign_in

from proof.cluster import Cluster

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


@pytest.fixture(scope="session")
def stocked(cluster: Cluster, session_mark: str) -> None:
    """Some products with movements, so that no page is empty."""

    async def fill() -> None:
        visitor = cluster.visitor()
        try:
            await visitor.open()
            for number in range(1, 13):
                reply = await visitor.register(f"{session_mark}-EST-{number:02d}")
                assert reply.status in (302, 303), reply.status
            for number in range(1, 13):
                await visitor.move(await visitor.product_id(f"{session_mark}-EST-{number:02d}"), "in", 5 * number)
        finally:
            await visitor.close()

    # a thread of its own: Playwright has an event loop in this one
    with ThreadPoolExecutor(1) as other:
        other.submit(lambda: asyncio.run(fill())).result()


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
    opened = browser.new_context(base_url=cluster.url, locale="es-ES", **SCREENS[screen])
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
def signed_in(page: Page, cluster: Cluster) -> Page:
    """The same page, of the first user."""
    sign_in(page, cluster.username, cluster.password)
    return page


@pytest.fixture
def other_tab(signed_in: Page) -> Page:
    """Another tab, as if somebody else worked there."""
    return signed_in.context.new_page()


@pytest.fixture
def photograph(screen: str) -> Callable[[Page, str], None]:
    """Keep a picture of the page for whoever wants to look at it."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)

    def taken(page: Page, name: str) -> None:
        page.screenshot(path=SCREENSHOTS / f"{name}-{screen}.png", full_page=True)

    return taken
