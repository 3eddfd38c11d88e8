"""Units of work: `reads` is answered by a replica, `writes` by the source, each within its budget.

`reads_latest` is for the few questions that the source itself must answer; a replica steps in while it is away.

A unit is run again as a whole when its connection is lost, its server turns out to be no longer the source,
or another transaction won; so it must do nothing but talk to the database.
"""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from flask import current_app, g
from sqlalchemy import exc
from sqlalchemy.orm import Session

from inventario.database import own_writes
from inventario.database.connections import REPLICA, SOURCE, Deadline, current_deadline, narrow
from inventario.database.extension import database_settings, db, engine, writers
from inventario.database.faults import (
    DatabaseUnavailable,
    DataRefused,
    Fault,
    OutcomeUnknown,
    classify,
    refused_by,
)
from inventario.database.waiting import Crowded, Writer

logger = logging.getLogger(__name__)

_HUNG = "inventario_source_hung"
_HUNG_SECONDS = 2.0

P = ParamSpec("P")
T = TypeVar("T")


def reads(work: Callable[P, T]) -> Callable[P, T]:
    """Mark a function that only reads; inside another unit it joins that one."""

    @functools.wraps(work)
    def unit(*args: P.args, **kwargs: P.kwargs) -> T:
        if _running():
            return work(*args, **kwargs)
        return _read(lambda: work(*args, **kwargs))

    return unit


def reads_latest(work: Callable[P, T]) -> Callable[P, T]:
    """Mark a function that asks what is committed by now: of the source, of a replica while that is away."""

    @functools.wraps(work)
    def unit(*args: P.args, **kwargs: P.kwargs) -> T:
        if _running():
            return work(*args, **kwargs)
        return _read(lambda: work(*args, **kwargs), REPLICA if _source_hung() else SOURCE)

    return unit


def writes(
    *, repeatable: bool = False, budget: float | None = None
) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Mark a function that changes data; its return is followed by the one commit.

    A connection lost at COMMIT leaves open whether the change was made. Only a `repeatable` unit, one that
    recognises its own earlier run (see services.submissions), is then run again.

    :param budget: seconds for a unit that nobody should wait long for: it is tried a second time, on a new
        connection, and then gives up; not at all where the source has just let somebody wait in vain. A
        unit without one waits for the source within DATABASE_WRITE_BUDGET.
    """

    def decorate(work: Callable[P, T]) -> Callable[P, T]:
        @functools.wraps(work)
        def unit(*args: P.args, **kwargs: P.kwargs) -> T:
            if _running() == "write":
                return work(*args, **kwargs)
            if _running():
                raise RuntimeError(f"{work.__name__} writes inside of a unit that only reads")
            return _write(lambda: work(*args, **kwargs), repeatable, budget)

        return unit

    return decorate


def read_is_stale() -> bool:
    """Whether this request was answered by a replica that lacks the user's last write (the source is away)."""
    return bool(g.get("read_is_stale", False))


def _running() -> str:
    return str(db.session().info.get("unit", ""))


def _read(work: Callable[[], T], side: str | None = None) -> T:
    settings = database_settings()
    deadline = Deadline(settings.read_budget)
    side = side or _first_side()
    attempt = 0
    while True:
        attempt += 1
        session = enter("read", side, deadline)
        pool = engine(side).pool
        try:
            narrow(session, min(settings.read_timeout, deadline.remaining))
            if side == REPLICA and not _sees_own_writes(session):
                leave(session)
                side = SOURCE
                session = enter("read", side, deadline)
                pool = engine(side).pool
                narrow(session, min(settings.read_timeout, deadline.remaining))
            result = work()
        except (exc.DBAPIError, exc.TimeoutError) as error:
            fault = classify(error)
            leave(session)
            if fault is None:
                raise
            logger.warning(
                "a read met a fault",
                extra={"side": side, "fault": fault.name, "attempt": attempt, "error": _cause(error)},
            )
            forget_connections(side, pool, fault)
            if deadline.expired:
                raise DatabaseUnavailable(writing=False) from error
            # a hanging server is not asked twice; a lost connection is first tried anew on the same side
            if fault is not Fault.LOST or attempt > 1 or side == SOURCE:
                side = REPLICA if side == SOURCE else SOURCE
            time.sleep(min(0.05 * (attempt - 1), deadline.remaining))
        except BaseException:
            leave(session)
            raise
        else:
            # the session stays open: later reads of this request use the same connection
            session.info.pop("unit")
            current_deadline.set(None)
            g.read_side = side
            return result


def _write(work: Callable[[], T], repeatable: bool, budget: float | None = None) -> T:
    if budget and _source_hung():
        raise DatabaseUnavailable(writing=True)
    longest = database_settings().write_budget
    # a request may have less time than the setting gives (see inventario.hand_over)
    longest = min(longest, g.get("write_budget", longest))
    deadline = Deadline(min(budget or longest, longest))
    try:
        with writers().at_work() as writer:
            return _write_within(deadline, writer, work, repeatable, patient=not budget)
    except Crowded as error:
        raise DatabaseUnavailable(writing=True) from error


def _write_within(
    deadline: Deadline, writer: Writer, work: Callable[[], T], repeatable: bool, *, patient: bool
) -> T:
    attempt = 0
    # a COMMIT of an earlier attempt got no answer
    unknown = False
    while True:
        attempt += 1
        session = enter("write", SOURCE, deadline)
        pool = engine(SOURCE).pool
        committing = False
        try:
            connection = narrow(session, min(database_settings().write_timeout, deadline.remaining))
            result = work()
            session.flush()
            committing = True
            session.commit()
        except (exc.DBAPIError, exc.TimeoutError) as error:
            fault = classify(error)
            leave(session)
            if fault is None:
                rule = refused_by(error)
                if rule:
                    raise DataRefused(rule) from error
                raise
            logger.warning(
                "a write met a fault",
                extra={
                    "fault": fault.name,
                    "attempt": attempt,
                    "committing": committing,
                    "error": _cause(error),
                },
            )
            forget_connections(SOURCE, pool, fault)
            # one that is refused, or loses against another, was not made
            unknown = unknown or (committing and fault not in (Fault.READ_ONLY, Fault.CONFLICT))
            gives_up = not patient and attempt > 1 and fault is not Fault.CONFLICT
            if deadline.expired or gives_up or (unknown and not repeatable) or not writer.may_wait():
                raise (OutcomeUnknown() if unknown else DatabaseUnavailable(writing=True)) from error
            time.sleep(min(0.05 * attempt, 0.5, deadline.remaining))
        except BaseException:
            leave(session)
            raise
        else:
            own_writes.remember(session, connection.executed)
            leave(session)
            return result


def enter(kind: str, side: str, deadline: Deadline) -> Session:
    session: Session = db.session()
    if session.info.get("side") != side or kind == "write":
        leave(session)
        session = db.session()
    session.info.update(unit=kind, side=side)
    current_deadline.set(deadline)
    return session


def leave(_session: Session) -> None:
    """Roll back, give the connection back to its pool and forget the session; loaded objects stay usable."""
    current_deadline.set(None)
    try:
        db.session.remove()
    except exc.DBAPIError as error:
        if classify(error) is None:
            raise
        # nobody was there any more to roll back: the server does so by itself, and its connection is given up
        db.session.registry.clear()


def _first_side() -> str:
    if own_writes.after() == own_writes.ASK_SOURCE:
        return SOURCE
    # what an earlier read of this request was answered by
    return str(db.session().info.get("side", REPLICA))


def _sees_own_writes(session: Session) -> bool:
    gtids = own_writes.after()
    if not gtids or session.info.get("sees") == gtids:
        return True
    if gtids == own_writes.ASK_SOURCE or not own_writes.reached(
        session, gtids, database_settings().replica_wait
    ):
        if g.get("source_is_away"):
            g.read_is_stale = True
            return True
        return False
    session.info["sees"] = gtids
    return True


def _cause(error: Exception) -> str:
    """What the driver said, without the statement."""
    return str(getattr(error, "orig", None) or error)


def forget_connections(side: str, pool: object, fault: Fault) -> None:
    """The other connections of a pool share the fate of the one that failed, unless the pool is newer."""
    if fault in (Fault.LOST, Fault.TIMED_OUT, Fault.READ_ONLY) and engine(side).pool is pool:
        engine(side).dispose()
    if side == SOURCE and fault is not Fault.CONFLICT:
        g.source_is_away = True
        if fault is Fault.TIMED_OUT:
            current_app.extensions[_HUNG] = time.monotonic()


def _source_hung() -> bool:
    """Whether the source has just let somebody in this process wait in vain: who can do without it, does."""
    since = current_app.extensions.get(_HUNG)
    return since is not None and time.monotonic() - since < _HUNG_SECONDS
