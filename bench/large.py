"""Measure the application on 1,000,000 products and 5,000,000 movements, and keep the figures in build/bench.

usage: python -m bench.large [--products N]     (`python -m bench --large` does the same)

The database is a throw-away container on the disk, durable as in the cluster, with a buffer pool that is smaller than
the data. What is timed is a request at the application: from its entrance to the last byte of its page, by one person
who is signed in. `cold` is the first request of its kind after a restart of MySQL.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import html
import json
import math
import os
import pathlib
import platform
import random
import re
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from bench import large_data
from bench.large_data import NOUNS, RARE_WORD, SINGLE_WORD

ROOT = pathlib.Path(__file__).resolve().parents[1]
FIGURES = ROOT / "build" / "bench" / "large.json"
sys.path.insert(0, str(ROOT / "webapp" / "src"))

# what the project promises, in seconds
PROMISED = 0.1
REQUESTS = 100
COLD_ROUNDS = 3
USERNAME, PASSWORD = "bench", "only for this database"
# measured after a restart too
COLD = ("first page", "deep pages", "rare word", "common word", "a code", "low stock", "product page")
SORTS = ("name", "-name", "quantity", "-quantity", "-changed")
_SEED = 7


@dataclasses.dataclass(frozen=True)
class Case:
    """A kind of request; each time an address like the others of its kind."""

    name: str
    addresses: Sequence[str]


@dataclasses.dataclass(frozen=True)
class Figures:
    """Milliseconds, warm and cold, and what the application itself took of them."""

    p50: float
    p95: float
    p99: float
    cpu: float
    cold: float | None

    @property
    def is_kept(self) -> bool:
        return self.p95 <= 1000 * PROMISED


class Person:
    """One person who is signed in, at the application itself."""

    def __init__(self, app: Any) -> None:
        from inventario.services.finding import read_at

        self._client = app.test_client()
        self._forget = read_at.cache_clear
        self.get("/login")
        fields = {"username": USERNAME, "password": PASSWORD, "csrf_token": self._token}
        answer = self._client.post("/login", data=fields)
        if answer.status_code != 302:
            raise RuntimeError(f"the login answered {answer.status_code}")

    def get(self, address: str) -> str:
        # what is timed is the way to the rows, and not that a page is kept while nothing is written
        self._forget()
        answer = self._client.get(address, buffered=True)
        if answer.status_code != 200:
            raise RuntimeError(f"{address} answered {answer.status_code}")
        page: str = answer.text
        found = re.search(r'name="csrf_token"[^>]*value="([^"]*)"', page)
        self._token = found.group(1) if found else ""
        return page

    def follow(self, address: str, pages: int) -> list[str]:
        """The addresses of the next pages, as the page before links to them."""
        addresses = []
        for _ in range(pages):
            found = re.search(r'rel="next" href="([^"]*)"', self.get(address))
            if found is None:
                break
            address = html.unescape(found.group(1))
            addresses.append(address)
        return addresses


def say(text: str) -> None:
    print(text, flush=True)


def cases(person: Person, server: large_data.Server) -> list[Case]:
    """Every kind of list, search and product page."""
    chance = random.Random(_SEED)
    with server.session() as cursor:
        cursor.execute("SELECT min(id), max(id) FROM products")
        ((first, last),) = cursor.fetchall()
        some = [chance.randint(first, last) for _ in range(REQUESTS + COLD_ROUNDS)]
        cursor.execute(f"SELECT code, name FROM products WHERE id IN ({', '.join(map(str, some))})")
        known = list(cursor.fetchall())
        cursor.execute("SELECT id FROM categories ORDER BY id")
        categories = [number for (number,) in cursor.fetchall()]
    codes = [code for code, _ in known]
    makers = [name.split()[-1] for _, name in known]
    common, second = NOUNS[0], NOUNS[1]
    return [
        Case("first page", ["/products"]),
        Case("deep pages", person.follow(f"/products?page={_middle(known)}", REQUESTS)),
        *(
            Case(f"by {sort}", [f"/products?sort={sort}"])
            for sort in ("name", "-name", "quantity", "-quantity", "-changed")
        ),
        Case("deep by quantity", person.follow("/products?sort=-quantity", 2 * REQUESTS)[-REQUESTS:]),
        Case("a category", [f"/products?category={number}" for number in categories]),
        Case("a category by name", [f"/products?category={number}&sort=name" for number in categories]),
        Case("a category by change", [f"/products?category={number}&sort=-changed" for number in categories]),
        Case("a unit", ["/products?unit=rollo", "/products?unit=kg", "/products?unit=ud"]),
        Case("retired", ["/products?state=retired", "/products?state=retired&sort=-changed"]),
        Case("low stock", ["/products?low=1", "/products?low=1&sort=quantity", "/products?low=1&sort=name"]),
        Case("low in a category", [f"/products?low=1&category={number}" for number in categories]),
        Case("rare word", [f"/products?q={maker}" for maker in makers]),
        Case("a dozen products", [f"/products?q={RARE_WORD}"]),
        Case("one product", [f"/products?q={SINGLE_WORD}", f"/products?state=all&q={SINGLE_WORD}"]),
        Case("common word", [f"/products?q={word}" for word in NOUNS[:10]]),
        Case("common word by name", [f"/products?q={word}&sort=name" for word in NOUNS[:10]]),
        Case("common word by change", [f"/products?q={word}&sort=-changed" for word in NOUNS[:10]]),
        Case(
            "two common words",
            [f"/products?q={common}+acero", f"/products?q={second}+zincado", "/products?q=cable+rojo"],
        ),
        Case("common and rare", [f"/products?q={common}+{maker}" for maker in makers]),
        Case("two nouns", [f"/products?q={one}+{other}" for one, other in zip(NOUNS[:12], NOUNS[6:18], strict=True)]),
        Case("prefix, 1 letter", [f"/products?q={letter}" for letter in "tabcpm5"]),
        Case("prefix, 3 letters", [f"/products?q={word[:3]}" for word in NOUNS[:20]]),
        Case("a code", [f"/products?q={code}" for code in codes]),
        Case("a code's beginning", [f"/products?q={code[:7]}" for code in codes]),
        Case("no hit", ["/products?q=xyzzy", f"/products?q={common}+xyzzy"]),
        Case("word in a category", [f"/products?q={common}&category={number}" for number in categories]),
        Case("product page", [f"/products/{number}" for number in some]),
    ]


def _middle(known: Sequence[tuple[str, str]]) -> str:
    """The cursor of a page in the middle of the list."""
    from inventario.services.cursors import Cursor, encode

    return encode(Cursor("code", False, False, sorted(code for code, _ in known)[len(known) // 2], 1))


def measure(person: Person, case: Case, requests: int = REQUESTS) -> tuple[list[float], float]:
    """Milliseconds of each request, and the mean of the application's processor time."""
    person.get(case.addresses[-1])
    times, processor = [], time.process_time()
    for number in range(requests):
        began = time.perf_counter()
        person.get(case.addresses[number % len(case.addresses)])
        times.append(1000 * (time.perf_counter() - began))
    return times, 1000 * (time.process_time() - processor) / requests


def cold(person: Person, found: Sequence[Case], server: large_data.Server) -> dict[str, float]:
    """The first request of a kind after a restart, each after one of its own; the worst of some."""
    worst: dict[str, float] = {}
    for case in (case for case in found if case.name in COLD):
        for number in range(COLD_ROUNDS):
            server.restart()
            # new connections, and what every page asks for
            person.get("/products/new")
            began = time.perf_counter()
            person.get(case.addresses[number % len(case.addresses)])
            worst[case.name] = max(worst.get(case.name, 0.0), 1000 * (time.perf_counter() - began))
    return worst


def quantile(times: Sequence[float], share: float) -> float:
    ordered = sorted(times)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def application(server: large_data.Server) -> Any:
    from inventario import create_app
    from inventario.settings import load

    url = server.url.render_as_string(hide_password=False)
    settings = {
        "SECRET_KEY": "for this database alone",
        "NODE_NAME": "bench",
        "LOG_LEVEL": "ERROR",
        "DATABASE_WRITE_URL": url,
        "DATABASE_READ_URL": url,
    }
    return create_app(load({f"INVENTARIO_{name}": value for name, value in settings.items()}))


def release(app: Any) -> str:
    """The release command itself makes the schema, the first user, and the words of the products."""
    os.environ |= {"INVENTARIO_ADMIN_USERNAME": USERNAME, "INVENTARIO_ADMIN_PASSWORD": PASSWORD}
    result = app.test_cli_runner().invoke(args=["release"])
    del os.environ["INVENTARIO_ADMIN_USERNAME"], os.environ["INVENTARIO_ADMIN_PASSWORD"]
    if result.exit_code:
        raise RuntimeError(f"the release failed: {result.output}")
    return str(result.output)


def image() -> str:
    images = large_data.docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", "inventario-database").split()
    if not images:
        raise SystemExit("there is no local image inventario-database: make images first")
    return images[0]


def timed(what: str, work: Callable[[], object]) -> float:
    say(f"{what} ...")
    began = time.monotonic()
    work()
    seconds = time.monotonic() - began
    say(f"{what}: {seconds:.0f} s")
    return seconds


def figures(server: large_data.Server, app: Any) -> dict[str, Figures]:
    person = Person(app)
    found = cases(person, server)
    warm = {}
    for case in found:
        warm[case.name] = measure(person, case)
        say(f"  {case.name}: p95 {quantile(warm[case.name][0], 0.95):.0f} ms")
    worst = cold(person, found, server)
    return {
        name: Figures(
            p50=round(quantile(times, 0.5), 1),
            p95=round(quantile(times, 0.95), 1),
            p99=round(quantile(times, 0.99), 1),
            cpu=round(processor, 1),
            cold=round(worst[name], 1) if name in worst else None,
        )
        for name, (times, processor) in warm.items()
    }


def table(measured: dict[str, Figures]) -> list[str]:
    width = max(len(name) for name in measured)
    lines = [f"{'milliseconds':<{width}} {'p50':>7} {'p95':>7} {'p99':>7} {'cpu':>6} {'cold':>7}   p95 at most"]
    for name, row in measured.items():
        first = f"{row.cold:7.0f}" if row.cold is not None else " " * 7
        kept = "" if row.is_kept else "  MISSED"
        lines.append(
            f"{name:<{width}} {row.p50:7.1f} {row.p95:7.1f} {row.p99:7.1f} {row.cpu:6.1f} {first}   "
            f"{1000 * PROMISED:.0f}{kept}"
        )
    return lines


def run(products: int = large_data.PRODUCTS) -> int:
    FIGURES.parent.mkdir(parents=True, exist_ok=True)
    with large_data.server(image()) as server:
        app = application(server)
        seconds = {
            "schema": timed("schema", lambda: release(app)),
            "rows": timed(f"{products:,} products", lambda: large_data.fill(server, products)),
            "words": timed("their words, as a release makes them", lambda: release(app)),
        }
        large_data.analyze(server)
        measured = figures(server, app)
    kept = {
        "when": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "machine": {"cores": os.cpu_count(), "kernel": platform.release(), "load": os.getloadavg()},
        "products": products,
        "movements": products * large_data.MOVEMENTS_PER_PRODUCT,
        "buffer_pool": large_data.BUFFER_POOL,
        "seconds": {name: round(value, 1) for name, value in seconds.items()},
        "milliseconds": {name: dataclasses.asdict(row) for name, row in measured.items()},
    }
    FIGURES.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    say(f"\n{products:,} products, {kept['movements']:,} movements, buffer pool {large_data.BUFFER_POOL}")
    for line in table(measured):
        say(line)
    say(f"\nkept in {FIGURES.relative_to(ROOT)}")
    return 0 if all(row.is_kept for row in measured.values()) else 1


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--products", type=int, default=large_data.PRODUCTS)
    return run(parser.parse_args().products)


if __name__ == "__main__":
    sys.exit(main())
