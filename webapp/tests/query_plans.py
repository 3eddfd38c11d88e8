"""What MySQL does for a list: the index it goes by, and how many rows it reads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import event

from inventario.database import db


@dataclass(frozen=True)
class Plan:
    """Of the statement that makes a list."""

    index: str
    sorts: bool
    rows_read: int


def plan_of(table: str, work: Callable[[], object]) -> Plan:
    """Do the work, which reads from a replica, and look at its statement that lists rows of the table."""
    engine = db.engines["replica"]
    seen: list[tuple[str, Any]] = []

    def listen(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_more: Any) -> None:
        seen.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", listen)
    work()
    event.remove(engine, "before_cursor_execute", listen)
    ((statement, parameters),) = (each for each in seen if f"FROM {table}" in each[0] and "LIMIT" in each[0])
    with engine.connect() as connection:
        cursor = connection.connection.cursor()
        cursor.execute(f"EXPLAIN FORMAT=TRADITIONAL {statement}", parameters)
        names = [column[0] for column in cursor.description or ()]
        first = dict(zip(names, cursor.fetchall()[0], strict=True))
        cursor.execute("FLUSH STATUS")
        cursor.execute(statement, parameters)
        cursor.fetchall()
        cursor.execute("SHOW SESSION STATUS LIKE 'Handler_read%'")
        rows_read = sum(int(value) for _name, value in cursor.fetchall())
    extra = str(first["Extra"])
    return Plan(index=str(first["key"]), sorts="filesort" in extra or "temporary" in extra, rows_read=rows_read)
