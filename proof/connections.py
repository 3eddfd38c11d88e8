"""Connections as a browser keeps them: one that was closed while it waited for its next request is opened again.

Whoever keeps a connection may find it closed just as a request enters it: NGINX closes those that wait when it reloads.
A client opens another one and sends the request again (RFC 9112, section 9.3.1), and browsers do so for forms too. It
is no failure, and no secret either: ``reopened`` counts it. A reset of a new connection, or of one whose answer has
begun, is an error as ever.
"""

from __future__ import annotations

import contextvars
from types import SimpleNamespace

import aiohttp

# how often the request that this task sends had to be sent again; whoever wants to know sets it to 0 before
reopened: contextvars.ContextVar[int] = contextvars.ContextVar("reopened", default=0)
_kept: contextvars.ContextVar[bool] = contextvars.ContextVar("kept", default=False)


async def _note_kept(_session: aiohttp.ClientSession, _context: SimpleNamespace, _parameters: object) -> None:
    _kept.set(True)


async def _open_again(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    while True:
        _kept.set(False)
        try:
            return await send(request)
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
            # each turn uses up a kept connection; a new one ends it
            if not _kept.get():
                raise
            reopened.set(reopened.get() + 1)


def http_session(jar: aiohttp.abc.AbstractCookieJar) -> aiohttp.ClientSession:
    """Connections of one browser."""
    trace = aiohttp.TraceConfig()
    trace.on_connection_reuseconn.append(_note_kept)
    session = aiohttp.ClientSession(
        cookie_jar=jar, connector=aiohttp.TCPConnector(limit=0), trace_configs=[trace], middlewares=[_open_again]
    )
    # aiohttp itself sends a GET again without a word, on new connections too (a test holds this private name)
    session._retry_connection = False
    return session
