"""How numbers and moments are written, in the reader's language and by the reader's clock."""

from __future__ import annotations

import datetime
import decimal
import functools

from babel import Locale
from flask_babel import format_date, format_datetime, get_locale, ngettext
from flask_babel import gettext as _

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
# as in "31 ene 2026, 13:00"; the names of the months are the language's
_DATE = "d MMM y"
_SHORT_DATE = "d MMM"
_TIME = {False: "HH:mm", True: "HH:mm:ss"}


def number(value: int) -> str:
    """Thousands apart: 12.345 in Spanish."""
    return _separated(f"{value:,}")


def quantity(value: decimal.Decimal | int | str | None) -> str:
    """An exact amount without the zeros that say nothing: 1.234,5 in Spanish; nothing for None.

    The audit log keeps quantities as text.
    """
    if value is None:
        return ""
    value = decimal.Decimal(value)
    text = f"{value:,f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return _separated("0" if text == "-0" else text)


def moment(value: datetime.datetime, seconds: bool = False) -> str:
    """A moment (UTC, as MySQL gives it) on the reader's clock."""
    return str(format_datetime(value, f"{_DATE}, {_TIME[seconds]}"))


def day(value: datetime.date, year: bool = True) -> str:
    """A date; of a moment (UTC) the date that the reader's calendar shows then."""
    return str(format_date(value, _DATE if year else _SHORT_DATE))


def ago(value: datetime.datetime, now: datetime.datetime | None = None) -> str:
    """How long ago a moment (UTC) was, as people say it; after a month its date."""
    now = now or datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
    seconds = max(0, int((now - value).total_seconds()))
    if seconds < _MINUTE:
        return str(_("hace un momento"))
    if seconds < _HOUR:
        return str(ngettext("hace %(num)s minuto", "hace %(num)s minutos", seconds // _MINUTE))
    if seconds < _DAY:
        return str(ngettext("hace %(num)s hora", "hace %(num)s horas", seconds // _HOUR))
    if seconds < 31 * _DAY:
        return str(ngettext("hace %(num)s día", "hace %(num)s días", seconds // _DAY))
    return day(value)


def separators() -> tuple[str, str]:
    """What the reader's language writes between thousands, and before decimals."""
    return _separators(str(get_locale() or "es"))


def _separated(text: str) -> str:
    """From Python's separators to the language's."""
    group, point = separators()
    return text.translate({ord(","): group, ord("."): point})


@functools.cache
def _separators(locale: str) -> tuple[str, str]:
    symbols = Locale.parse(locale).number_symbols["latn"]
    return symbols["group"], symbols["decimal"]
