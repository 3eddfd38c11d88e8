"""Open pages as the network sees them: thousands of connections that ask what a page asks, as often as it does."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import math
import random
import time
import urllib.parse
from collections.abc import Iterable
from typing import Any

# as in the application's static/js/live.js
AFTER_BEGINNING, SPREAD = 0.05, 0.3
UPDATING_AGAIN = 0.12
ANSWER_SECONDS = 15
CONNECTING_AT_ONCE = 100
LATENESS_EVERY = 0.05


class NotAnswered(AssertionError):
    """An open page got no answer, or not the one that it needs."""


class OpenPage:
    """One browser's connection: it asks for what changed since the version that it knows."""

    def __init__(self, url: str, key: str) -> None:
        address = urllib.parse.urlsplit(url)
        self._host, self._port = address.hostname or "", address.port or 80
        self._path = f"/live/changes?key={key}"
        self._tag = ""
        self._updating = 0
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        # when each product was first told of, by its code
        self.seen: dict[str, float] = {}
        self.polls = 0

    async def open(self) -> None:
        self._streams = await asyncio.open_connection(self._host, self._port)

    async def poll(self) -> float:
        """Ask once; give the seconds to wait before asking again."""
        headers, told = await self._ask()
        now = time.monotonic()
        again = now + 1 - float(headers["x-clock"]) % 1 + AFTER_BEGINNING + SPREAD * random.random()
        self.polls += 1
        for row in told:
            self.seen.setdefault(row["code"], now)
        self._updating = self._updating + 1 if headers.get("x-cache-status") == "UPDATING" else 0
        soon = UPDATING_AGAIN * 2 ** (self._updating - 1) if self._updating else math.inf
        return max(0.0, min(soon, again - time.monotonic()))

    async def keep_asking(self, end: float) -> None:
        while time.monotonic() < end:
            await asyncio.sleep(await self.poll())

    def close(self) -> None:
        if self._streams:
            self._streams[1].close()

    async def _ask(self) -> tuple[dict[str, str], list[dict[str, Any]]]:
        """The answer's headers, in lower case, and the new products that it tells of."""
        assert self._streams, "the page has not been opened"
        reader, writer = self._streams
        lines = (
            f"GET {self._path} HTTP/1.1",
            f"Host: {self._host}:{self._port}",
            f"If-None-Match: {self._tag}",
            "",
            "",
        )
        writer.write("\r\n".join(lines).encode())
        async with asyncio.timeout(ANSWER_SECONDS):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            status, _, rest = head.partition("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in rest.split("\r\n"))}
            if status.startswith("HTTP/1.1 304 "):
                return headers, []
            if not status.startswith("HTTP/1.1 200 "):
                raise NotAnswered(status)
            self._tag = headers["etag"]
            return headers, json.loads(await reader.readexactly(int(headers["content-length"])))["created"]


@dataclasses.dataclass(frozen=True)
class Watched:
    """What the open pages saw of the changes that were made meanwhile."""

    pages: int
    polls: int
    # of each change and page, the seconds from its acknowledgement until it was seen; infinite: it never was
    delays: tuple[float, ...]
    # how late these pages themselves were at worst, for want of a processor; the delays include it
    behind: float

    @property
    def slowest(self) -> float:
        return max(self.delays, default=math.nan)


class Lateness:
    """How late this process is at worst in what it means to do at a moment."""

    def __init__(self) -> None:
        self.seconds = 0.0

    async def watch(self) -> None:
        while True:
            due = time.monotonic() + LATENESS_EVERY
            await asyncio.sleep(LATENESS_EVERY)
            self.seconds = max(self.seconds, time.monotonic() - due)


def watched(pages: Iterable[OpenPage], made: dict[str, float], behind: float) -> Watched:
    """:param made: when each change was acknowledged, by the product's code."""
    pages = list(pages)
    delays = [page.seen.get(code, math.inf) - moment for page in pages for code, moment in made.items()]
    return Watched(len(pages), sum(page.polls for page in pages), tuple(delays), behind)


async def open_all(pages: Iterable[OpenPage]) -> None:
    gate = asyncio.Semaphore(CONNECTING_AT_ONCE)

    async def enter(page: OpenPage) -> None:
        async with gate:
            await page.open()
            await page.poll()

    await asyncio.gather(*map(enter, pages))
