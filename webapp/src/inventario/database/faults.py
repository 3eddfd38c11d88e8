"""What an error of MySQL means for the unit of work that met it."""

from __future__ import annotations

import enum
import re

from sqlalchemy import exc


class DatabaseUnavailable(Exception):
    """No server answered within the budget; `writing` says which kind of work could not be done."""

    def __init__(self, *, writing: bool) -> None:
        super().__init__("the source did not accept the write" if writing else "no server answered the read")
        self.writing = writing


class OutcomeUnknown(DatabaseUnavailable):
    """The connection was lost at COMMIT and the unit of work may not be repeated."""

    def __init__(self) -> None:
        super().__init__(writing=True)


class DataRefused(Exception):
    """The database does not take a value: a rule of the table, a key or the size of a column is against it."""

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        # the name of the constraint or of the column
        self.rule = rule


class Fault(enum.Enum):
    LOST = "the connection is gone: the server rolled back what was not committed"
    TIMED_OUT = "the server hangs: it may still be alive for others"
    READ_ONLY = "this server is no longer the source"
    CONFLICT = "another transaction won: run again"
    BUSY = "no connection was free, or the query took too long for this server"


_LOST = {
    1040,  # too many connections
    1053,  # server shutdown in progress
    1077,  # normal shutdown
    1152,  # aborted connection
    1153, 1158, 1159, 1160, 1161,  # packets and network
    1927,  # connection was killed
    2002, 2003,  # cannot connect
    2006, 2013, 2014, 2055,  # gone away, lost, out of sync
    3169,  # session was killed
    4031,  # disconnected because of inactivity
}  # fmt: skip
_READ_ONLY = {1290, 1836, 3100}
# lock wait, dead-lock, and what the other members of a group had already changed
_CONFLICT = {1205, 1213, 3101}
_INTERRUPTED = {1317, 3024}  # query interrupted, or over max_execution_time


def error_code(error: BaseException) -> int:
    original = getattr(error, "orig", None)
    code = original.args[0] if original is not None and original.args else 0
    return code if isinstance(code, int) else 0


def classify(error: Exception) -> Fault | None:
    """The fault behind an exception of SQLAlchemy; None for an error that a repetition would not cure."""
    if isinstance(error, exc.TimeoutError):
        return Fault.BUSY
    if not isinstance(error, exc.DBAPIError):
        return None
    code = error_code(error)
    if code in _READ_ONLY:
        return Fault.READ_ONLY
    if code in _CONFLICT:
        return Fault.CONFLICT
    if code in _INTERRUPTED:
        return Fault.BUSY
    # PyMySQL raises InterfaceError(0, "") on a connection that it closed itself
    if code in _LOST or isinstance(error, exc.InterfaceError) or error.connection_invalidated:
        return Fault.TIMED_OUT if "timed out" in str(error.orig) else Fault.LOST
    return None


def duplicate_key(error: exc.IntegrityError) -> str:
    """The name of the unique key that refused a row (1062), without its table; else an empty string."""
    if error_code(error) != 1062 or error.orig is None:
        return ""
    found = re.search(r"for key '(?:[^']*\.)?([^'.]+)'$", str(error.orig.args[1]))
    return found.group(1) if found else ""


# a rule of the table, out of range, too long, and a foreign key in either direction
_RULES = {
    3819: r"constraint '([^']+)'",
    1264: r"column '([^']+)'",
    1406: r"column '([^']+)'",
    1451: r"CONSTRAINT `([^`]+)`",
    1452: r"CONSTRAINT `([^`]+)`",
}


def refused_by(error: BaseException) -> str:
    """The name of the constraint or column that refused a value; empty when the error is another."""
    pattern = _RULES.get(error_code(error))
    original = getattr(error, "orig", None)
    if pattern is None or original is None:
        return ""
    found = re.search(pattern, str(original.args[1]))
    return found.group(1) if found else ""
