"""One JSON line a request and a JSON line a message, on standard output, tied together by the request's id."""

from __future__ import annotations

import datetime
import json
import logging
import re
import sys
import time
import uuid

from flask import Flask, Response, g, has_request_context, request, session

from inventario.settings import Settings

HEADER = "X-Request-ID"

_ID = re.compile(r"[A-Za-z0-9_.-]{8,64}")
_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}

logger = logging.getLogger(__name__)


class JsonLines(logging.Formatter):
    def __init__(self, node: str) -> None:
        super().__init__()
        self._node = node

    def format(self, record: logging.LogRecord) -> str:
        when = datetime.datetime.fromtimestamp(record.created, datetime.UTC)
        line: dict[str, object] = {
            "time": when.isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "node": self._node,
            "message": record.getMessage(),
        }
        if has_request_context():
            line["request_id"] = request_id()
        line |= {key: value for key, value in record.__dict__.items() if key not in _STANDARD}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def request_id() -> str:
    """The id that the load balancer gave this request, else one of our own."""
    if "request_id" not in g:
        given = request.headers.get(HEADER, "")
        g.request_id = given if _ID.fullmatch(given) else uuid.uuid4().hex
    value: str = g.request_id
    return value


def register_request_log(app: Flask, settings: Settings) -> None:
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonLines(settings.node_name))
    package = logging.getLogger("inventario")
    package.handlers = [handler]
    package.propagate = False
    package.setLevel(settings.log_level)
    app.before_request(_start)
    app.after_request(_finish)


def _start() -> None:
    g.started = time.perf_counter()


def _finish(response: Response) -> Response:
    response.headers[HEADER] = request_id()
    # paths only: a query string or a form may hold what somebody searched or typed
    logger.info(
        "request",
        extra={
            "method": request.method,
            "path": request.path,
            "endpoint": request.endpoint,
            "status": response.status_code,
            "milliseconds": round((time.perf_counter() - g.get("started", time.perf_counter())) * 1000, 1),
            # which side answered the last read: source, where no replica had the user's own writes yet
            "read_side": g.get("read_side"),
            "client": request.remote_addr,
            "user_id": session.get("_user_id"),
        },
    )
    return response
