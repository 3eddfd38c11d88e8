"""What the readiness check asks: quick, and bounded whatever the servers do."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import exc, text

from inventario.database.connections import REPLICA, SOURCE, BoundedConnection, Deadline, current_deadline
from inventario.database.extension import engine
from inventario.database.faults import Fault, classify

# of each side; a monitor's own time-out is seldom below two seconds
_SECONDS = 0.8


@dataclass(frozen=True)
class Health:
    reader: str
    writer: str

    @property
    def can_read(self) -> bool:
        return self.reader == "ok" or self.writer in ("ok", "read_only")

    @property
    def status(self) -> str:
        if self.reader == self.writer == "ok":
            return "ok"
        return "degraded" if self.can_read else "unavailable"


def check_health() -> Health:
    return Health(reader=_ask(REPLICA), writer=_ask(SOURCE))


def _ask(side: str) -> str:
    deadline = Deadline(_SECONDS)
    current_deadline.set(deadline)
    try:
        while not deadline.expired:
            pool = engine(side).pool
            try:
                with engine(side).connect() as connection:
                    driver: object = connection.connection.dbapi_connection
                    if isinstance(driver, BoundedConnection):
                        driver.limit(deadline.remaining)
                    read_only = connection.execute(text("SELECT @@GLOBAL.read_only")).scalar_one()
                    return "read_only" if read_only and side == SOURCE else "ok"
            except (exc.DBAPIError, exc.TimeoutError) as error:
                # an idle connection that the server closed says nothing: ask again on a new one
                if classify(error) is not Fault.LOST:
                    break
                if engine(side).pool is not pool:
                    continue
                engine(side).dispose()
                if "Can't connect" in str(error):
                    break
        return "unavailable"
    finally:
        current_deadline.set(None)
