#!/usr/bin/python
"""What the gate asks of the cluster from outside, as a browser would."""

from __future__ import annotations

DOCUMENTATION = r"""
module: gate_web
short_description: Ask the cluster for pages as a browser would
description:
  - Counts which node answers, and counts more where a share is not the promised one.
  - Logs in through the load balancer with a real form, and asks for phpMyAdmin's page.
options:
  url:
    description: Address of the load balancer, without a path.
    type: str
    required: true
  tls_url:
    description: The same by HTTPS; not asked where empty.
    type: str
    default: ""
  ca:
    description: The authority that verifies HTTPS, also behind a redirect; the machine's own where empty.
    type: path
    default: ""
  nodes:
    description: The nodes that have to answer, as records of I(name) and I(weight).
    type: list
    elements: dict
    required: true
  rounds:
    description: How many requests are made for each unit of weight.
    type: int
    default: 10
  tolerance:
    description: By how many percentage points a node's share may differ from its weight's.
    type: float
    default: 6
  page:
    description: Path of the page that is counted; redirects are followed.
    type: str
    default: /
  page_status:
    description: The status that this page answers with.
    type: int
    default: 200
  page_text:
    description: A text that has to be in it; empty for any.
    type: str
    default: ""
  username:
    description: Who logs in; nobody where empty.
    type: str
    default: ""
  password:
    description: That user's password.
    type: str
    default: ""
  login_path:
    description: Path of the login form.
    type: str
    default: /login
  private_page:
    description: Path of a page that only a user who logged in is shown.
    type: str
    default: /products
  phpmyadmin_url:
    description: Address of phpMyAdmin; not asked where empty.
    type: str
    default: ""
  phpmyadmin_host:
    description: The host that phpMyAdmin runs on, for the message.
    type: str
    default: phpmyadmin
  balancer:
    description: The load balancer's host, for the message.
    type: str
    default: nginx
author: [Inventario]
"""

EXAMPLES = r"""
- name: Ask the cluster
  gate_web:
    url: http://127.0.0.1:8080
    nodes: [{name: app, weight: 3}]
"""

RETURN = r"""
findings:
  description: What is wrong, as records of host, unit and message.
  type: list
  returned: always
shares:
  description: How many requests each node answered.
  type: dict
  returned: always
"""

import collections
import http.client
import http.cookiejar
import re
import ssl
import urllib.error
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from ansible.module_utils.basic import AnsibleModule

TIMEOUT = 10
TRIES = 5
REFUSALS = {
    401: ": the password that the secrets hold is not (any more) the user's",
    403: ": after wrong passwords the account is locked for some minutes",
}
CSRF = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')


class Page(NamedTuple):
    """What a page has to be."""

    status: int = 200
    text: str = ""


ANY_PAGE = Page()


class Answer(NamedTuple):
    """The status, the node that answered, and what is lacking; status 0, and the reason for it, when nothing did."""

    status: int
    who: str
    lacking: str = ""


def finding(host: str, unit: str, message: str) -> dict[str, str]:
    return {"host": host, "unit": unit, "message": message}


def trusting(ca: str) -> ssl.SSLContext:
    """Servers are verified by the cluster's authority, if there is one; by the machine's otherwise."""
    return ssl.create_default_context(cafile=ca or None)


def landing(url: str, context: ssl.SSLContext) -> str:
    """The address that answers: the HTTPS one where the load balancer sends browsers there."""
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT, context=context) as answer:
            where = urllib.parse.urlsplit(answer.geturl())
    except urllib.error.HTTPError as error:
        where = urllib.parse.urlsplit(error.geturl())
    except (OSError, http.client.HTTPException):
        # what is wrong is found, and said, by those who ask next
        return url
    return f"{where.scheme}://{where.netloc}"


def answer_of(url: str, context: ssl.SSLContext, page: Page = ANY_PAGE) -> Answer:
    """What became of one request for the page."""
    try:
        with urllib.request.urlopen(
            urllib.request.Request(url, headers={"Connection": "close"}), timeout=TIMEOUT, context=context
        ) as answer:
            status, headers, body = answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        status, headers, body = error.code, error.headers, error.read()
    except (OSError, http.client.HTTPException) as error:
        return Answer(0, str(error))
    lacking = page.text if page.text.encode() not in body else ""
    return Answer(status, headers.get("X-Served-By", ""), lacking)


def judge_shares(
    answers: list[Answer], nodes: list[dict[str, Any]], tolerance: float, balancer: str, status: int = 200
) -> list[dict[str, str]]:
    """What is wrong with who answered how often."""
    wrong = [answer for answer in answers if answer.status != status]
    if wrong:
        kinds = ", ".join(
            f"{answer.status or 'nothing'} from {answer.who or '?'} ({count}x)"
            for answer, count in collections.Counter(wrong).items()
        )
        return [finding(balancer, "nginx", f"{len(wrong)} of {len(answers)} requests did not end in {status}: {kinds}")]
    lacking = collections.Counter((answer.who, answer.lacking) for answer in answers if answer.lacking)
    if lacking:
        return [
            finding(who or balancer, "webapp", f"{count} of its answers do not contain {text!r}")
            for (who, text), count in lacking.items()
        ]
    counts = collections.Counter(answer.who for answer in answers)
    total = sum(int(node["weight"]) for node in nodes)
    findings = []
    for node in nodes:
        share = 100 * counts.get(node["name"], 0) / len(answers)
        promised = 100 * int(node["weight"]) / total
        if not counts.get(node["name"]):
            findings.append(finding(node["name"], "webapp", "answered none of the requests through the load balancer"))
        elif abs(share - promised) > tolerance:
            findings.append(
                finding(
                    node["name"],
                    "webapp",
                    f"answered {share:.1f} % of the requests, its weight promises {promised:.1f} %",
                )
            )
    strangers = sorted(set(counts) - {node["name"] for node in nodes})
    if strangers:
        findings.append(
            finding(
                balancer,
                "nginx",
                f"requests were answered by {', '.join(strangers)}, not a node of this cluster that answers",
            )
        )
    return findings


class Browser:
    """One user's cookies."""

    def __init__(self, base: str, context: ssl.SSLContext) -> None:
        self.base = base
        self.opener = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar(policy=http.cookiejar.DefaultCookiePolicy())),
            urllib.request.HTTPSHandler(context=context),
        )

    def get(self, path: str) -> tuple[str, str]:
        with self.opener.open(self.base + path, timeout=TIMEOUT) as answer:
            return answer.read().decode(), answer.geturl()

    def post(self, path: str, **fields: str) -> tuple[str, str]:
        data = urllib.parse.urlencode(fields).encode()
        request = urllib.request.Request(self.base + path, data=data, headers={"Referer": self.base + path})
        with self.opener.open(request, timeout=TIMEOUT) as answer:
            return answer.read().decode(), answer.geturl()


def ask_pages(url: str, params: dict[str, Any], context: ssl.SSLContext) -> tuple[list[Answer], list[dict[str, str]]]:
    """The last answers, and what is wrong with them. Other people's requests take turns too, and a node that has just
    come back takes its part by and by: a share that is not the promised one is judged again, over more requests."""
    requests = sum(int(node["weight"]) for node in params["nodes"]) * params["rounds"]
    page = Page(params["page_status"], params["page_text"])
    answers: list[Answer] = []
    findings: list[dict[str, str]] = []
    with ThreadPoolExecutor(4) as pool:
        for times in range(1, TRIES + 1 if requests else 1):
            answers = list(pool.map(lambda _: answer_of(url + params["page"], context, page), range(requests * times)))
            findings = judge_shares(answers, params["nodes"], params["tolerance"], params["balancer"], page.status)
            if not findings or any(answer.status != page.status or answer.lacking for answer in answers):
                break
    return answers, findings


def log_in(url: str, params: dict[str, Any], context: ssl.SSLContext) -> list[dict[str, str]]:
    """A login as a person does it, and a page that only that person is shown."""
    browser = Browser(url, context)
    step = "the login form"
    try:
        page, _ = browser.get(params["login_path"])
        token = CSRF.search(page)
        if not token:
            return [finding(params["balancer"], "nginx", f"{params['login_path']} shows no login form")]
        step = "the login"
        browser.post(
            params["login_path"], username=params["username"], password=params["password"], csrf_token=token[1]
        )
        step = params["private_page"]
        _, where = browser.get(params["private_page"])
    except urllib.error.HTTPError as error:
        who = error.headers.get("X-Served-By") or params["balancer"]
        hint = REFUSALS.get(error.code, "") if step == "the login" else ""
        return [finding(who, "webapp", f"a login through the load balancer failed: {step} answered {error.code}{hint}")]
    except (OSError, http.client.HTTPException) as error:
        return [finding(params["balancer"], "nginx", f"a login through the load balancer failed at {step}: {error}")]
    if urllib.parse.urlsplit(where).path != params["private_page"]:
        return [
            finding(
                params["balancer"],
                "nginx",
                f"after a login as {params['username']}, {params['private_page']} asks for a login again",
            )
        ]
    return []


def ask_tls(url: str, context: ssl.SSLContext, balancer: str, status: int) -> list[dict[str, str]]:
    answer = answer_of(url, context)
    if answer.status == status:
        return []
    what = answer.status or answer.who
    return [finding(balancer, "nginx", f"{url}, verified by the cluster's authority: {what}")]


def ask_phpmyadmin(url: str, context: ssl.SSLContext, host: str) -> list[dict[str, str]]:
    try:
        page, _ = Browser(url, context).get("/")
    except (OSError, http.client.HTTPException) as error:
        return [finding(host, "nginx", f"phpMyAdmin at {url}: {error}")]
    return [] if "phpMyAdmin" in page else [finding(host, "nginx", f"{url} does not show phpMyAdmin")]


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "url": {"type": "str", "required": True},
            "tls_url": {"type": "str", "default": ""},
            "ca": {"type": "path", "default": ""},
            "nodes": {"type": "list", "elements": "dict", "required": True},
            "rounds": {"type": "int", "default": 10},
            "tolerance": {"type": "float", "default": 6},
            "page": {"type": "str", "default": "/"},
            "page_status": {"type": "int", "default": 200},
            "page_text": {"type": "str", "default": ""},
            "username": {"type": "str", "default": ""},
            "password": {"type": "str", "default": "", "no_log": True},
            "login_path": {"type": "str", "default": "/login"},
            "private_page": {"type": "str", "default": "/products"},
            "phpmyadmin_url": {"type": "str", "default": ""},
            "phpmyadmin_host": {"type": "str", "default": "phpmyadmin"},
            "balancer": {"type": "str", "default": "nginx"},
        },
        supports_check_mode=True,
    )
    params = module.params
    try:
        context = trusting(params["ca"])
    except OSError as error:
        message = f"the authority {params['ca']} can't be read on the control node: {error}. Run playbooks/base.yml"
        module.exit_json(changed=False, findings=[finding(params["balancer"], "", message)], shares={})
    url = landing(params["url"], context)
    answers, findings = ask_pages(url, params, context)
    if not params["nodes"]:
        findings.append(
            finding(params["balancer"], "nginx", "no application node answers that could be in its rotation")
        )
    if params["username"]:
        findings += log_in(url, params, context)
    if params["tls_url"]:
        findings += ask_tls(params["tls_url"] + params["page"], context, params["balancer"], params["page_status"])
    if params["phpmyadmin_url"]:
        findings += ask_phpmyadmin(params["phpmyadmin_url"], context, params["phpmyadmin_host"])
    shares = collections.Counter(answer.who for answer in answers)
    module.exit_json(changed=False, findings=findings, shares=dict(shares))


if __name__ == "__main__":
    main()
