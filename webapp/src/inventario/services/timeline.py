"""Lists with the newest first, over millions of rows: a page costs the same wherever it is.

A page is asked for by the id of a row, from which it goes on to what is older or newer. Rows follow the moment
of their writing, and their id where that is equal: an index on (something, created_at) gives any such list.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from sqlalchemy import Select, and_, or_, select

from inventario.database import db
from inventario.models import AuditEntry, Movement

Row = TypeVar("Row", Movement, AuditEntry)

PAGE_ROWS = 50


@dataclass(frozen=True)
class Timeline(Generic[Row]):
    """Rows, newest first, and the ids from which the pages beside this one start; None: there is none."""

    rows: Sequence[Row]
    older: int | None
    newer: int | None


@dataclass(frozen=True)
class Period:
    """From a moment, to before a moment; UTC, without a zone, as MySQL has it. None: no limit."""

    start: datetime.datetime | None = None
    end: datetime.datetime | None = None


def page(
    matching: Select[Row],
    model: type[Row],
    period: Period,
    *,
    older_than: int | None = None,
    newer_than: int | None = None,
    by_id: bool = False,
    most: int = PAGE_ROWS,
) -> Timeline[Row]:
    """One page of what matches, in the running unit of work.

    :param by_id: by the id alone; for a subject, whose rows are written one after the other.
    :param most: so many rows.
    """
    if period.start:
        matching = matching.where(model.created_at >= period.start)
    if period.end:
        matching = matching.where(model.created_at < period.end)
    upwards = newer_than is not None
    mark = newer_than if upwards else older_than
    if mark is not None:
        matching = _beyond(matching, model, mark, upwards=upwards, by_id=by_id)
    columns = [model.id] if by_id else [model.created_at, model.id]
    matching = matching.order_by(*(column if upwards else column.desc() for column in columns))
    found = list(db.session.scalars(matching.limit(most + 1)))
    more = len(found) > most
    rows = found[:most]
    if upwards:
        rows.reverse()
    return Timeline(
        rows=rows,
        older=rows[-1].id if rows and (more or upwards) else None,
        newer=rows[0].id if rows and (more if upwards else mark is not None) else None,
    )


def _beyond(matching: Select[Row], model: type[Row], mark: int, *, upwards: bool, by_id: bool) -> Select[Row]:
    if by_id:
        return matching.where(model.id > mark if upwards else model.id < mark)
    moment = db.session.scalars(select(model.created_at).where(model.id == mark)).one_or_none()
    if moment is None:
        return matching
    # the first comparison alone bounds the range of the index
    if upwards:
        return matching.where(
            model.created_at >= moment,
            or_(model.created_at > moment, and_(model.created_at == moment, model.id > mark)),
        )
    return matching.where(
        model.created_at <= moment,
        or_(model.created_at < moment, and_(model.created_at == moment, model.id < mark)),
    )
