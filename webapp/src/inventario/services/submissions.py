"""A form counts once, however often it is sent: by a second click, a retry of the load balancer or our own."""

from __future__ import annotations

import hashlib
import json
import uuid

from sqlalchemy import Connection, bindparam, delete, func, insert, text, update
from sqlalchemy.exc import IntegrityError

from inventario.database import db, duplicate_key
from inventario.models import Submission

# nobody sends a form again after so long
KEPT_DAYS = 30
_PURGE_ROWS = 5_000
_PURGE_ROUNDS = 200

# by table, not by object: the way through the ORM takes longer than MySQL does
_TABLE = Submission.__table__
_COUNT = insert(_TABLE)  # type: ignore[arg-type]
_TELL = update(_TABLE).where(_TABLE.c.key == bindparam("counted"))  # type: ignore[arg-type]


class AlreadyCounted(Exception):
    """This form was counted before; `subject` says what came of it."""

    def __init__(self, subject: str) -> None:
        super().__init__(subject)
        self.subject = subject


class KeyReused(Exception):
    """A form was counted under this key, and it said something else."""


class KeyOfAnother(Exception):
    """Another user's form was counted under this key."""


def new_key() -> str:
    return uuid.uuid4().hex


def fingerprint(*content: object) -> str:
    """What was asked for, in 32 characters: equal for equal content."""
    return hashlib.sha256(json.dumps(content, default=str).encode()).hexdigest()[:32]


def count(key: str, user_id: int | None, subject: str, fingerprint: str | None = None) -> None:
    """Count this form in the running transaction. Whoever is second has changed nothing: all of it is undone.

    First in it, so that the second waits there and for nothing else. Where something else stands in the way of
    the second, it may come later, when it is known what came of it; a refusal then asks `refused` first.

    :param subject: what will come of it; `tell` it in the same unit, when that is known only later.
    :param fingerprint: of the content; with it, the same key with another content is `KeyReused`.
    """
    counted = {"key": key, "user_id": user_id, "subject": subject, "fingerprint": fingerprint}
    try:
        db.session.connection().execute(_COUNT, counted)
    except IntegrityError as error:
        if duplicate_key(error) != "PRIMARY":
            raise
        db.session.rollback()
        raise _earlier(db.session.get_one(Submission, key), user_id, fingerprint) from error


def refused(key: str, user_id: int | None, fingerprint: str | None = None) -> None:
    """What was done is refused: because this form was counted before (`AlreadyCounted`), or for itself."""
    db.session.rollback()
    counted = db.session.get(Submission, key)
    if counted is not None:
        raise _earlier(counted, user_id, fingerprint)


def _earlier(counted: Submission, user_id: int | None, fingerprint: str | None) -> Exception:
    if counted.user_id != user_id:
        return KeyOfAnother()
    if fingerprint and counted.fingerprint and fingerprint != counted.fingerprint:
        return KeyReused()
    return AlreadyCounted(counted.subject)


def tell(key: str, subject: str) -> None:
    """Say what came of a form that the running unit has counted."""
    db.session.connection().execute(_TELL, {"counted": key, "subject": subject})


def purge(connection: Connection) -> int:
    """Forget forms of long ago, in small transactions and not without end; how many."""
    old = Submission.created_at < func.utc_timestamp(6) - text(f"INTERVAL {KEPT_DAYS} DAY")
    some = delete(Submission).where(old).with_dialect_options(mysql_limit=_PURGE_ROWS)
    purged = 0
    for _ in range(_PURGE_ROUNDS):
        rows = connection.execute(some).rowcount
        connection.commit()
        purged += rows
        if rows < _PURGE_ROWS:
            break
    return purged
