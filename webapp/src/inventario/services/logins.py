"""Coming in and going out."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import logging
from collections.abc import Iterator

from flask import current_app
from sqlalchemy import delete, func, select
from sqlalchemy.dialects.mysql import insert

from inventario.database import DatabaseUnavailable, db, reads_latest, writes
from inventario.models import EndedSession, LoginFailures, User
from inventario.services import audit, lockout, passwords
from inventario.services.actors import Actor

logger = logging.getLogger(__name__)

# a note that can be missed: nobody waits for it while the source is away
_NOTE_BUDGET = 1.5
_PURGE_ROWS = 20


class WrongPassword(Exception):
    """No active user has this name and password."""


@dataclasses.dataclass(frozen=True)
class Device:
    """A browser, and the users that have signed in with it."""

    id: str
    user_ids: tuple[int, ...]

    def of(self, user: User | None) -> str:
        """The name under which this user's failures are counted: known browsers have one."""
        return self.id if user is not None and user.id in self.user_ids else ""


@dataclasses.dataclass(frozen=True)
class _Known:
    user: User | None
    device: str
    seconds_left: int
    has_failures: bool


def log_in(username: str, password: str, device: Device, *, origin: Actor) -> User:
    """The user who comes in; else WrongPassword or lockout.Locked.

    The right password of an account that is not locked needs no source. A wrong one that cannot be counted is
    DatabaseUnavailable.
    """
    user, known = _check(username, password, device, origin)
    actor = dataclasses.replace(origin, user_id=user.id, username=user.username, role=user.role)
    with _best_effort("session.started"):
        _note_start(user, known, actor)
    return user


def confirm(username: str, password: str, device: Device, *, origin: Actor) -> User:
    """Somebody who is in shows that they know their password; wrong ones count as they do at the door."""
    found, known = _check(username, password, device, origin)
    if known.has_failures:
        with _best_effort("failures"):
            _forget_failures(known.device, found.username)
    return found


@writes(repeatable=True, budget=_NOTE_BUDGET)
def end_session(session_id: str, *, actor: Actor) -> None:
    """Nobody comes in with this session any more, on no node. The same when done twice."""
    if db.session.get(EndedSession, session_id) is not None:
        return
    # two requests at once
    once = insert(EndedSession).values(session_id=session_id, user_id=actor.user_id)
    db.session.execute(once.on_duplicate_key_update(user_id=EndedSession.user_id))
    audit.record(actor, "session.ended", subject_type="user", subject_id=actor.user_id, subject=actor.username)
    # by then its cookie has expired by itself
    lifetime: datetime.timedelta = current_app.config["PERMANENT_SESSION_LIFETIME"]
    now = db.session.scalars(select(func.utc_timestamp(6))).one()
    old = (
        select(EndedSession.session_id)
        .where(EndedSession.ended_at < now - lifetime - datetime.timedelta(hours=1))
        .limit(_PURGE_ROWS)
        .with_for_update(skip_locked=True)
    )
    if expired := db.session.scalars(old).all():
        db.session.execute(
            delete(EndedSession)
            .where(EndedSession.session_id.in_(expired))
            .execution_options(synchronize_session=False)
        )


def _check(username: str, password: str, device: Device, origin: Actor) -> tuple[User, _Known]:
    with lockout.gates().one_at_a_time(username):
        known = _known(username, device)
        if known.seconds_left:
            raise lockout.Locked(known.seconds_left)
        if passwords.fits(known.user, password) and known.user is not None and known.user.active:
            return known.user, known
        seconds = lockout.count(username, known.device)
    if seconds:
        _note_lock(known, seconds, origin)
        raise lockout.Locked(seconds)
    raise WrongPassword


@reads_latest
def _known(username: str, device: Device) -> _Known:
    """As of now: a replica may not know a new password or a lock yet."""
    user = db.session.scalars(select(User).where(User.username == username)).one_or_none()
    bucket = device.of(user)
    failures = select(LoginFailures.failures).where(
        LoginFailures.username == username, LoginFailures.device == bucket
    )
    return _Known(
        user=user,
        device=bucket,
        seconds_left=lockout.seconds_left(username, bucket),
        has_failures=bool(db.session.scalars(failures).one_or_none()),
    )


def _note_lock(known: _Known, seconds: int, origin: Actor) -> None:
    """For the accounts that there are: what strangers type as a name may be a password."""
    logger.warning(
        "account locked", extra={"client": origin.address, "seconds": seconds, "known": known.user is not None}
    )
    if known.user is None:
        return
    with _best_effort("session.locked"):
        _record_lock(known.user, seconds, origin)


@writes(budget=_NOTE_BUDGET)
def _record_lock(user: User, seconds: int, origin: Actor) -> None:
    audit.record(
        origin,
        "session.locked",
        subject_type="user",
        subject_id=user.id,
        subject=user.username,
        changes={"seconds": seconds},
    )


@writes(budget=_NOTE_BUDGET)
def _note_start(user: User, known: _Known, actor: Actor) -> None:
    if known.has_failures:
        lockout.clear(user.username, known.device)
    audit.record(actor, "session.started", subject_type="user", subject_id=user.id, subject=user.username)


@writes(budget=_NOTE_BUDGET)
def _forget_failures(device: str, username: str) -> None:
    lockout.clear(username, device)


@contextlib.contextmanager
def _best_effort(what: str) -> Iterator[None]:
    """What may be missed when the source is away."""
    try:
        yield
    except DatabaseUnavailable as error:
        logger.warning("%s not noted: %s", what, error)
