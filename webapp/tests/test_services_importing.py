from __future__ import annotations

import io
import json
import threading
import tracemalloc
from collections.abc import Callable, Iterator

import pymysql
import pytest
from flask import Flask, current_app
from sqlalchemy import URL

from conftest import make_app
from inventario.database.connections import BoundedConnection
from inventario.forms.product_rows import ProductRows
from inventario.services import catalogue, importing, imports, products, staging
from inventario.services.actors import Actor
from inventario.services.imports import CHECKED, DONE, FAILED, Job, NotReady
from inventario.services.submissions import new_key
from mysql_server import Administrator

HEADINGS = "código;nombre;descripción;unidad;categoría;mínimo;cantidad"


@pytest.fixture(autouse=True)
def context(app: Flask) -> Iterator[None]:
    with app.test_request_context():
        yield


class Sql:
    """What is in the tables."""

    def __init__(self, administrator: Administrator, database: URL) -> None:
        self._administrator = administrator
        self._database = database.database

    def __call__(self, query: str) -> list[tuple[object, ...]]:
        return self._administrator.execute(query.replace("{db}", f"`{self._database}`"))

    def count(self, table: str) -> object:
        return self(f"SELECT COUNT(*) FROM {{db}}.{table}")[0][0]


@pytest.fixture
def sql(administrator: Administrator, database: URL) -> Sql:
    return Sql(administrator, database)


def stage(actor: Actor, content: str | bytes, *, most_rows: int = 1000) -> Job:
    data = content.encode() if isinstance(content, str) else content
    job_id, claim = imports.begin("tabla.csv", "f" * 32, actor=actor, submission_key=new_key())
    assert claim is not None
    staging.stage(job_id, claim, io.BytesIO(data), ProductRows(catalogue.units()), most_rows)
    return found(job_id)


def found(job_id: str) -> Job:
    job = imports.find(job_id)
    assert job is not None
    return job


def take_over(actor: Actor, job: Job) -> Job:
    claim = imports.start(job.id, actor=actor, submission_key=new_key())
    assert claim is not None
    importing.take_over(job.id, claim, actor=actor, code_label="Código")
    return found(job.id)


def table(*rows: str) -> str:
    return "\r\n".join((HEADINGS, *rows)) + "\r\n"


def many(count: int) -> str:
    return table(*(f"C-{n};Tornillo {n};De acero;ud;Cat {n % 7};5;{n % 10}" for n in range(count)))


def said(job: Job) -> list[tuple[int | None, str, str]]:
    return [(problem.row, problem.column, problem.message) for problem in job.problems]


def test_a_unit_is_not_taken_for_another(actor: Actor, sql: Sql) -> None:
    """The name of one is the code of another, and two codes differ by what is not read."""
    for code, name in (("kilo", "kg"), ("m.", "milla")):
        catalogue.add_unit(code, name, 0, actor=actor, submission_key=new_key())
    job = stage(actor, table("A-1;Cable;;kg;;;", "A-2;Cable;;kilo;;;"))
    assert said(job) == [(2, "Unidad", "«kg» puede ser más de una unidad. Escriba lo que solo ella lleve.")]
    job = stage(
        actor, table("B-1;Cable;;Kilogramo;;;", "B-2;Cable;;M.;;;", "B-3;Cable;;m;;;", "B-4;Cable;;milla;;;")
    )
    assert take_over(actor, job).state == DONE
    assert sql("SELECT unit_code FROM {db}.products ORDER BY code") == [("kg",), ("m.",), ("m",), ("m.",)]


def test_a_file_is_staged_and_then_taken_over(actor: Actor, sql: Sql) -> None:
    job = stage(
        actor,
        table(
            "T-1;Tornillo;De acero;ud;Ferretería;10;25",
            'T-2;"Cable; ""largo""";"dos\nlíneas";m;;;1,5',
            "",
            "T-3;Té;;kg;ferreteria;;",
        ),
    )
    assert (job.state, job.total_rows, job.problem_count) == (CHECKED, 3, 0)
    assert job.summary == {"categories": ["Ferretería"], "category_count": 1, "stocked": 2}
    assert sql.count("products") == 0
    job = take_over(actor, job)
    assert (job.state, job.done_rows) == (DONE, 3)
    columns = "code, name, description, unit_code, minimum, quantity"
    assert sql(f"SELECT {columns} FROM {{db}}.products ORDER BY code") == [
        ("T-1", "Tornillo", "De acero", "ud", 10, 25),
        ("T-2", 'Cable; "largo"', "dos\nlíneas", "m", None, 1.5),
        ("T-3", "Té", "", "kg", None, 0),
    ]
    assert sql.count("categories") == 1
    assert sql("SELECT kind, reason, quantity, balance, user_id FROM {db}.movements ORDER BY id") == [
        ("in", "initial", 25, 25, 1),
        ("in", "initial", 1.5, 1.5, 1),
    ]
    imported = "FROM {db}.audit_entries WHERE family = 'import'"
    assert sql(f"SELECT action, username, subject, changes {imported}") == [
        ("import.done", "ana", "tabla.csv", '{"products": 3}')
    ]
    created = "FROM {db}.audit_entries WHERE action = 'product.created'"
    entries = sql(f"SELECT subject, changes {created} ORDER BY id")
    assert [entry[0] for entry in entries] == ["T-1", "T-2", "T-3"]
    assert json.loads(str(entries[2][1])) == {
        "code": [None, "T-3"],
        "name": [None, "Té"],
        "unit": [None, "kilogramo"],
        # as the category is called, however the file spells it
        "category": [None, "Ferretería"],
    }
    assert json.loads(str(entries[0][1]))["quantity"] == [None, "25"]
    assert sql("SELECT COUNT(*) FROM {db}.product_terms WHERE term = 'tornillo'") == [(1,)]
    named = "JOIN {db}.products ON products.id = subject_id AND code = subject"
    assert sql(f"SELECT COUNT(*) FROM {{db}}.audit_entries {named}") == [(3,)]


def test_problems_are_named_by_row_and_column(actor: Actor) -> None:
    products.register(products.Details("AÑO-1", "Ya está", "", "ud", ""), actor=actor, submission_key=new_key())
    job = stage(
        actor,
        table(
            "-;Tornillo;;ud;;;",
            "T-1;;;ud;;;",
            "T-2;Tornillo;;arroba;;;",
            "T-3;Tornillo;;ud;;-1;1,5",
            "año-1;Tornillo;;ud;;;",
            "T-2;Tornillo;;ud;;;mucho",
            "t-2;Tornillo;;ud;;;",
            f"T-4;{'x' * 121};;ud;{'y' * 61};;1.000",
        ),
    )
    assert said(job) == [
        (2, "Código", "Use letras, números, espacios y . - _ / + # (empiece por letra o número)."),
        (3, "Nombre", "Escriba un nombre."),
        (4, "Unidad", "No hay ninguna unidad «arroba»."),
        (5, "Mínimo", "No puede ser menor que cero."),
        (5, "Cantidad", "Esta unidad admite como mucho 0 decimales."),
        (6, "Código", "Ya hay un producto con el código AÑO-1."),
        (7, "Cantidad", "No es un número."),
        (7, "Código", "El código está ya en la fila 4."),
        (8, "Código", "El código está ya en la fila 4."),
        (9, "Nombre", "Como mucho 120 caracteres."),
        (9, "Categoría", "Como mucho 60 caracteres."),
        (9, "Cantidad", "«1.000» se puede leer de dos maneras. Escríbalo sin puntos de millar."),
    ]
    assert job.problem_count == 12
    assert [problem.row for problem in imports.all_problems(job)] == [row for row, _, _ in said(job)]
    assert not job.can_run
    with pytest.raises(NotReady):
        imports.start(job.id, actor=actor, submission_key=new_key())


def test_more_problems_than_are_shown(actor: Actor) -> None:
    job = stage(actor, table(*(f"C-{n};;;ud;;;" for n in range(1200))), most_rows=2000)
    assert (len(job.problems), job.problem_count) == (imports.SHOWN_PROBLEMS, 1200)
    assert len(list(imports.all_problems(job))) == 1200


def test_columns_that_are_not_known_missing_or_doubled(actor: Actor) -> None:
    job = stage(actor, "CÓDIGO,Code,Peso,nombre,\nT-1,T-1,3,Tornillo,\n")
    assert said(job) == [
        (1, "Código", "Esta columna está dos veces."),
        (1, "Peso", "No se conoce esta columna. Bórrela o cámbiele el nombre."),
        (1, "columna 5", "No se conoce esta columna. Bórrela o cámbiele el nombre."),
        (1, "Unidad", "Falta esta columna."),
    ]
    assert not job.can_run


def test_too_many_rows(actor: Actor) -> None:
    assert stage(actor, many(10), most_rows=10).state == CHECKED
    job = stage(actor, many(11), most_rows=10)
    assert (job.state, said(job)) == (
        FAILED, [(None, "", "El archivo tiene más de 10 filas. Divídalo en varios.")]
    )  # fmt: skip
    assert not job.can_run


def test_a_code_that_somebody_took_meanwhile_stops_all_of_it(actor: Actor, sql: Sql) -> None:
    job = stage(actor, many(1500), most_rows=2000)
    products.register(products.Details("c-1400", "Otro", "", "ud", ""), actor=actor, submission_key=new_key())
    job = take_over(actor, job)
    assert job.state == FAILED
    assert said(job) == [(1402, "Código", "Ya hay un producto con el código c-1400.")]
    assert (sql.count("products"), sql.count("movements"), sql.count("categories")) == (1, 0, 0)
    sql("DELETE FROM {db}.products")
    assert take_over(actor, job).state == DONE
    assert sql.count("products") == 1500


class Interrupted:
    """Calls something once, when so many rows have been made."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, call: Callable[[], object]) -> None:
        self._call: Callable[[], object] | None = call
        self._make = importing._make
        monkeypatch.setattr(importing, "_make", self)

    def __call__(self, *arguments: object) -> None:
        self._make(*arguments)  # type: ignore[arg-type]
        if self._call is not None:
            call, self._call = self._call, None
            call()


def test_a_connection_that_dies_in_the_middle_leaves_nothing(
    actor: Actor, administrator: Administrator, database: URL, sql: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = stage(actor, many(3000), most_rows=5000)
    Interrupted(monkeypatch, lambda: administrator.kill_connections(database.database))
    job = take_over(actor, job)
    assert (job.state, job.can_run) == (FAILED, True)
    assert (sql.count("products"), sql.count("movements"), sql.count("categories")) == (0, 0, 0)
    assert take_over(actor, job).state == DONE
    assert sql.count("products") == 3000


def test_whoever_lost_the_import_to_another_node_leaves_nothing(
    actor: Actor, database: URL, sql: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first node falls silent in the middle; another takes over; then the first one goes on."""
    job = stage(actor, many(2500), most_rows=5000)
    outcomes: list[str] = []
    other = make_app(database)

    def elsewhere() -> None:
        sql("UPDATE {db}.import_jobs SET heartbeat_at = UTC_TIMESTAMP(6) - INTERVAL 1 HOUR")
        with other.test_request_context():
            assert found(job.id).interrupted
            claim = imports.start(job.id, actor=actor, submission_key=new_key())
            assert claim is not None
            outcomes.append(claim)

    Interrupted(monkeypatch, elsewhere)
    claim = imports.start(job.id, actor=actor, submission_key=new_key())
    assert claim is not None
    importing.take_over(job.id, claim, actor=actor, code_label="Código")
    assert sql.count("products") == 0
    with other.test_request_context():
        importing.take_over(job.id, outcomes[0], actor=actor, code_label="Código")
    assert (sql.count("products"), found(job.id).state) == (2500, DONE)


def test_a_commit_whose_answer_is_lost_counts_once(
    actor: Actor, sql: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = stage(actor, many(10))
    commit = BoundedConnection.commit

    def once(connection: BoundedConnection) -> None:
        monkeypatch.setattr(BoundedConnection, "commit", commit)
        commit(connection)
        connection.close()
        raise pymysql.err.OperationalError(2013, "Lost connection to MySQL server during query")

    claim = imports.start(job.id, actor=actor, submission_key=new_key())
    assert claim is not None
    Interrupted(monkeypatch, lambda: monkeypatch.setattr(BoundedConnection, "commit", once))
    # nothing but the end of the large transaction is to meet it
    monkeypatch.setattr(importing, "_tell", lambda *_arguments: None)
    importing.take_over(job.id, claim, actor=actor, code_label="Código")
    assert (sql.count("products"), found(job.id).state) == (10, DONE)


def test_started_at_once_through_several_nodes(actor: Actor, database: URL) -> None:
    job = stage(actor, many(5))
    nodes = [make_app(database) for _ in range(4)]
    start = threading.Barrier(len(nodes))
    outcomes: list[bool] = []

    def click(node: Flask) -> None:
        with node.test_request_context():
            start.wait()
            try:
                outcomes.append(imports.start(job.id, actor=actor, submission_key=new_key()) is not None)
            except NotReady:
                outcomes.append(False)

    threads = [threading.Thread(target=click, args=(node,)) for node in nodes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == [False, False, False, True]


def test_progress_is_seen_while_nothing_else_is(
    actor: Actor, database: URL, sql: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = stage(actor, many(2000), most_rows=5000)
    monkeypatch.setattr(importing, "_TELL_SECONDS", 0.0)
    seen: list[tuple[object, object]] = []
    tell = importing._tell

    def watch(job_id: str, claim: str, done: int) -> None:
        tell(job_id, claim, done)
        seen.append((found_elsewhere(job_id).done_rows, sql.count("products")))

    def found_elsewhere(job_id: str) -> Job:
        with current_app.app_context():
            return found(job_id)

    monkeypatch.setattr(importing, "_tell", watch)
    take_over(actor, job)
    assert seen == [(1000, 0), (2000, 0), (2000, 0)]


def test_the_same_form_again_goes_on_only_where_nobody_does(actor: Actor, sql: Sql) -> None:
    key = new_key()
    job_id, claim = imports.begin("a.csv", "f" * 32, actor=actor, submission_key=key)
    assert claim is not None
    assert imports.begin("a.csv", "f" * 32, actor=actor, submission_key=key) == (job_id, None)
    sql("UPDATE {db}.import_jobs SET heartbeat_at = UTC_TIMESTAMP(6) - INTERVAL 1 HOUR")
    again, other = imports.begin("a.csv", "f" * 32, actor=actor, submission_key=key)
    assert again == job_id
    assert other not in (None, claim)
    staging.stage(job_id, claim, io.BytesIO(many(5).encode()), ProductRows(catalogue.units()), 100)
    assert sql.count("import_rows") == 0


def test_old_imports_are_forgotten(app: Flask, actor: Actor, sql: Sql) -> None:
    stage(actor, many(5))
    old = stage(actor, many(5))
    sql(f"UPDATE {{db}}.import_jobs SET created_at = UTC_TIMESTAMP() - INTERVAL 30 DAY WHERE id = '{old.id}'")
    result = app.test_cli_runner().invoke(args=["release"])
    assert result.exit_code == 0, result.output
    assert (sql.count("import_jobs"), sql.count("import_rows")) == (1, 5)


def test_a_large_file_takes_little_memory(actor: Actor, sql: Sql) -> None:
    """Whatever its length: what is held are the rows of a batch."""
    data = many(12_000).encode()
    tracemalloc.start()
    try:
        job = stage(actor, data, most_rows=12_000)
        assert (job.problem_count, job.total_rows) == (0, 12_000)
        assert take_over(actor, job).state == DONE
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert sql.count("products") == 12_000
    assert peak < 12 * 1024 * 1024
