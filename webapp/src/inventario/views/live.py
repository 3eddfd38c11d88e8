"""What open pages ask to show changes as they happen.

`/live/version` and `/live/changes` are asked by every page but answered once for all of them: NGINX keeps the
answers (role loadbalancer, `loadbalancer_shared_paths`), so they depend on nothing but their address.
"""

from __future__ import annotations

import dataclasses
import random
import time
from typing import Any

from flask import Blueprint, jsonify, request
from werkzeug.wrappers import Response

from inventario import live_tokens
from inventario.access import public
from inventario.database import DatabaseUnavailable, must_see, read_is_stale
from inventario.services import live

blueprint = Blueprint("live", __name__, url_prefix="/live")

# until when NGINX keeps it, by the clock that the hosts share: to the end of this second
_KEEP = "X-Accel-Expires"
_MOST_IDS = 100
_LONGEST_ID = 18


@blueprint.app_context_processor
def _tokens() -> dict[str, Any]:
    return {"live_key": live_tokens.key, "live_key_seconds": live_tokens.key_seconds}


@blueprint.get("/version")
@public
def version() -> Response | tuple[Response, int]:
    """A text that changes whenever something is committed. It tells nothing, so anybody may have it."""
    # before the question: what was committed after it must not be hidden for a second more
    second = int(time.time())
    try:
        answer = jsonify(version=live_tokens.seal(live.executed_by_source()))
    except DatabaseUnavailable:
        return _unavailable()
    answer.headers[_KEEP] = f"@{second}"
    return answer


@blueprint.get("/changes")
@public
def changes() -> Response | tuple[Response, int]:
    """The products that changed of late, and the version that this brings a page to, which is its ETag too."""
    # no login, because the answer is everybody's: pages of those who are signed in hold the key
    if not live_tokens.key_fits(request.args.get("key", "")):
        return jsonify(error="key"), 403
    second = int(time.time())
    known = _known()
    try:
        found = live.changes(known)
    except DatabaseUnavailable:
        return _unavailable()
    if found is None:
        answer = Response(status=304)
        answer.set_etag(live_tokens.seal(known))
    else:
        version = live_tokens.seal(found.executed)
        answer = jsonify(
            version=version,
            rows=[_shown(row) for row in found.rows],
            others=found.others,
            more=found.more,
            created=found.created,
            renamed=found.renamed,
        )
        answer.set_etag(version)
    answer.headers[_KEEP] = f"@{second}"
    return answer


def _known() -> str:
    """The transactions behind the version that NGINX has, when it asks whether that is still the latest."""
    for tag in request.if_none_match.as_set(include_weak=True):
        try:
            return live_tokens.unseal(tag or "")
        except live_tokens.ForeignToken:
            continue
    return ""


@blueprint.get("/rows")
def rows() -> Response | tuple[Response, int]:
    """What a page shows, for one that was away for longer than changes are told."""
    given = request.args.get("ids", "").split(",")
    ids = [int(text) for text in given if text.isdecimal() and len(text) <= _LONGEST_ID]
    if len(ids) != len(given) or len(ids) > _MOST_IDS:
        return jsonify(error="ids"), 400
    try:
        must_see(live_tokens.unseal(request.args.get("version", "")))
    except live_tokens.ForeignToken:
        return jsonify(error="version"), 400
    try:
        found = live.rows(ids)
    except DatabaseUnavailable:
        return _unavailable()
    return _unavailable() if read_is_stale() else jsonify(rows=[_shown(row) for row in found])


@blueprint.get("/key")
def key() -> Response:
    """The key of this hour, for a page that has been open for longer than one lasts."""
    return jsonify(key=live_tokens.key(), seconds=live_tokens.key_seconds())


def _shown(row: live.Row) -> dict[str, Any]:
    """Values as they are: the page knows its reader's language."""
    return {
        **dataclasses.asdict(row),
        "quantity": str(row.quantity),
        "minimum": None if row.minimum is None else str(row.minimum),
        "low": row.low,
    }


def _unavailable() -> tuple[Response, int]:
    answer = jsonify(error="database")
    # not all at once
    answer.headers["Retry-After"] = str(random.randint(2, 5))  # noqa: S311 - nothing to guess
    return answer, 503
