"""A write that has to wait for the source is handed over before it keeps the load balancer waiting.

For a write that may be repeated the load balancer gives a node no more time than for a read, so that a frozen
node is soon left for another one. A node that is well, and waits for the source, says so before that time is
over: the load balancer then asks again, with all the time that a write may take, and takes no node for failed.
"""

from __future__ import annotations

import re

from flask import Flask, Response, g, request

# from the load balancer (role loadbalancer): where to hand over to
HEADER = "X-Write-Hand-Over"

# less than the load balancer waits for the answer, with what else the request does
_SECONDS = 2.0
_PLACE = re.compile(r"@[a-z_]{1,40}")


def register_hand_over(app: Flask) -> None:
    app.before_request(_be_quick)
    app.after_request(_hand_over)


def _place() -> str:
    given = request.headers.get(HEADER, "")
    return given if _PLACE.fullmatch(given) else ""


def _be_quick() -> None:
    if _place():
        g.write_budget = _SECONDS


def _hand_over(response: Response) -> Response:
    if response.status_code == 503 and _place():
        response.headers["X-Accel-Redirect"] = _place()
    return response
