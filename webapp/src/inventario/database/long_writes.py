"""One transaction that may take longer than a request: for work in the background."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from sqlalchemy import exc, text
from sqlalchemy.orm import Session

from inventario.database import own_writes
from inventario.database.connections import SOURCE, Deadline, current_deadline, narrow
from inventario.database.extension import database_settings, engine
from inventario.database.faults import DatabaseUnavailable, Fault, OutcomeUnknown, classify
from inventario.database.units import enter, forget_connections, leave

# a large transaction is written to the binary log, and sent to the replicas, when it ends
_COMMIT_SECONDS = 120.0
# between two statements there is work to do, on a machine that may be busy
_IDLE_SECONDS = 30


@contextlib.contextmanager
def long_write() -> Iterator[Session]:
    """A unit of work on the source that is done once and as a whole, or not at all.

    Each statement has the time-out of a write; the whole has none, and it is not run again: what it writes last
    must tell its caller whether it ended (see OutcomeUnknown). Functions marked with `writes` join it, but for
    those called in an application context of their own: they have another session, and commit by themselves.
    """
    settings = database_settings()
    session = enter("write", SOURCE, Deadline(settings.write_budget))
    pool = engine(SOURCE).pool
    committing = False
    try:
        narrow(session, settings.write_timeout)
        # nobody else's afterwards: the pool's connections may lie idle for less
        session.connection().detach()
        session.execute(text("SET SESSION wait_timeout = :seconds"), {"seconds": _IDLE_SECONDS})
        current_deadline.set(None)
        yield session
        session.flush()
        narrow(session, _COMMIT_SECONDS)
        committing = True
        session.commit()
    except (exc.DBAPIError, exc.TimeoutError) as error:
        fault = classify(error)
        leave(session)
        if fault is None:
            raise
        forget_connections(SOURCE, pool, fault)
        if committing and fault in (Fault.LOST, Fault.TIMED_OUT):
            raise OutcomeUnknown from error
        raise DatabaseUnavailable(writing=True) from error
    except BaseException:
        leave(session)
        raise
    else:
        own_writes.remember(session)
        leave(session)
