"""API tokens: what a program signs in with, in the name of the person who made it.

A token is shown once, when it is made; the database keeps its hash. It has 256 bits that nobody can guess, so
that a plain hash is enough.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, or_, select
from sqlalchemy.orm import joinedload

from inventario.database import db, reads, reads_latest, writes
from inventario.models import ApiToken, User
from inventario.services import audit, submissions
from inventario.services.actors import Actor

PREFIX = "inv_"
MOST_TOKENS = 50
# for how long a repeated request is shown what the first one made
_SHOWN = datetime.timedelta(seconds=60)
_SHAPE = re.compile(rf"{PREFIX}[A-Za-z0-9_-]{{43}}")


class TooManyTokens(Exception):
    """This person has as many valid tokens as anybody may have."""


class OwnerGone(Exception):
    """This person was deactivated at this very moment: a token of theirs would wait for their return."""


@dataclass(frozen=True)
class NewToken:
    """`expires_at` is UTC without a zone; None: never."""

    name: str
    may_write: bool
    expires_at: datetime.datetime | None


@dataclass(frozen=True)
class Bearer:
    """Whoever sent a token: its owner, and whether it may change anything."""

    user: User
    may_write: bool
    token_id: int
    age: datetime.timedelta


def new_token(secret: bytes, user_id: int, submission_key: str) -> str:
    """The token that this form makes: the same when it is sent again, and known to this site alone."""
    made = hmac.digest(secret, f"token {user_id} {submission_key}".encode(), "sha256")
    return PREFIX + base64.urlsafe_b64encode(made).decode().rstrip("=")


def authenticate(token: str) -> Bearer | None:
    """The owner of a valid token who is still active; None for anything else."""
    if not _SHAPE.fullmatch(token):
        return None
    # a replica may not have a token that is a moment old: only a wrong one costs the second question
    return _bearer(token) or _latest_bearer(token)


@reads
def _bearer(token: str) -> Bearer | None:
    return _find(token)


@reads_latest
def _latest_bearer(token: str) -> Bearer | None:
    return _find(token)


@reads
def of_user(user_id: int) -> Sequence[ApiToken]:
    """All that were not revoked, the newest first; those that expired too."""
    wanted = (
        select(ApiToken)
        .where(ApiToken.user_id == user_id, ApiToken.revoked_at.is_(None))
        .order_by(ApiToken.id.desc())
    )
    return db.session.scalars(wanted).all()


@writes(repeatable=True)
def create(new: NewToken, token: str, *, actor: Actor, submission_key: str) -> str:
    """Keep a token made by `new_token`; its value, or an empty text when this form was counted a while ago."""
    try:
        submissions.count(submission_key, actor.user_id, "token")
    except submissions.AlreadyCounted:
        # a repetition of the same request gets it; whoever goes back to the page later does not
        found = _find(token)
        return token if found and found.age < _SHOWN else ""
    # one after the other, so that nobody has more than they may
    if not db.session.scalars(select(User.active).where(User.id == actor.user_id).with_for_update()).one():
        raise OwnerGone
    counted = select(func.count()).where(ApiToken.user_id == actor.user_id, ApiToken.revoked_at.is_(None))
    if db.session.scalars(counted).one() >= MOST_TOKENS:
        raise TooManyTokens
    row = ApiToken(
        user_id=actor.user_id,
        name=new.name,
        token_hash=_hash(token),
        may_write=new.may_write,
        expires_at=new.expires_at,
    )
    db.session.add(row)
    db.session.flush()
    expires = new.expires_at.isoformat(timespec="seconds") if new.expires_at else None
    changes = {"may_write": [None, new.may_write], "expires_at": [None, expires]}
    audit.record(
        actor, "token.created", subject_type="token", subject_id=row.id, subject=new.name, changes=changes
    )
    return token


@writes(repeatable=True)
def revoke(token_id: int, *, actor: Actor, submission_key: str) -> bool:
    """End one of one's own tokens; whether there was such a one."""
    try:
        submissions.count(submission_key, actor.user_id, f"token {token_id}")
    except submissions.AlreadyCounted:
        return True
    wanted = select(ApiToken).where(ApiToken.id == token_id, ApiToken.user_id == actor.user_id)
    row = db.session.scalars(wanted.with_for_update()).one_or_none()
    if row is None:
        return False
    if row.revoked_at is None:
        row.revoked_at = db.session.scalars(select(func.utc_timestamp(6))).one()
        audit.record(actor, "token.revoked", subject_type="token", subject_id=row.id, subject=row.name)
    return True


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _find(token: str) -> Bearer | None:
    wanted = (
        select(ApiToken, func.utc_timestamp(6))
        .join(ApiToken.user)
        .where(
            ApiToken.token_hash == _hash(token),
            ApiToken.revoked_at.is_(None),
            or_(ApiToken.expires_at.is_(None), ApiToken.expires_at > func.utc_timestamp(6)),
            User.active,
        )
        .options(joinedload(ApiToken.user))
    )
    found = db.session.execute(wanted).one_or_none()
    if found is None:
        return None
    row, now = found
    return Bearer(row.user, row.may_write, row.id, now - row.created_at)
