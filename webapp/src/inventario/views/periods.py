"""From days of the reader's calendar to moments of the database."""

from __future__ import annotations

import datetime
from zoneinfo import ZoneInfo

from flask_babel import get_timezone

from inventario.services.timeline import Period

_DAY = datetime.timedelta(days=1)


def day(text: str) -> datetime.date | None:
    """A date as an input of a browser gives it; None for anything else."""
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        return None


def period(first: datetime.date | None, last: datetime.date | None) -> Period:
    """Both days and what is between them, by the reader's clock."""
    try:
        return Period(start=_begins(first), end=_begins(last + _DAY if last else None))
    except OverflowError:  # at the end of the calendar
        return Period(start=_begins(first))


def _begins(date: datetime.date | None) -> datetime.datetime | None:
    if date is None or date == datetime.date.min:
        return None
    zone = ZoneInfo(str(get_timezone()))
    midnight = datetime.datetime.combine(date, datetime.time(), tzinfo=zone)
    return midnight.astimezone(datetime.UTC).replace(tzinfo=None)
