"""What a file says, row by row, whatever its format; without trust in it and without keeping all of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import BinaryIO

from flask_babel import gettext as _

# more than anybody means
COLUMNS = 50


class Unreadable(Exception):
    """The file as a whole cannot be read; the message is for the person who sent it."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True)
class Unusable:
    """A cell that holds something else than a text or a number; the message says what."""

    message: str


# a number is exact, a text may still mean one
Cell = str | Decimal | Unusable


@dataclass(frozen=True)
class Row:
    """`number` is what the person's own program shows beside it."""

    number: int
    cells: list[Cell]


@dataclass(frozen=True)
class Table:
    """Rows that are not blank; the first one holds the headings. `decimal_mark` is that of numbers in texts."""

    rows: Iterator[Row]
    decimal_mark: str


def read(stream: BinaryIO, recognise: Callable[[str], bool], *, most_rows: int) -> Table:
    """The table in a file that can be sought in. The format is told by the content, whatever the name says.

    :param recognise: whether a text is a known heading; what separates the cells of a CSV file is told by that.
    :raise Unreadable: at once, or while the rows are read.
    """
    # each brings what only its own format needs
    from inventario.tables.csv_files import read_csv
    from inventario.tables.xlsx_files import read_xlsx

    start = stream.read(8)
    stream.seek(0)
    if not start:
        raise Unreadable(_("El archivo está vacío."))
    if start.startswith(b"\xd0\xcf\x11\xe0"):
        raise Unreadable(
            _("Es un libro de Excel antiguo, o protegido con contraseña. Guárdelo como .xlsx sin contraseña.")
        )
    table = read_xlsx(stream) if start.startswith(b"PK") else read_csv(stream, recognise)
    return Table(_bounded(table.rows, most_rows), table.decimal_mark)


def _bounded(rows: Iterator[Row], most_rows: int) -> Iterator[Row]:
    found = 0
    for row in rows:
        if not any(row.cells):
            continue
        if len(row.cells) > COLUMNS:
            raise Unreadable(_("La fila %(row)s tiene más de %(most)s columnas.", row=row.number, most=COLUMNS))
        found += 1
        if found > most_rows + 1:
            raise Unreadable(_("El archivo tiene más de %(most)s filas. Divídalo en varios.", most=most_rows))
        yield row
