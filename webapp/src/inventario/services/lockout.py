"""Wrong passwords are counted for all nodes, in the database: after a few an account is locked for a while.

A browser that once signed in to the account is a device of its own; all others share the device without a name.
So strangers lock out strangers, and the owner goes on from a browser that is known.
"""

from __future__ import annotations

import datetime
import threading
import unicodedata
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from flask import current_app
from sqlalchemy import delete, func, select, tuple_
from sqlalchemy.dialects.mysql import insert

from inventario.database import db, writes
from inventario.models import LoginFailures
from inventario.settings import LoginSettings

# nobody waits long to be told that a password was wrong
_BUDGET = 3.0
# for a place to guess: others guess at the same account all the time
_GATE_SECONDS = 5.0
_GATES = 64
_PURGE_ROWS = 20


class Locked(Exception):
    """The account is locked for this device, or too many guess at once; for how many seconds."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"locked for {seconds} s")
        self.seconds = seconds


class Gates:
    """One guess at a time for an account in this process: those under way when it is locked are few."""

    def __init__(self) -> None:
        self._locks = [threading.Lock() for _ in range(_GATES)]

    @contextmanager
    def one_at_a_time(self, username: str) -> Iterator[None]:
        plain = unicodedata.normalize("NFKC", username).casefold()
        lock = self._locks[zlib.crc32(plain.encode(errors="replace")) % _GATES]
        if not lock.acquire(timeout=_GATE_SECONDS):
            raise Locked(1)
        try:
            yield
        finally:
            lock.release()


def locked_seconds(policy: LoginSettings, failures: int) -> int:
    """For how long so many failures in a row lock an account."""
    beyond = failures - policy.free_failures
    if beyond < 0:
        return 0
    return min(policy.lock_seconds << min(beyond, 30), policy.lock_most_seconds)


def seconds_left(username: str, device: str) -> int:
    """For how long this account is still locked for this device; inside of a unit."""
    now = func.utc_timestamp(6)
    found = db.session.execute(
        select(LoginFailures.locked_until, now).where(
            LoginFailures.username == username,
            LoginFailures.device == device,
            LoginFailures.locked_until > now,
        )
    ).one_or_none()
    return _seconds(found[0] - found[1]) if found else 0


@writes(budget=_BUDGET)
def count(username: str, device: str) -> int:
    """Count a wrong password. For how many seconds it locks the account: 0 for not yet.

    Somebody else may have locked it since the password was looked at: then it was not looked at for this guess,
    and the lock is raised as it is.
    """
    # the row, locked, whether it was there or not
    db.session.execute(
        insert(LoginFailures)
        .values(username=username, device=device, failures=0, last_failed_at=func.utc_timestamp(6))
        .on_duplicate_key_update(failures=LoginFailures.failures)
    )
    row, now = db.session.execute(
        select(LoginFailures, func.utc_timestamp(6))
        .where(LoginFailures.username == username, LoginFailures.device == device)
        .with_for_update()
    ).one()
    if row.locked_until is not None and row.locked_until > now:
        raise Locked(_seconds(row.locked_until - now))
    forgotten = now - row.last_failed_at > _kept()
    row.failures = 1 if forgotten else row.failures + 1
    row.last_failed_at = now
    seconds = locked_seconds(_policy(), row.failures)
    row.locked_until = now + datetime.timedelta(seconds=seconds) if seconds else None
    db.session.flush()
    _purge(now)
    return seconds


def clear(username: str, device: str) -> None:
    """Forget what was counted, after a right password; inside of a unit."""
    db.session.execute(
        delete(LoginFailures).where(LoginFailures.username == username, LoginFailures.device == device)
    )


def gates() -> Gates:
    found: Gates = current_app.extensions["inventario_login_gates"]
    return found


def _purge(now: datetime.datetime) -> None:
    """Whoever adds a row removes some old ones: the table stays small without a job of its own."""
    key = (LoginFailures.username, LoginFailures.device)
    old = (
        select(*key)
        .where(LoginFailures.last_failed_at < now - _kept())
        .limit(_PURGE_ROWS)
        .with_for_update(skip_locked=True)
    )
    if rows := [tuple(row) for row in db.session.execute(old)]:
        db.session.execute(
            delete(LoginFailures).where(tuple_(*key).in_(rows)).execution_options(synchronize_session=False)
        )


def _policy() -> LoginSettings:
    policy: LoginSettings = current_app.extensions["inventario_login"]
    return policy


def _kept() -> datetime.timedelta:
    """For how long a failure counts: as long as a session, and longer than any lock."""
    lifetime: datetime.timedelta = current_app.config["PERMANENT_SESSION_LIFETIME"]
    return max(lifetime, datetime.timedelta(seconds=2 * _policy().lock_most_seconds))


def _seconds(left: datetime.timedelta) -> int:
    """Whole seconds, not too few."""
    return max(1, -int(-left.total_seconds() // 1))
