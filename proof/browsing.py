"""What people do with the application, request by request: the steps of a load."""

from __future__ import annotations

import itertools
import re
import uuid
from urllib.parse import quote

import aiohttp

from proof.connections import http_session
from proof.ledger import Ledger
from proof.load import Reply, Step

TOKEN = re.compile(rb'name="csrf_token"[^>]*value="([^"]+)"')
OPTION = re.compile(rb'<option[^>]*value="([^"]+)"')
PRODUCT = re.compile(rb'data-product-id="(\d+)"')
NO_TIMEOUT = aiohttp.ClientTimeout(total=None)
OPENING = aiohttp.ClientTimeout(total=60)


class Visitor:
    """One browser with connections of its own: a login form that was fetched, and a session that is signed in."""

    def __init__(self, url: str, username: str, password: str) -> None:
        self._url = url
        self._username = username
        self._password = password
        self._form_cookie = ""
        self._form_token = ""
        self._token = ""
        self._unit = ""
        self._anonymous: aiohttp.ClientSession | None = None
        self._signed_in: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Fetch the login form, and sign in once."""
        self._anonymous = http_session(aiohttp.DummyCookieJar())
        self._signed_in = http_session(aiohttp.CookieJar(unsafe=True))
        form = await self.get("/login", timeout=OPENING)
        self._form_token = self._token_of(form)
        # kept by hand, so that a login's answer cannot sign this form in
        self._form_cookie = form.headers["Set-Cookie"].split(";", 1)[0]
        page = await self.get("/login", signed_in=True, timeout=OPENING)
        answer = await self.post(
            "/login",
            {"csrf_token": self._token_of(page), "username": self._username, "password": self._password},
            signed_in=True,
            timeout=OPENING,
        )
        if answer.status not in (302, 303):
            raise AssertionError(f"cannot sign in as {self._username}: status {answer.status}")
        page = await self.get("/products/new", signed_in=True, timeout=OPENING)
        self._token = self._token_of(page)
        units = OPTION.findall(page.body.partition(b'name="unit"')[2])
        self._unit = units[0].decode() if units else ""

    async def close(self) -> None:
        for session in (self._anonymous, self._signed_in):
            if session:
                await session.close()

    @property
    def login_form(self) -> tuple[str, str]:
        """Cookie and token of the login form that was fetched."""
        return self._form_cookie, self._form_token

    @property
    def signed_in_form(self) -> tuple[str, str]:
        """The cookies of the one who is signed in, as a header's value, and the token of their forms."""
        assert self._signed_in is not None, "the visitor has not been opened"
        cookies = (f"{cookie.key}={cookie.value}" for cookie in self._signed_in.cookie_jar)
        return "; ".join(cookies), self._token

    async def log_in(self) -> Reply:
        """Send the form that was fetched; each time it is a login of its own."""
        return await self.post(
            "/login",
            {"csrf_token": self._form_token, "username": self._username, "password": self._password},
            cookie=self._form_cookie,
        )

    async def register(self, code: str) -> Reply:
        return await self.post(
            "/products/new",
            {
                "csrf_token": self._token,
                "submission_key": uuid.uuid4().hex,
                "code": code,
                "name": f"Prueba {code}",
                "unit": self._unit,
                "category": "",
                "description": "",
            },
            signed_in=True,
        )

    async def product_id(self, code: str) -> int:
        """The number of the product with this code, from the list."""
        page = await self.get(f"/products?q={quote(code)}", signed_in=True, timeout=OPENING)
        found = PRODUCT.search(page.body)
        if not found:
            raise AssertionError(f"no product {code} in an answer of status {page.status}")
        return int(found.group(1))

    async def move(self, product_id: int, kind: str, quantity: int, *, key: str = "") -> Reply:
        """A movement of stock; with the key of an earlier one it is that one again."""
        return await self.post(
            f"/products/{product_id}/movements/new",
            {
                "csrf_token": self._token,
                "submission_key": key or uuid.uuid4().hex,
                "kind": kind,
                "quantity": str(quantity),
                "reason": {"in": "purchase", "out": "sale", "adjustment": "count"}[kind],
                "note": "",
            },
            signed_in=True,
        )

    async def get(self, path: str, *, signed_in: bool = False, timeout: aiohttp.ClientTimeout = NO_TIMEOUT) -> Reply:
        return await self._request("GET", path, signed_in=signed_in, timeout=timeout)

    async def post(
        self,
        path: str,
        form: dict[str, str],
        *,
        signed_in: bool = False,
        cookie: str = "",
        timeout: aiohttp.ClientTimeout = NO_TIMEOUT,
    ) -> Reply:
        headers = {"Cookie": cookie} if cookie else None
        return await self._request("POST", path, signed_in=signed_in, timeout=timeout, form=form, headers=headers)

    async def _request(
        self,
        method: str,
        path: str,
        *,
        signed_in: bool,
        timeout: aiohttp.ClientTimeout,
        form: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Reply:
        session = self._signed_in if signed_in else self._anonymous
        assert session is not None, "the visitor has not been opened"
        async with session.request(
            method, self._url + path, data=form, headers=headers, timeout=timeout, allow_redirects=False
        ) as response:
            return Reply(response.status, response.headers, await response.read())

    @staticmethod
    def _token_of(page: Reply) -> str:
        found = TOKEN.search(page.body)
        if not found:
            raise AssertionError(f"no form in an answer of status {page.status}: {page.body[:300]!r}")
        return found.group(1).decode()


def _page(name: str, path: str, *needed: str, signed_in: bool = False) -> Step:
    wanted = [text.encode() for text in (*needed, "</html>")]

    async def send(visitor: Visitor) -> Reply:
        return await visitor.get(path, signed_in=signed_in)

    def check(_visitor: Visitor, reply: Reply) -> str:
        if reply.status != 200:
            return f"wrong answer: status {reply.status} to {reply.headers.get('Location', 'nowhere')}"
        missing = [text for text in wanted if text not in reply.body]
        return f"wrong body: no {missing[0].decode()!r}" if missing else ""

    return Step(name, send, check)


def _entered(_visitor: Visitor, reply: Reply) -> str:
    if reply.status not in (302, 303):
        return f"wrong answer: status {reply.status}"
    if "/login" in reply.headers.get("Location", "/login") or "Set-Cookie" not in reply.headers:
        return "wrong answer: not signed in"
    return ""


WELCOME = _page("GET /", "/", "Inventario", 'href="/login"')
LOGIN_FORM = _page("GET /login", "/login", 'name="csrf_token"', 'name="password"')
# the list is read from a replica, and its user too
PRODUCTS = _page("GET /products", "/products", "<h1>Productos</h1>", "Salir", signed_in=True)
LOG_IN = Step("POST /login", Visitor.log_in, _entered)

# what an ordinary day looks like to the load balancer; the database is read by the list and the login
EVERYDAY = ((WELCOME, 10), (PRODUCTS, 6), (LOGIN_FORM, 3), (LOG_IN, 1))
READING = ((PRODUCTS, 3), (WELCOME, 1))


class Registration:
    """Products registered one after the other, each one's code noted once the client was told that it is saved."""

    def __init__(self, ledger: Ledger, prefix: str) -> None:
        self._ledger = ledger
        self._prefix = prefix
        self._number = itertools.count(1)

    @property
    def step(self) -> Step:
        return Step("POST /products/new", self._send, self._check)

    async def _send(self, visitor: Visitor) -> Reply:
        code = f"{self._prefix}-{next(self._number):05d}"
        reply = await visitor.register(code)
        if reply.status in (302, 303) and reply.headers.get("Location", "").endswith("/products"):
            self._ledger.acknowledge(code)
        return reply

    @staticmethod
    def _check(_visitor: Visitor, reply: Reply) -> str:
        if reply.status in (302, 303) and reply.headers.get("Location", "").endswith("/products"):
            return ""
        return f"wrong answer: status {reply.status}"
