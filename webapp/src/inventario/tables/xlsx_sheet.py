"""The XML of one sheet, read as a stream: what is kept is the row that is being read."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from decimal import Decimal
from typing import IO

from flask_babel import gettext as _

from inventario.tables.reading import COLUMNS, Cell, Row, Unreadable, Unusable
from inventario.tables.xlsx_guard import harmless_parser

_CHUNK = 64 * 1024
# Excel's own limits
_ROWS = 1_048_576
_LONGEST_TEXT = 32_767


class Sheet:
    """Turns the elements of a sheet into rows, in the order in which they come."""

    def __init__(self, strings: Sequence[str], date_styles: Collection[int]) -> None:
        self._strings = strings
        self._date_styles = date_styles
        self._done: list[Row] = []
        self._number = 0
        self._cells: list[Cell] = []
        self._column = 0
        self._kind = "n"
        self._style = 0
        self._formula = False
        self._text: list[str] = []
        self._length = 0
        self._collects = False
        # readings of characters are no text
        self._phonetic = False

    def rows(self, stream: IO[bytes]) -> Iterator[Row]:
        parser = harmless_parser()
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        while chunk := stream.read(_CHUNK):
            parser.Parse(chunk, False)
            yield from self._take()
        parser.Parse(b"", True)
        yield from self._take()

    def _take(self) -> list[Row]:
        done, self._done = self._done, []
        return done

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition("}")[2]
        if name == "c":
            self._start_cell(attributes)
        elif name == "v" or (name == "t" and not self._phonetic):
            self._collects = True
        elif name == "f":
            self._formula = True
        elif name == "row":
            number = int(attributes.get("r", self._number + 1))
            if not self._number < number <= _ROWS:
                raise ValueError("rows out of order")
            self._number = number
            self._column = 0
            self._cells = []
        elif name == "rPh":
            self._phonetic = True

    def _start_cell(self, attributes: dict[str, str]) -> None:
        reference = attributes.get("r")
        column = _column(reference) if reference else self._column + 1
        if column > COLUMNS:
            raise Unreadable(
                _("La fila %(row)s tiene más de %(most)s columnas.", row=self._number, most=COLUMNS)
            )
        if column <= self._column:
            raise ValueError("cells out of order")
        self._cells.extend("" for _gap in range(column - self._column - 1))
        self._column = column
        self._kind = attributes.get("t", "n")
        self._style = int(attributes.get("s", 0))
        self._formula = False
        self._text = []
        self._length = 0

    def _characters(self, text: str) -> None:
        if self._collects:
            self._length += len(text)
            if self._length <= _LONGEST_TEXT:
                self._text.append(text)

    def _end(self, tag: str) -> None:
        name = tag.rpartition("}")[2]
        if name in ("v", "t"):
            self._collects = False
        elif name == "c":
            self._cells.append(self._cell("".join(self._text)))
        elif name == "row":
            while self._cells and self._cells[-1] == "":
                self._cells.pop()
            self._done.append(Row(self._number, self._cells))
            self._cells = []
        elif name == "rPh":
            self._phonetic = False

    def _cell(self, text: str) -> Cell:
        if self._formula:
            return Unusable(_("Contiene una fórmula. Copie la celda y péguela como valor."))
        if self._length > _LONGEST_TEXT:
            return Unusable(_("El texto es demasiado largo."))
        if not text:
            return ""
        return _value(self._kind, text, self._strings, is_date=self._style in self._date_styles)


def _value(kind: str, text: str, strings: Sequence[str], *, is_date: bool) -> Cell:
    if kind == "s":
        return strings[int(text)] if int(text) >= 0 else ""
    if kind in ("str", "inlineStr"):
        return text
    if kind == "d" or (kind == "n" and is_date):
        return Unusable(_("Contiene una fecha o una hora. Dé a la celda el formato de texto o de número."))
    if kind == "b":
        return Unusable(_("Contiene verdadero o falso, y aquí va un texto o un número."))
    if kind == "e":
        return Unusable(_("Contiene un error de la hoja de cálculo (%(error)s).", error=text[:20]))
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("a number without end")
    # as many digits as a spreadsheet shows: 0.1 + 0.2 is 0.3
    return Decimal(f"{value:.15g}")


def _column(reference: str) -> int:
    letters = reference.rstrip("0123456789")
    if not 1 <= len(letters) <= 3:
        raise ValueError("not a column")
    column = 0
    for letter in letters:
        if not "A" <= letter <= "Z":
            raise ValueError("not a column")
        column = column * 26 + ord(letter) - 64
    return column
