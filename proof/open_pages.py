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
AFTER_BEGINNING, SPREAD = 0.05, 0.4
UPDATING_AGAIN = 0.12
HEAD_START = 0.15
ANSWER_SECONDS = 15
CONNECTING_AT_ONCE = 100


class NotAnswered(AssertionError):
    """An open page got no answer, or not the one that it needs."""


class OpenPage:
    """One browser's connection: it asks for the version, and for what changed when that has moved."""

    def __init__(self, url: str, key: str) -> None:
        address = urllib.parse.urlsplit(url)
        self._host, self._port = address.hostname or "", address.port or 80
        self._key = key
        self._version = ""
        self._updating = 0
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        # when each product was first told of, by its code
        self.seen: dict[str, float] = {}
        self.polls = 0

    async def open(self) -> None:
        self._streams = await asyncio.open_connection(self._host, self._port)

    async def poll(self) -> float:
        """Ask once; give the seconds to wait before asking again."""
        answer, headers = await self._get("/live/version")
        version = str(answer["version"])
        clock = float(headers["x-clock"])
        again = time.monotonic() + 1 - clock % 1 + AFTER_BEGINNING + SPREAD * random.random()
        self.polls += 1
        if version != self._version:
            if headers.get("x-cache-status") == "hit":
                await asyncio.sleep(HEAD_START)
            told, _ = await self._get(f"/live/changes?version={version}&key={self._key}")
            now = time.monotonic()
            for row in told["rows"]:
                self.seen.setdefault(row["code"], now)
            self._version = version
        self._updating = self._updating + 1 if headers.get("x-cache-status") == "updating" else 0
        soon = UPDATING_AGAIN * 2 ** (self._updating - 1) if self._updating else math.inf
        return max(0.0, min(soon, again - time.monotonic()))

    async def keep_asking(self, end: float) -> None:
        while time.monotonic() < end:
            await asyncio.sleep(await self.poll())

    def close(self) -> None:
        if self._streams:
            self._streams[1].close()

    async def _get(self, path: str) -> tuple[dict[str, Any], dict[str, str]]:
        """The answer and its headers, in lower case."""
        assert self._streams, "the page has not been opened"
        reader, writer = self._streams
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {self._host}:{self._port}\r\n\r\n".encode())
        async with asyncio.timeout(ANSWER_SECONDS):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            status, _, rest = head.partition("\r\n")
            if not status.startswith("http/1.1 200 "):
                raise NotAnswered(f"{path.partition('?')[0]}: {status}")
            headers = dict(line.split(": ", 1) for line in rest.split("\r\n") if line)
            return json.loads(await reader.readexactly(int(headers["content-length"]))), headers


@dataclasses.dataclass(frozen=True)
class Watched:
    """What the open pages saw of the changes that were made meanwhile."""

    pages: int
    polls: int
    # of each change and page, the seconds from its acknowledgement until it was seen; infinite: it never was
    delays: tuple[float, ...]

    @property
    def slowest(self) -> float:
        return max(self.delays, default=math.nan)


def watched(pages: Iterable[OpenPage], made: dict[str, float]) -> Watched:
    """:param made: when each change was acknowledged, by the product's code."""
    pages = list(pages)
    delays = [page.seen.get(code, math.inf) - moment for page in pages for code, moment in made.items()]
    return Watched(len(pages), sum(page.polls for page in pages), tuple(delays))


async def open_all(pages: Iterable[OpenPage]) -> None:
    gate = asyncio.Semaphore(CONNECTING_AT_ONCE)

    async def enter(page: OpenPage) -> None:
        async with gate:
            await page.open()
            await page.poll()

    await asyncio.gather(*map(enter, pages))
