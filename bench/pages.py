"""How much of what the machine can do a page takes: each beside a plain Flask "hello", in the same rounds.

The hello runs on every application node under gunicorn with the options of the application itself, and NGINX shares it
out by the same weights; so a ratio says what the application costs, and not what the machine is. wrk asks as fast as it
is answered, over connections that are kept.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import pathlib
import shlex
import statistics
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from proof.cluster import Cluster, Node
from proof.waiting import until

ROUNDS = 3
SECONDS = 6
CONNECTIONS = 16
PORT = 8001
HELLO_PORT = 8099
# the firewall without what was let in
AS_BEFORE = "! systemctl --quiet is-active inventario-firewall || systemctl reload inventario-firewall"
UNIT = "bench-hello"
FOLDER = "/run/bench"
HELLO = """\
from flask import Flask

app = Flask(__name__)


@app.get("/")
def hello():
    return "<!doctype html><title>Hello</title><p>Hello</p></html>"
"""
# asked again and again; @KEY@ and @CODE@ in the body, @CODE@ in the path, are each time others
SCRIPT = """\
local method, path, cookie, body, mark = {method}, {path}, {cookie}, {body}, {mark}
local count = 0
function request()
  count = count + 1
  local headers = {{ ["Cookie"] = cookie, ["Content-Type"] = "application/x-www-form-urlencoded" }}
  local filled = body:gsub("@KEY@", mark .. string.format("%016x", count)):gsub("@CODE@", mark .. "-" .. count)
  return wrk.format(method, path:gsub("@CODE@", mark .. count), headers, filled)
end
function setup(thread) threads = threads or {{}}; table.insert(threads, thread) end
function done(summary, latency, requests)
  local wrong_answers, status = 0, 0
  for _, thread in ipairs(threads) do
    wrong_answers = wrong_answers + thread:get("wrong_answers")
    status = math.max(status, thread:get("last_wrong"))
  end
  local errors = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
  print(string.format("RESULT %d %d %d %d %d %d %d", summary.requests, summary.duration, wrong_answers, status, errors,
    latency:percentile(50), latency:percentile(99)))
end
wrong_answers, last_wrong = 0, 0
function response(status, headers)
  if status ~= {expected} then
    wrong_answers = wrong_answers + 1
    last_wrong = status
  end
end
"""


@dataclasses.dataclass(frozen=True)
class Page:
    """Something to ask for, and the least part of hello's rate that it promises; 0: none."""

    name: str
    path: str
    promised: float = 0
    method: str = "GET"
    signed_in: bool = False
    body: str = ""
    expected: int = 200


@dataclasses.dataclass(frozen=True)
class Measured:
    """One page in one round."""

    rate: float
    milliseconds: float
    slowest_percent: float
    cpu_milliseconds: float


HELLO_PAGE = Page("hello, plain Flask", "/")
LIST = Page("product list, 50 rows", "/products", 0.12, signed_in=True)
PAGES = (
    Page("login page", "/login", 0.3),
    LIST,
    # a page of which there is none yet is the first one, and one that no process keeps
    Page("product list, rows read anew", "/products?page=@CODE@", signed_in=True),
    Page("live version", "/live/version", 3),
    Page(
        "product registered",
        "/products/new",
        0.05,
        method="POST",
        signed_in=True,
        body="submission_key=@KEY@&code=@CODE@&name=Tornillo&unit=ud&category=&description=",
        expected=302,
    ),
    Page("login", "/login", method="POST", expected=302),
)


@contextmanager
def hello(cluster: Cluster) -> Iterator[None]:
    """Run the plain application beside the real one, for as long as it is measured."""
    balancer = cluster.load_balancers[0]
    started: list[Node] = []
    try:
        _let_in(balancer, HELLO_PORT)
        for node in cluster.app_nodes:
            started.append(node)
            _let_in(node, PORT)
            _start(node)
        servers = "".join(f"server {node.address}:{PORT} weight={node.weight};\n" for node in cluster.app_nodes)
        balancer.pipe(
            "cat > /etc/nginx/conf.d/bench.conf && nginx -t -q && systemctl reload nginx",
            f"upstream bench_hello {{\nzone bench_hello 64k;\n{servers}keepalive 32;\nkeepalive_requests 10000;\n}}\n"
            f"server {{\nlisten {HELLO_PORT};\nlocation / {{\nproxy_pass http://bench_hello;\n}}\n}}\n",
        )
        until(lambda: _answers(f"http://{balancer.address}:{HELLO_PORT}/"), "hello answers", seconds=30)
        yield
    finally:
        balancer.run("rm -f /etc/nginx/conf.d/bench.conf && systemctl reload nginx")
        balancer.run(AS_BEFORE)
        for node in started:
            node.run("! systemctl --quiet is-active %s || systemctl stop %s; rm -rf %s", UNIT, UNIT, FOLDER)
            node.run(AS_BEFORE)


def _let_in(node: Node, port: int) -> None:
    """Through the host's firewall, if it has one, until its rules are loaded again."""
    node.run(
        "! nft list table inet inventario >/dev/null || nft insert rule inet inventario input tcp dport %s accept",
        str(port),
    )


def _start(node: Node) -> None:
    """With the very options that the application's own unit has."""
    command = node.run("systemctl cat webapp.service")
    line = command.replace("\\\n", " ").split("ExecStart=", 1)[1].split("\n", 1)[0]
    words = [word for word in shlex.split(line) if word != "inventario:create_app()"]
    node.pipe(f"mkdir -p {FOLDER} && cat > {FOLDER}/hello.py", HELLO)
    options = ["--bind", f"0.0.0.0:{PORT}", "--chdir", FOLDER, "hello:app"]
    words[words.index("--worker-tmp-dir") + 1] = FOLDER
    node.run(f"systemd-run --quiet --unit={UNIT} --collect {shlex.join(words + options)}")


def _answers(url: str) -> bool:
    return subprocess.run(["curl", "--silent", "--fail", "--output", "/dev/null", url], check=False).returncode == 0


def _cpu_seconds(nodes: list[Node], name: str) -> float:
    """Processor time that the processes of these gunicorns have had until now."""
    script = (
        "import glob, os\n"
        "ticks = 0\n"
        "for folder in glob.glob('/proc/[0-9]*'):\n"
        "    try:\n"
        "        if sys.argv[1] in open(folder + '/cmdline').read():\n"
        "            ticks += sum(map(int, open(folder + '/stat').read().rpartition(')')[2].split()[11:13]))\n"
        "    except OSError:\n"
        "        pass\n"
        "print(ticks / os.sysconf('SC_CLK_TCK'))\n"
    )
    command = f"python3 -c {shlex.quote('import sys' + chr(10) + script)} {shlex.quote(name)}"
    return sum(float(node.run(command)) for node in nodes)


def _ask(
    url: str, page: Page, cookie: str, token: str, username: str, password: str
) -> tuple[int, float, float, float]:
    """Requests, seconds, median and 99th percentile in milliseconds."""
    body = page.body
    if page.method == "POST":
        fields = f"csrf_token={token}" + ("" if page.signed_in else f"&username={username}&password={password}")
        body = f"{fields}&{body}" if body else fields
    mark = uuid.uuid4().hex[:16]
    quoted = {"method": page.method, "path": page.path, "cookie": cookie, "body": body, "mark": mark}
    script = SCRIPT.format(
        **{name: json.dumps(value) for name, value in quoted.items()},
        expected=page.expected,
    )
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(script)
        file.flush()
        done = subprocess.run(
            ["wrk", "--threads", "1", "--connections", str(CONNECTIONS), "--duration", f"{SECONDS}s",
             "--timeout", "10s", "--script", file.name, url],
            capture_output=True, check=True, text=True,
        )  # fmt: skip
    line = next(line for line in done.stdout.splitlines() if line.startswith("RESULT "))
    requests, microseconds, wrong, status, errors, median, slow = map(int, line.split()[1:])
    if wrong or errors or not requests:
        raise AssertionError(f"{page.name}: {wrong} of {requests} answers were wrong (one: {status}), {errors} errors")
    return requests, microseconds / 1e6, median / 1000, slow / 1000


def _prepare(cluster: Cluster) -> tuple[str, str, str, str]:
    """Somebody who is signed in, and a login form: two cookies and two tokens."""

    async def open_pages() -> tuple[str, str, str, str]:
        visitor = cluster.visitor()
        try:
            await visitor.open()
            return (*visitor.signed_in_form, *visitor.login_form)
        finally:
            await visitor.close()

    return asyncio.run(open_pages())


def measure(cluster: Cluster, pages: tuple[Page, ...] = PAGES, rounds: int = ROUNDS) -> dict[str, Any]:
    """Each page's rate, its part of hello's in the same round, and what it cost the application's processes."""
    cookie, token, login_cookie, login_token = _prepare(cluster)
    balancer = cluster.load_balancers[0].address
    results: dict[str, list[Measured]] = {}
    with ExitStack() as stack:
        stack.enter_context(hello(cluster))
        for _ in range(rounds):
            for page in (HELLO_PAGE, *pages):
                is_hello = page is HELLO_PAGE
                url = f"http://{balancer}:{HELLO_PORT if is_hello else 80}"
                process = "hello:app" if is_hello else "inventario:create_app"
                before = _cpu_seconds(cluster.app_nodes, process)
                requests, seconds, median, slow = _ask(
                    url,
                    page,
                    cookie if page.signed_in else login_cookie,
                    token if page.signed_in else login_token,
                    cluster.username,
                    cluster.password,
                )
                spent = _cpu_seconds(cluster.app_nodes, process) - before
                results.setdefault(page.name, []).append(
                    Measured(requests / seconds, median, slow, 1000 * spent / requests)
                )
    base = results[HELLO_PAGE.name]
    return {
        page.name: {
            "per_second": round(statistics.median(each.rate for each in results[page.name]), 1),
            "ratio": round(
                statistics.median(each.rate / plain.rate for each, plain in zip(results[page.name], base, strict=True)),
                3,
            ),
            "promised": page.promised,
            "p50_milliseconds": round(statistics.median(each.milliseconds for each in results[page.name]), 1),
            "p99_milliseconds": round(statistics.median(each.slowest_percent for each in results[page.name]), 1),
            "cpu_milliseconds": round(statistics.median(each.cpu_milliseconds for each in results[page.name]), 2),
        }
        for page in (HELLO_PAGE, *pages)
    }


def save(figures: dict[str, Any], folder: pathlib.Path) -> None:
    (folder / "pages.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
