"""CSV as a stream, as Excel opens it with a double click in the reader's language."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

# with these a spreadsheet takes a text for a formula, which may call programs or send data away
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
_CHUNK = 32 * 1024
# Excel takes a file without it for one of Windows' old encodings
_BOM = "\ufeff"

Value = str | Decimal | None


def defused(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def write_csv(rows: Iterable[Sequence[Value]], *, decimal_mark: str = ",", bom: bool = True) -> Iterator[str]:
    """The rows, in pieces. Where the comma stands before a fraction, the semicolon separates the cells."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";" if decimal_mark == "," else ",")
    if bom:
        out.write(_BOM)
    for row in rows:
        writer.writerow([_cell(value, decimal_mark) for value in row])
        if out.tell() > _CHUNK:
            yield out.getvalue()
            out.seek(0)
            out.truncate()
    yield out.getvalue()


def _cell(value: Value, decimal_mark: str) -> str:
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return f"{value:f}".replace(".", decimal_mark)
    return defused(value)
