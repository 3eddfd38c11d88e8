"""XLSX as a stream: what is written leaves at once, so that neither memory nor a disk fills with a large table.

openpyxl makes the parts that describe the book; the one sheet is written row by row into the archive.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from xml.sax.saxutils import escape

import openpyxl

_SHEET = "xl/worksheets/sheet1.xml"
_NAMESPACE = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
# what XML has no way to write
_UNWRITABLE = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_CHUNK = 32 * 1024
# Excel's own limit, headings included
MOST_ROWS = 1_048_576

Value = str | Decimal | None


class TooManyRows(Exception):
    """More than a sheet can hold."""


def xlsx(title: str, rows: Iterable[Sequence[Value]]) -> Iterator[bytes]:
    """A workbook with one sheet, in pieces. A text is a text, never a formula; a number is a number."""
    out = _Out()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in _description(title):
            archive.writestr(name, content)
        yield out.take()
        with archive.open(_SHEET, "w", force_zip64=True) as sheet:
            buffered = [f'<?xml version="1.0" encoding="UTF-8"?><worksheet xmlns="{_NAMESPACE}"><sheetData>']
            length = 0
            for number, row in enumerate(rows, start=1):
                if number > MOST_ROWS:
                    raise TooManyRows
                buffered.append(_row(row))
                length += len(buffered[-1])
                if length > _CHUNK:
                    sheet.write("".join(buffered).encode())
                    buffered, length = [], 0
                    yield out.take()
            buffered.append("</sheetData></worksheet>")
            sheet.write("".join(buffered).encode())
    yield out.take()


def _row(row: Sequence[Value]) -> str:
    return f"<row>{''.join(map(_cell, row))}</row>"


def _cell(value: Value) -> str:
    if value is None or value == "":
        return "<c/>"
    if isinstance(value, Decimal):
        return f"<c><v>{value:f}</v></c>"
    text = escape(_UNWRITABLE.sub("", value))
    return f'<c t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'


def _description(title: str) -> Iterator[tuple[str, bytes]]:
    """All parts of such a book but the sheet."""
    book = openpyxl.Workbook(write_only=True)
    book.create_sheet(title)
    stream = io.BytesIO()
    book.save(stream)
    with zipfile.ZipFile(stream) as archive:
        for name in archive.namelist():
            if name != _SHEET:
                yield name, archive.read(name)


class _Out(io.RawIOBase):
    """Where the archive is written to: it cannot be sought in, and what was taken is gone."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        piece = bytes(data)  # type: ignore[call-overload]
        self._pieces.append(piece)
        return len(piece)

    def take(self) -> bytes:
        taken = b"".join(self._pieces)
        self._pieces.clear()
        return taken
