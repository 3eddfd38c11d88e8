"""The audit log: an entry is written in the transaction of the change that it tells of."""

from __future__ import annotations

from typing import Any

from inventario.database import db, writes
from inventario.models import AuditEntry
from inventario.services.actors import Actor

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
    texts = {
        "username": actor.username,
        "subject": subject,
        "address": actor.address,
        "node": actor.node,
        "request_id": actor.request_id,
    }
    db.session.add(
        AuditEntry(
            user_id=actor.user_id,
            action=action,
            subject_type=subject_type,
            subject_id=subject_id,
            changes=changes,
            **{name: text[: _LONGEST[name]] for name, text in texts.items()},
        )
    )
