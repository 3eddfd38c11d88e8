"""Reads a file of products, checks it, and stages it in the database, so that any node can take it over."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, BinaryIO, Protocol

from flask_babel import gettext as _
from sqlalchemy import delete, func, insert, select, text

from inventario.database import DatabaseUnavailable, db, reads_latest, writes
from inventario.models import ImportRow
from inventario.services import imports
from inventario.services.imports import Problem
from inventario.tables.reading import Row, Unreadable, read

# rows staged in one transaction
_BATCH = 1000
# more new categories than this are a column in the wrong place
_NEW_CATEGORIES = 1000
_SHOWN_CATEGORIES = 20

# what people know by other spellings is compared by the database, whose collation decides
_EXISTING_CODES = text(
    "SELECT sent.number, products.code FROM JSON_TABLE(:sent, '$[*]' COLUMNS("
    " number INT PATH '$[0]',"
    " code VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_es_0900_ai_ci PATH '$[1]')) AS sent"
    " STRAIGHT_JOIN products ON products.code = sent.code"
)
_CATEGORIES = text(
    "SELECT ANY_VALUE(sent.name) AS name, ANY_VALUE(categories.active) AS active"
    " FROM JSON_TABLE(:sent, '$[*]' COLUMNS("
    " name VARCHAR(60) CHARACTER SET utf8mb4 COLLATE utf8mb4_es_0900_ai_ci PATH '$')) AS sent"
    " LEFT JOIN categories ON categories.name = sent.name GROUP BY sent.name"
)
_REPEATED_CODES = text(
    "UPDATE import_rows AS again JOIN ("
    " SELECT code, MIN(number) AS first FROM import_rows"
    " WHERE job_id = :job AND code IS NOT NULL GROUP BY code HAVING COUNT(*) > 1) AS found"
    " ON again.job_id = :job AND again.code = found.code AND again.number > found.first "
    "SET again.problems = JSON_ARRAY_APPEND(COALESCE(again.problems, JSON_ARRAY()), '$',"
    " JSON_OBJECT('column', :column, 'message', REPLACE(:message, '{row}', found.first)))"
)


@dataclass(frozen=True)
class CheckedRow:
    """A product as it will be made, or what is wrong with it. `code` is None when it cannot be one."""

    number: int
    code: str | None
    fields: dict[str, str]
    problems: Sequence[Problem]


class ProductRows(Protocol):
    """Knows the columns and their rules (see forms.product_rows)."""

    def recognise(self, heading: str) -> bool:
        """Whether this is the name of a column."""

    def begin(self, headings: Row, decimal_mark: str) -> Sequence[Problem]:
        """Learn the order of the columns; what is wrong with them."""

    def check(self, row: Row) -> CheckedRow: ...

    @property
    def can_check(self) -> bool:
        """Whether the columns are such that looking at the rows makes sense."""

    def label(self, column: str) -> str:
        """What people call a column."""


def stage(job_id: str, claim: str, stream: BinaryIO, rows: ProductRows, most_rows: int) -> None:
    """Read the whole file and close it. Afterwards the import is checked, with what is wrong, or failed."""
    try:
        with stream:
            _stage(job_id, claim, stream, rows, most_rows)
    except Unreadable as error:
        imports.fail(job_id, claim, [Problem(None, "", error.message)])
    except DatabaseUnavailable:
        message = _("La base de datos no ha respondido. Vuelva a enviarlo.")
        imports.fail(job_id, claim, [Problem(None, "", message)])
    except imports.Superseded:
        return


def _stage(job_id: str, claim: str, stream: BinaryIO, rows: ProductRows, most_rows: int) -> None:
    table = read(stream, rows.recognise, most_rows=most_rows)
    headings = next(table.rows, None)
    if headings is None:
        raise Unreadable(_("El archivo no tiene ninguna fila."))
    problems = list(rows.begin(headings, table.decimal_mark))
    found = _Found()
    if rows.can_check:
        checked = (rows.check(row) for row in table.rows)
        while batch := list(islice(checked, _BATCH)):
            found.add(batch)
            _put(job_id, claim, batch, found.rows, rows.label("code"))
        if found.rows == 0:
            raise Unreadable(_("Debajo de los nombres de las columnas no hay ninguna fila."))
    if len(found.categories) > _NEW_CATEGORIES:
        message = _("Hay más de %(most)s categorías distintas. ¿Está en su columna?", most=_NEW_CATEGORIES)
        problems.append(Problem(None, rows.label("category"), message))
    _finish(job_id, claim, problems, found, rows)


class _Found:
    """What is said about the file as a whole."""

    def __init__(self) -> None:
        self.rows = 0
        self.stocked = 0
        self.categories: set[str] = set()

    def add(self, batch: Iterable[CheckedRow]) -> None:
        for row in batch:
            self.rows += 1
            self.stocked += row.fields.get("quantity", "0") not in ("", "0")
            if row.fields.get("category") and len(self.categories) <= _NEW_CATEGORIES:
                self.categories.add(row.fields["category"])


@writes(repeatable=True)
def _put(job_id: str, claim: str, batch: Sequence[CheckedRow], total: int, code_label: str) -> None:
    """Stage these rows, in place of what an earlier run of this unit may have left."""
    imports.note_progress(job_id, claim, total_rows=total)
    db.session.execute(
        delete(ImportRow).where(
            ImportRow.job_id == job_id, ImportRow.number.between(batch[0].number, batch[-1].number)
        )
    )
    existing = _existing(batch)
    values = []
    for row in batch:
        problems = [{"column": problem.column, "message": problem.message} for problem in row.problems]
        if row.number in existing:
            message = _("Ya hay un producto con el código %(code)s.", code=existing[row.number])
            problems.append({"column": code_label, "message": message})
        values.append(
            {
                "job_id": job_id,
                "number": row.number,
                "code": row.code,
                "fields": row.fields,
                "problems": problems or None,
            }
        )
    db.session.execute(insert(ImportRow.__table__), values)  # type: ignore[arg-type]


def _existing(batch: Sequence[CheckedRow]) -> dict[int, str]:
    """The numbers of the rows whose code a product has, and that code."""
    sent = json.dumps([[row.number, row.code] for row in batch if row.code])
    return {row.number: row.code for row in db.session.execute(_EXISTING_CODES, {"sent": sent})}


@writes(repeatable=True)
def _finish(
    job_id: str, claim: str, file_problems: Sequence[Problem], found: _Found, rows: ProductRows
) -> None:
    imports.note_progress(job_id, claim)
    message = _("El código está ya en la fila %(row)s.", row="{row}")
    # run again, this finds the rows as the run before left them
    repeated = {"job": job_id, "column": rows.label("code"), "message": message}
    db.session.execute(_REPEATED_CODES, repeated)
    new, inactive = _categories(found.categories)
    of_file = [
        *file_problems,
        *(
            Problem(None, rows.label("category"), _("La categoría «%(name)s» está desactivada.", name=name))
            for name in inactive
        ),
    ]
    problems = [*of_file, *first_problems(job_id)][: imports.SHOWN_PROBLEMS]
    db.session.execute(
        imports.mine(job_id, claim).values(
            state=imports.CHECKED,
            claim=None,
            total_rows=found.rows,
            problems=imports.as_json(problems),
            problem_count=len(of_file) + _count_problems(job_id),
            summary={
                "categories": new[:_SHOWN_CATEGORIES],
                "category_count": len(new),
                "stocked": found.stocked,
            },
        )
    )


def first_problems(job_id: str) -> list[Problem]:
    rows = (
        select(ImportRow.number, ImportRow.problems)
        .where(ImportRow.job_id == job_id, ImportRow.problems.is_not(None))
        .order_by(ImportRow.number)
        .limit(imports.SHOWN_PROBLEMS)
    )
    return [
        Problem(number, problem["column"], problem["message"])
        for number, problems in db.session.execute(rows)
        for problem in problems or []
    ]


@reads_latest
def codes_taken(job_id: str, label: str) -> tuple[list[Problem], int]:
    """Rows of a staged import whose code a product has by now: the first of them, and how many.

    The source is asked: a replica may not know yet who was first, or the rows themselves.
    """
    problems: list[Problem] = []
    count = after = 0
    while rows := db.session.execute(
        select(ImportRow.number, ImportRow.code)
        .where(ImportRow.job_id == job_id, ImportRow.number > after)
        .order_by(ImportRow.number)
        .limit(_BATCH)
    ).all():
        sent = json.dumps([[number, code] for number, code in rows])
        taken = sorted((number, code) for number, code in db.session.execute(_EXISTING_CODES, {"sent": sent}))
        count += len(taken)
        problems += [
            Problem(number, label, _("Ya hay un producto con el código %(code)s.", code=code))
            for number, code in taken[: imports.SHOWN_PROBLEMS - len(problems)]
        ]
        after = rows[-1][0]
    return problems, count


def _count_problems(job_id: str) -> int:
    count = select(func.coalesce(func.sum(func.json_length(ImportRow.problems)), 0))
    found = count.where(ImportRow.job_id == job_id, ImportRow.problems.is_not(None))
    return int(db.session.scalars(found).one())


def _categories(names: set[str]) -> tuple[list[str], list[str]]:
    """Those that are new, each in one of its spellings, and those that are there and not offered."""
    sent: dict[str, Any] = {"sent": json.dumps(sorted(names))}
    found = db.session.execute(_CATEGORIES, sent).all()
    new = sorted(row.name for row in found if row.active is None)
    return new, sorted(row.name for row in found if row.active == 0)
