"""What people do with the guest book of examples/guestbook, request by request: the steps of a load."""

from __future__ import annotations

import itertools

import aiohttp

from proof.connections import http_session
from proof.load import Answer, Reply, Step

NO_TIMEOUT = aiohttp.ClientTimeout(total=None)
READ, SIGN = "GET /", "POST /"


class Reader:
    """One browser."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        self._session = http_session(aiohttp.DummyCookieJar())

    async def close(self) -> None:
        if self._session:
            await self._session.close()

    async def read(self) -> Reply:
        return await self._ask("GET")

    async def sign(self, author: str, message: str) -> Reply:
        return await self._ask("POST", {"author": author, "message": message})

    async def _ask(self, method: str, form: dict[str, str] | None = None) -> Reply:
        assert self._session is not None, "the browser has not been opened"
        async with self._session.request(
            method, self._url + "/", data=form, timeout=NO_TIMEOUT, allow_redirects=False
        ) as response:
            return Reply(response.status, response.headers, await response.read())


class Signatures:
    """Entries signed one after the other, each with a text of its own, and what their writers were told."""

    def __init__(self, mark: str) -> None:
        self._mark = mark
        self._number = itertools.count(1)
        self.sent: set[str] = set()
        self.thanked: set[str] = set()

    @property
    def step(self) -> Step:
        return Step(SIGN, self._send, self._check)

    async def _send(self, reader: Reader) -> Reply:
        message = f"{self._mark}-{next(self._number):05d}"
        self.sent.add(message)
        reply = await reader.sign("Somebody", message)
        if reply.status == 303:
            self.thanked.add(message)
        return reply

    @staticmethod
    def _check(_reader: Reader, reply: Reply) -> str:
        return "" if reply.status == 303 else f"wrong answer: status {reply.status}"


def _is_the_book(_reader: Reader, reply: Reply) -> str:
    if reply.status != 200:
        return f"wrong answer: status {reply.status}"
    return "" if b"<h1>Guest book</h1>" in reply.body and b"</html>" in reply.body else "wrong body"


LOOK = Step(READ, Reader.read, _is_the_book)


def in_flight(answer: Answer, moment: float) -> bool:
    """Whether a request had been sent, and not been answered, at that moment of the load."""
    return answer.due <= moment < answer.ended
