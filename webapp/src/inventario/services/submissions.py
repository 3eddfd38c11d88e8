"""A form counts once, however often it is sent: by a second click, a retry of the load balancer or our own."""

from __future__ import annotations

import uuid

from sqlalchemy.exc import IntegrityError

from inventario.database import db, duplicate_key
from inventario.models import Submission


class AlreadyCounted(Exception):
    """This form was counted before; `subject` says what came of it."""

    def __init__(self, subject: str) -> None:
        super().__init__(subject)
        self.subject = subject


def new_key() -> str:
    return uuid.uuid4().hex


def count(key: str, user_id: int | None, subject: str) -> None:
    """Count this form in the running transaction. First in it: whoever loses must not have changed anything."""
    db.session.add(Submission(key=key, user_id=user_id, subject=subject))
    try:
        db.session.flush()
    except IntegrityError as error:
        if duplicate_key(error) != "PRIMARY":
            raise
        db.session.rollback()
        earlier = db.session.get_one(Submission, key)
        if earlier.user_id != user_id:
            raise PermissionError("the key of another user's form") from error
        raise AlreadyCounted(earlier.subject) from error
