from __future__ import annotations

import csv
import io
import tracemalloc
import zipfile
from collections.abc import Iterator
from decimal import Decimal

import openpyxl
import pytest
from flask import Flask
from sqlalchemy import URL

from inventario.services import exporting
from inventario.services.finding import Criteria
from inventario.tables.csv_writing import Value, write_csv
from inventario.tables.xlsx_writing import xlsx
from mysql_server import Administrator


@pytest.fixture(autouse=True)
def context(app: Flask) -> Iterator[None]:
    with app.test_request_context():
        yield


def fill(administrator: Administrator, database: URL, count: int) -> None:
    digits = "(SELECT 0 AS d" + "".join(f" UNION ALL SELECT {digit}" for digit in range(1, 10)) + ")"
    number = "a.d + 10 * b.d + 100 * c.d + 1000 * e.d"
    columns = "code, name, description, unit_code, created_by_id, quantity"
    values = f"CONCAT('P', LPAD({number}, 5, '0')), 'Tornillo', REPEAT('x', 200), 'ud', 1, {number}"
    administrator.execute(
        f"INSERT INTO `{database.database}`.products ({columns}) SELECT {values}"
        f" FROM {digits} a, {digits} b, {digits} c, {digits} e WHERE {number} < {count}"
    )


def test_all_of_them_in_their_order(administrator: Administrator, database: URL) -> None:
    fill(administrator, database, 2500)
    found = list(exporting.products(Criteria()))
    assert [product.code for product in found] == [f"P{number:05}" for number in range(2500)]
    assert found[1500].quantity == Decimal(1500)
    assert (found[0].unit, found[0].category, found[0].minimum) == ("unidad", "", None)
    last = list(exporting.products(Criteria(sort="quantity", descending=True)))
    assert (last[0].code, last[-1].code) == ("P02499", "P00000")


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_memory_does_not_grow_with_the_table(kind: str) -> None:
    def rows(count: int) -> Iterator[list[Value]]:
        for number in range(count):
            yield [f"P{number}", "x" * 200, Decimal(number)]

    def peak(count: int) -> int:
        tracemalloc.start()
        try:
            written = write_csv(rows(count)) if kind == "csv" else xlsx("x", rows(count))
            for _piece in written:
                pass
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(100)
    assert peak(20_000) < peak(2_000) + 200_000


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_no_cell_is_a_formula(start: str) -> None:
    text = f"{start}cmd|' /C calc'!A0"
    (row,) = csv.reader(
        io.StringIO("".join(write_csv([[text, Decimal("-5.5")]], bom=False)), newline=""), delimiter=";"
    )
    assert row == [f"'{text}", "-5,5"]
    sheet = openpyxl.load_workbook(io.BytesIO(b"".join(xlsx("x", [[text, Decimal("-5.5")]])))).active
    assert (sheet["A1"].data_type, sheet["B1"].value) == ("s", -5.5)
    assert sheet["A1"].value.strip() == text.strip()


def test_csv_for_each_language() -> None:
    rows: list[list[Value]] = [["Café; con, comas", 'dice "hola"', Decimal("1234.5"), None]]
    assert "".join(write_csv(rows)) == '\ufeff"Café; con, comas";"dice ""hola""";1234,5;\r\n'
    assert "".join(write_csv(rows, decimal_mark=".", bom=False)) == (
        '"Café; con, comas","dice ""hola""",1234.5,\r\n'
    )


def test_xlsx_says_what_was_said() -> None:
    rows: list[list[Value]] = [
        ["<b>&\"'", "  dos\nlíneas  ", "\x00\ud800\ufffe\U0001f600"],
        [None, "", Decimal("0.001")],
    ]
    content = b"".join(xlsx("Productos", rows))
    assert zipfile.ZipFile(io.BytesIO(content)).testzip() is None
    sheet = openpyxl.load_workbook(io.BytesIO(content), read_only=True)["Productos"]
    assert list(sheet.iter_rows(values_only=True)) == [
        ("<b>&\"'", "  dos\nlíneas  ", "\U0001f600"),
        (None, None, 0.001),
    ]


def test_the_first_bytes_leave_at_once() -> None:
    asked: list[int] = []

    def rows() -> Iterator[list[Value]]:
        for number in range(10_000):
            asked.append(number)
            yield ["x" * 100]

    assert next(xlsx("x", rows())).startswith(b"PK")
    assert asked == []
    next(write_csv(rows()))
    assert len(asked) < 500
