"""A user sees their own writes at once, on whatever node and replica the next request lands.

After a write the source's GTIDs travel with the user: in a cookie of their own, with a program that sends its
token in a header of their own. A replica that has not applied them yet waits briefly, else the source answers.
"""

from __future__ import annotations

from flask import Flask, Response, current_app, g, has_request_context, request
from itsdangerous import BadSignature, TimestampSigner
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from inventario.database.faults import classify

COOKIE = "inventario_written"
# what a program that has no cookies gets after a write, and sends with its later requests
HEADER = "X-Inventario-Written"
# longer than any replica that the proxy still offers lags behind
_SECONDS = 600
# cookies end at 4 kB; a source with more history than this answers by itself
LONGEST = 2000
# the write is done but its GTID is not known: only the source will do
ASK_SOURCE = "source"
# what each connection was seen to have: of so many readers at a time
_FOUND = "inventario_found"
_MOST_FOUND = 64


def register(app: Flask) -> None:
    app.after_request(_send)


def after() -> str:
    """The GTIDs that this request must be able to see; empty for nothing in particular."""
    if "read_after" not in g:
        g.read_after = _receive()
    value: str = g.read_after
    return value


def must_see(gtids: str) -> None:
    """Whatever this request reads from now on holds these transactions too."""
    known = after()
    if ASK_SOURCE in (known, gtids):
        g.read_after = ASK_SOURCE
    else:
        # MySQL takes the union of what the commas separate
        g.read_after = ",".join(filter(None, (known, gtids)))


def executed(session: Session) -> str:
    """The transactions that the server behind this session has executed."""
    found = str(session.execute(text("SELECT @@GLOBAL.gtid_executed")).scalar_one())
    return "".join(found.split())


def remember(session: Session, told: str = "") -> None:
    """Take note of what the source has executed, just after a commit on it.

    :param told: what the source said of that with its answer to COMMIT; empty: it is asked.
    """
    try:
        gtids = told or executed(session)
        session.rollback()
    except DBAPIError:
        gtids = ""
    g.read_after = g.written = gtids if 0 < len(gtids) <= LONGEST else ASK_SOURCE


def reached(session: Session, gtids: str, seconds: float) -> bool:
    """Whether the server behind this session has, or within the time gets, these GTIDs.

    A server does not lose what it has executed, and a connection always leads to the same one: what was
    found on it is not asked again.
    """
    found: set[str] = session.connection().connection.info.setdefault(_FOUND, set())
    if gtids in found:
        return True
    wait = text("SELECT WAIT_FOR_EXECUTED_GTID_SET(:gtids, :seconds)")
    try:
        if session.execute(wait, {"gtids": gtids, "seconds": seconds}).scalar_one() != 0:
            return False
    except DBAPIError as error:
        if classify(error) is None:  # a server without GTIDs cannot tell
            return False
        raise
    if len(found) >= _MOST_FOUND:
        found.clear()
    found.add(gtids)
    return True


def _signer() -> TimestampSigner:
    return TimestampSigner(current_app.secret_key or "", salt=COOKIE)


def _receive() -> str:
    if not has_request_context():  # work in the background has only its own writes
        return ""
    given = request.headers.get(HEADER) or request.cookies.get(COOKIE, "")
    try:
        return _signer().unsign(given, max_age=_SECONDS).decode()
    except BadSignature:
        return ""


def _send(response: Response) -> Response:
    if "written" not in g:
        return response
    signed = _signer().sign(g.written).decode()
    # one of the two: both together could outgrow what a proxy takes for an answer's headers
    if "Authorization" in request.headers:
        response.headers[HEADER] = signed
    else:
        response.set_cookie(
            COOKIE,
            signed,
            max_age=_SECONDS,
            httponly=True,
            samesite="Lax",
            secure=current_app.session_interface.get_cookie_secure(current_app),
        )
    return response
