"""XLSX: openpyxl reads what describes the book, once found harmless; the first sheet is read as a stream."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from typing import BinaryIO
from xml.etree.ElementTree import ParseError
from xml.parsers.expat import ExpatError

import defusedxml
import openpyxl
from flask_babel import gettext as _

from inventario.tables.reading import Row, Table, Unreadable
from inventario.tables.xlsx_guard import inspect
from inventario.tables.xlsx_sheet import Sheet

# what openpyxl and the modules below it raise on a workbook that is none
_BROKEN = (
    zipfile.BadZipFile, ParseError, ExpatError, defusedxml.DefusedXmlException, OSError, EOFError, LookupError,
    ValueError, TypeError, AttributeError, ArithmeticError, NotImplementedError, RuntimeError,
)  # fmt: skip


def read_xlsx(stream: BinaryIO) -> Table:
    """Rows of the first visible sheet. Macros, links and formulas are never followed."""
    try:
        inspect(stream)
        book = openpyxl.load_workbook(stream, read_only=True, keep_vba=False, keep_links=False)
        sheet = next((sheet for sheet in book.worksheets if sheet.sheet_state == "visible"), None)
    except _BROKEN as error:
        raise _broken() from error
    if sheet is None:
        raise Unreadable(_("El libro no tiene ninguna hoja visible."))
    # openpyxl has no public names for these, and its own reader builds a tree of every row, however wide
    path, strings, dates = sheet._worksheet_path, sheet._shared_strings, book._date_formats
    return Table(_rows(stream, path, Sheet(strings, dates)), ".")


def _rows(stream: BinaryIO, path: str, sheet: Sheet) -> Iterator[Row]:
    try:
        with zipfile.ZipFile(stream) as archive, archive.open(path) as member:
            yield from sheet.rows(member)
    except _BROKEN as error:
        raise _broken() from error


def _broken() -> Unreadable:
    return Unreadable(
        _("El libro de Excel está dañado o no es un libro. Ábralo, guárdelo otra vez como .xlsx y envíelo.")
    )
