"""The audit log: an entry is written in the transaction of the change that it tells of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import insert

from inventario.database import db, writes
from inventario.models import AuditEntry
from inventario.services.actors import Actor

_ENTER = insert(AuditEntry.__table__)  # type: ignore[arg-type]
# what the columns hold
_LONGEST = {"username": 64, "subject": 130, "address": 45, "node": 64, "request_id": 64}


@writes()
def record(
    actor: Actor,
    action: str,
    *,
    subject_type: str,
    subject_id: int | None,
    subject: str,
    changes: dict[str, Any] | None = None,
) -> None:
    """Note an action in the running unit of work.

    :param action: subject and verb, as `product.created`.
    :param subject: what people call it.
    :param changes: {field: [before, after]}; values as JSON knows them, quantities as text.
    """
    db.session.connection().execute(_ENTER, _entry(actor, action, subject_type, subject_id, subject, changes))


@writes()
def record_many(
    actor: Actor,
    action: str,
    *,
    subject_type: str,
    subjects: Iterable[tuple[int, str, dict[str, Any] | None]],
) -> None:
    """Note the same action on many subjects (their ids, what people call them, changes) in few statements."""
    entries = [
        _entry(actor, action, subject_type, subject_id, subject, changes)
        for subject_id, subject, changes in subjects
    ]
    db.session.execute(_ENTER, entries)


def _entry(
    actor: Actor,
    action: str,
    subject_type: str,
    subject_id: int | None,
    subject: str,
    changes: dict[str, Any] | None,
) -> dict[str, Any]:
    texts = {
        "username": actor.username,
        "subject": subject,
        "address": actor.address,
        "node": actor.node,
        "request_id": actor.request_id,
    }
    return {
        "user_id": actor.user_id,
        "action": action,
        "subject_type": subject_type,
        "subject_id": subject_id,
        "changes": changes,
        **{name: text[: _LONGEST[name]] for name, text in texts.items()},
    }
