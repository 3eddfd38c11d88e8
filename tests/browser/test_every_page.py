"""Promise: every page, in both languages, light and dark, on a desktop and on a phone, fits the screen, keeps to its
own policy of content, and gives those who cannot see or use a mouse what the others get (axe finds nothing serious).

The pages are those that links lead to, so that a new one cannot be forgotten. build/screenshots/pages keeps a picture
of each.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page
from visiting import SCREENS, SCREENSHOTS, sign_in

from proof.cluster import Cluster
from proof.playbook import ROOT

AXE = ROOT / "webapp" / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
LANGUAGES = {"es": "es-ES", "en": "en-GB"}
SCHEMES = ("light", "dark")
SERIOUS = {"serious", "critical"}
# nobody who is signed in gets there by a link
ANONYMOUS = ("/", "/login")
# answers that are no pages
NO_PAGES = re.compile(r"/(static|bootstrap|live|health)/|export|\.json$|\.csv$|/file$")
FEWEST_PAGES = 12


def pattern(path: str) -> str:
    """What all pages of a kind have in common: product 7 stands for all products."""
    return re.sub(r"/([0-9a-f]{32}|\d+)(?=/|$)", "/N", path)


def crawl(page: Page) -> list[str]:
    """One address of each kind of page that links lead to from the first page."""
    found: dict[str, str] = {}
    waiting = deque(["/"])
    while waiting:
        path = waiting.popleft()
        if pattern(path) in found or NO_PAGES.search(path):
            continue
        found[pattern(path)] = path
        page.goto(path)
        links = page.eval_on_selector_all("a[href]", "links => links.map(link => link.href)")
        here = urlsplit(page.url)
        waiting.extend(urlsplit(link).path for link in links if urlsplit(link).netloc == here.netloc)
    return list(found.values())


@pytest.fixture(scope="session")
def paths(browser: Browser, cluster: Cluster, stocked: None) -> list[str]:  # noqa: ARG001 - no page is empty
    context = browser.new_context(base_url=cluster.url, locale="es-ES")
    page = context.new_page()
    sign_in(page, cluster.username, cluster.password)
    found = crawl(page)
    context.close()
    return found


@pytest.fixture(params=[(language, scheme) for language in LANGUAGES for scheme in SCHEMES], ids="-".join)
def look(request: pytest.FixtureRequest) -> tuple[str, str]:
    language, scheme = request.param
    return language, scheme


@pytest.fixture
def looked_at(browser: Browser, cluster: Cluster, screen: str, look: tuple[str, str]) -> Iterator[Page]:
    """A page in this language and look, on this screen, in which nothing may go against the policy of content."""
    language, scheme = look
    context = browser.new_context(
        base_url=cluster.url,
        locale=LANGUAGES[language],
        color_scheme="dark" if scheme == "dark" else "light",
        reduced_motion="reduce",
        **SCREENS[screen],
    )
    page = context.new_page()
    violations: list[str] = []

    def said(message: ConsoleMessage) -> None:
        if message.type == "error":
            violations.append(f"{page.url}: {message.text}")

    page.on("console", said)
    page.on("pageerror", lambda error: violations.append(f"{page.url}: {error}"))
    yield page
    context.close()
    assert not violations


def serious(page: Page) -> list[str]:
    """What axe says of the page, and where."""
    # the page's own policy lets no other script in; what the debugger runs is not asked
    page.evaluate(AXE.read_text(encoding="utf-8"))
    # Swagger UI is not ours, and has faults of its own
    result: dict[str, Any] = page.evaluate(
        "axe.run({include: [['html']], exclude: [['.swagger-ui']]}, {resultTypes: ['violations']})"
    )
    return [
        f"{page.url}: {found['id']} ({found['impact']}): {node['target']} {node['failureSummary']}"
        for found in result["violations"]
        if found["impact"] in SERIOUS
        for node in found["nodes"][:3]
    ]


def inspect(page: Page, path: str, name: str, language: str) -> list[str]:
    answer = page.goto(path)
    page.wait_for_load_state("load")
    problems = [] if answer and answer.ok else [f"{path}: {answer and answer.status}"]
    if page.locator("html").get_attribute("lang") != language:
        problems.append(f"{path}: not in {language}")
    width = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    if width > 0:
        problems.append(f"{path}: {width} pixels wider than the screen")
    page.screenshot(path=SCREENSHOTS / "pages" / f"{name}.png", full_page=True)
    return problems + serious(page)


def test_every_page(looked_at: Page, cluster: Cluster, paths: list[str], look: tuple[str, str], screen: str) -> None:
    language, scheme = look
    assert len(paths) >= FEWEST_PAGES, paths
    problems = []
    for number, path in enumerate(ANONYMOUS):
        problems += inspect(looked_at, path, f"0{number}-anonymous-{language}-{scheme}-{screen}", language)
    sign_in(looked_at, cluster.username, cluster.password)
    for number, path in enumerate(paths, len(ANONYMOUS)):
        kind = re.sub(r"\W+", "-", pattern(path)).strip("-") or "home"
        problems += inspect(looked_at, path, f"{number:02d}-{kind}-{language}-{scheme}-{screen}", language)
    assert not problems, "\n".join(problems)
