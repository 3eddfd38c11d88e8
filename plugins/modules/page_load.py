#!/usr/bin/python
"""Load one page with ab, logged in or not, and tell the figures."""

from __future__ import annotations

import html.parser
import http.cookiejar
import re
import subprocess
import urllib.error
import urllib.parse
import urllib.request

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: page_load
short_description: Load one page with ab and tell the figures
description:
  - Runs C(ab) once, bounded, against one page; with I(username) it logs in through the login form first, as a browser
    would, and logs out afterwards.
  - C(ab) takes a cookie only as an argument, so other users of this machine can see the session's cookie in the list
    of processes while the run lasts. The password never is an argument. The logout does not take back a cookie that
    somebody has copied, because the application keeps sessions in signed cookies alone.
  - C(ab) runs with C(-l), because a page's length may vary; what it calls failed are then requests without an answer.
options:
  url:
    description: Address of the cluster, without a path.
    type: str
    required: true
  path:
    description: Path of the page.
    type: str
    required: true
  requests:
    description: Number of requests.
    type: int
    required: true
  concurrency:
    description: Requests at one time.
    type: int
    required: true
  timeout:
    description: Seconds to wait for one answer.
    type: int
    default: 30
  time_limit:
    description: Seconds after which the run is stopped and fails.
    type: int
    default: 300
  user_agent:
    description: The name under which the requests stand in the access log.
    type: str
    required: true
  login_path:
    description: Path of the login form.
    type: str
    default: /login
  logout_path:
    description: Path that ends the session.
    type: str
    default: /logout
  username:
    description: Who logs in; empty for nobody.
    type: str
    default: ""
  password:
    description: Password of I(username).
    type: str
    default: ""
author: [Inventario]
"""

EXAMPLES = r"""
- name: Load the list of products
  page_load:
    url: http://127.0.0.1:8080
    path: /products
    requests: 1000
    concurrency: 100
    user_agent: loadtest-1
    username: admin
    password: "{{ vault_webapp_admin_password }}"
"""

RETURN = r"""
figures:
  description: >-
    complete, failed (no answer, or a status other than 2xx), non_2xx, seconds, requests_per_second, and the times
    p50_ms, p95_ms, p99_ms and slowest_ms.
  type: dict
  returned: success
"""

NUMBERS = {
    "complete": r"^Complete requests:\s+(\d+)",
    "no_answer": r"^Failed requests:\s+(\d+)",
    "non_2xx": r"^Non-2xx responses:\s+(\d+)",
    "seconds": r"^Time taken for tests:\s+([\d.]+)",
    "requests_per_second": r"^Requests per second:\s+([\d.]+)",
    "p50_ms": r"^\s+50%\s+(\d+)",
    "p95_ms": r"^\s+95%\s+(\d+)",
    "p99_ms": r"^\s+99%\s+(\d+)",
    "slowest_ms": r"^\s+100%\s+(\d+)",
}


def figures(output: str, requests: int) -> dict[str, float]:
    """Read ab's report. A number that it leaves out (it has no line for zero) is 0."""
    found = {name: re.search(pattern, output, re.MULTILINE) for name, pattern in NUMBERS.items()}
    if not found["complete"]:
        raise ValueError("ab's report has no line 'Complete requests'")
    numbers = {name: float(match.group(1)) if match else 0.0 for name, match in found.items()}
    missing = max(requests - numbers["complete"], 0)
    numbers["failed"] = numbers.pop("no_answer") + numbers["non_2xx"] + missing
    return {name: int(value) if value.is_integer() else value for name, value in numbers.items()}


class HiddenFields(html.parser.HTMLParser):
    """The hidden fields of the forms of a page, the token against forged requests among them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "input" and given.get("type") == "hidden" and given.get("name"):
            self.fields[str(given["name"])] = given.get("value") or ""


class Session:
    """A browser's session: it follows redirects and keeps cookies, and never takes a proxy from the environment."""

    def __init__(self, url: str, timeout: int, user_agent: str) -> None:
        self.url = url
        self.timeout = timeout
        self.cookies = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(self.cookies)
        )
        self.opener.addheaders = [("User-Agent", user_agent)]

    def ask(self, path: str, form: dict[str, str] | None = None) -> tuple[str, str]:
        """Give the page and the path where the redirects ended."""
        body = urllib.parse.urlencode(form).encode() if form is not None else None
        with self.opener.open(self.url + path, body, self.timeout) as answer:
            return answer.read().decode("utf-8", "replace"), urllib.parse.urlsplit(answer.geturl()).path

    def login(self, path: str, username: str, password: str) -> None:
        page, _ = self.ask(path)
        form = {**HiddenFields(page).fields, "username": username, "password": password}
        try:
            _, ended = self.ask(path, form)
        except urllib.error.HTTPError as error:
            with error:
                raise ValueError(f"the login of '{username}' was refused with status {error.code}") from error
        if ended == path or not self.cookie():
            raise ValueError(f"the login of '{username}' was refused")

    def logout(self, path: str, page_path: str) -> None:
        page, _ = self.ask(page_path)
        self.ask(path, HiddenFields(page).fields)

    def cookie(self) -> str:
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.cookies)


def command(parameters: dict, cookie: str) -> list[str]:
    line = ["ab", "-q", "-l", "-n", str(parameters["requests"]), "-c", str(parameters["concurrency"])]
    line += ["-s", str(parameters["timeout"]), "-H", f"User-Agent: {parameters['user_agent']}"]
    if cookie:
        line += ["-C", cookie]
    return [*line, parameters["url"] + parameters["path"]]


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "url": {"type": "str", "required": True},
            "path": {"type": "str", "required": True},
            "requests": {"type": "int", "required": True},
            "concurrency": {"type": "int", "required": True},
            "timeout": {"type": "int", "default": 30},
            "time_limit": {"type": "int", "default": 300},
            "user_agent": {"type": "str", "required": True},
            "login_path": {"type": "str", "default": "/login"},
            "logout_path": {"type": "str", "default": "/logout"},
            "username": {"type": "str", "default": ""},
            "password": {"type": "str", "default": "", "no_log": True},
        }
    )
    given = module.params
    # under another name than the run's, so that these few requests are not counted with it
    session = Session(given["url"], given["timeout"], f"{given['user_agent']}-session")
    try:
        if given["username"]:
            session.login(given["login_path"], given["username"], given["password"])
        run = subprocess.run(
            command(given, session.cookie() if given["username"] else ""),
            capture_output=True,
            text=True,
            check=False,
            timeout=given["time_limit"],
        )
        if given["username"]:
            session.logout(given["logout_path"], given["path"])
    except subprocess.TimeoutExpired:
        module.fail_json(msg=f"{given['path']}: ab was stopped after {given['time_limit']} seconds (time_limit)")
    except (urllib.error.URLError, OSError, ValueError) as error:
        module.fail_json(msg=f"{given['url']}{given['path']}: {error}")
    if run.returncode != 0:
        module.fail_json(msg=f"{given['path']}: ab ended with {run.returncode}: {run.stderr.strip()}")
    module.exit_json(changed=False, figures=figures(run.stdout, given["requests"]))


if __name__ == "__main__":
    main()
