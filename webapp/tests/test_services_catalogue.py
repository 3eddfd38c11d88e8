from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import URL

from conftest import make_app
from inventario.database import writes
from inventario.models import AuditEntry, Category, Unit
from inventario.models.stock import IN
from inventario.services import catalogue, products, stock
from inventario.services.actors import Actor
from inventario.services.catalogue import DecimalsInUse, EntryUnknown, InUse, NotOffered, StaleEntry, Taken
from inventario.services.products import Details, TooFine
from inventario.services.stock import QuantityInvalid
from inventario.services.submissions import new_key
from mysql_server import Administrator, MysqlServer

FIRST = ["ud", "caja", "paq", "par", "kg", "g", "l", "ml", "m", "m2", "rollo"]
# InnoDB renews its list of transactions only for those who have not just asked
LOOK_AGAIN = 0.15
# whether a transaction waits for a lock of another
WAITING = "SELECT 1 FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT' LIMIT 1"


@pytest.fixture(autouse=True)
def context(app: Flask) -> Iterator[None]:
    with app.test_request_context():
        yield


@pytest.fixture
def by(actor: Actor) -> dict[str, Any]:
    """Who does it."""
    return {"actor": actor}


def once(by: dict[str, Any]) -> dict[str, Any]:
    return by | {"submission_key": new_key()}


def register(by: dict[str, Any], code: str, **fields: Any) -> None:
    details = replace(Details(code, "Tornillo", "", "ud", ""), **fields)
    products.register(details, **once(by))


def category(name: str) -> Category:
    return next(row.entry for row in catalogue.counted_categories().rows if row.entry.name == name)


def noted(administrator: Administrator, database: URL) -> list[tuple[str, str]]:
    return [
        (str(action), str(subject))
        for action, subject in administrator.execute(
            f"SELECT action, subject FROM `{database.database}`.{AuditEntry.__tablename__} "
            "WHERE subject_type <> 'product' ORDER BY id"
        )
    ]


def test_the_first_units(by: dict[str, Any]) -> None:
    assert [unit.code for unit in catalogue.units()] == FIRST


def test_a_unit_of_ones_own(by: dict[str, Any], administrator: Administrator, database: URL) -> None:
    once_only = once(by)
    for _ in range(2):
        catalogue.add_unit("saco", "saco", 1, **once_only)
    assert [unit.code for unit in catalogue.units()] == [*FIRST, "saco"]
    catalogue.edit_unit("saco", 1, "saco grande", 0, **once(by))
    unit = catalogue.get(Unit, "saco")
    assert (unit.name, unit.decimals, unit.version) == ("saco grande", 0, 2)
    catalogue.delete(Unit, "saco", **once(by))
    assert [unit.code for unit in catalogue.units()] == FIRST
    assert noted(administrator, database) == [
        ("unit.created", "saco"),
        ("unit.changed", "saco grande"),
        ("unit.deleted", "saco grande"),
    ]


@pytest.mark.parametrize(("code", "name", "field"), [("UD", "nueva", "code"), ("x", "Unidad", "name")])
def test_a_unit_that_is_there_already(by: dict[str, Any], code: str, name: str, field: str) -> None:
    with pytest.raises(Taken) as taken:
        catalogue.add_unit(code, name, 0, **once(by))
    assert taken.value.field == field


def test_an_inactive_unit_stays_with_its_products(by: dict[str, Any]) -> None:
    register(by, "T-1", unit_code="rollo")
    catalogue.set_active(Unit, "rollo", False, **once(by))
    assert "rollo" not in [unit.code for unit in catalogue.units()]
    assert "rollo" in [unit.code for unit in catalogue.units(also="rollo")]
    with pytest.raises(NotOffered):
        register(by, "T-2", unit_code="rollo")
    holder = products.code_holder("T-1")
    assert holder is not None
    details = products.details_of(products.get(holder.id))
    assert products.edit(holder.id, 1, replace(details, name="Cinta"), **once(by))
    catalogue.set_active(Unit, "rollo", True, **once(by))
    register(by, "T-2", unit_code="rollo")


def test_what_products_have_is_not_deleted(by: dict[str, Any]) -> None:
    register(by, "T-1", category="Ferretería")
    with pytest.raises(InUse):
        catalogue.delete(Unit, "ud", **once(by))
    with pytest.raises(InUse):
        catalogue.delete(Category, category("Ferretería").id, **once(by))


def test_decimals_that_quantities_need_stay(
    by: dict[str, Any], administrator: Administrator, database: URL
) -> None:
    register(by, "T-1", unit_code="m2", minimum=Decimal("0.25"))
    version = catalogue.get(Unit, "m2").version
    with pytest.raises(DecimalsInUse):
        catalogue.edit_unit("m2", version, "metro cuadrado", 1, **once(by))
    catalogue.edit_unit("m2", version, "metro cuadrado", 2, **once(by))
    administrator.execute(f"UPDATE `{database.database}`.products SET minimum = NULL, quantity = -1.5")
    with pytest.raises(DecimalsInUse):
        catalogue.edit_unit("m2", version + 1, "metro cuadrado", 0, **once(by))
    catalogue.edit_unit("m2", version + 1, "metro cuadrado", 3, **once(by))


Work = Callable[[Callable[[], None]], object]


@pytest.fixture
def in_kilos(by: dict[str, Any], administrator: Administrator, database: URL) -> int:
    """The only product, in a unit with decimals."""
    register(by, "T-1", unit_code="kg")
    ((number,),) = administrator.execute(f"SELECT id FROM `{database.database}`.products")
    return int(number)


def until_it_waits(work: Future[None], administrator: Administrator) -> None:
    """For a lock; or until it is done, which then is what the test finds wrong."""
    end = time.monotonic() + 5
    while not work.done() and not administrator.execute(WAITING):
        assert time.monotonic() < end
        time.sleep(LOOK_AGAIN)


def move_half_a_kilo(number: int, by: dict[str, Any]) -> Work:
    @writes()
    def work(meanwhile: Callable[[], None]) -> None:
        stock.move(by["actor"], number, IN, Decimal("0.5"), "purchase", "", new_key())
        meanwhile()

    return work


def ask_for_half_a_kilo(number: int, by: dict[str, Any]) -> Work:
    @writes()
    def work(meanwhile: Callable[[], None]) -> None:
        details = Details("T-1", "Tornillo", "", "kg", "", Decimal("0.5"))
        products.edit(number, 1, details, **once(by))
        meanwhile()

    return work


@pytest.mark.parametrize("make", [move_half_a_kilo, ask_for_half_a_kilo])
def test_decimals_are_not_taken_from_what_is_under_way(
    by: dict[str, Any],
    administrator: Administrator,
    database: URL,
    in_kilos: int,
    make: Callable[[int, dict[str, Any]], Work],
) -> None:
    """Whoever lowers them waits for those who are about to need them, and then knows of them."""
    version = catalogue.get(Unit, "kg").version
    node = make_app(database)

    def lower() -> None:
        with node.test_request_context():
            catalogue.edit_unit("kg", version, "kilogramo", 0, **once(by))

    with ThreadPoolExecutor(1) as other:
        lowering: Future[None] | None = None

        def meanwhile() -> None:
            nonlocal lowering
            lowering = other.submit(lower)
            until_it_waits(lowering, administrator)

        make(in_kilos, by)(meanwhile)
        assert lowering
        with pytest.raises(DecimalsInUse):
            lowering.result()


@pytest.mark.parametrize("make", [move_half_a_kilo, ask_for_half_a_kilo])
def test_decimals_that_are_being_taken_are_not_used(
    by: dict[str, Any],
    server: MysqlServer,
    administrator: Administrator,
    database: URL,
    in_kilos: int,
    make: Callable[[int, dict[str, Any]], Work],
) -> None:
    node = make_app(database)

    def use() -> None:
        with node.test_request_context():
            make(in_kilos, by)(lambda: None)

    with Administrator(server) as lowering, ThreadPoolExecutor(1) as other:
        lowering.execute("START TRANSACTION")
        lowering.execute(f"UPDATE `{database.database}`.units SET decimals = 0 WHERE code = 'kg'")
        using = other.submit(use)
        until_it_waits(using, administrator)
        lowering.execute("COMMIT")
        with pytest.raises((QuantityInvalid, TooFine)):
            using.result()


def test_units_in_ones_own_order(by: dict[str, Any]) -> None:
    catalogue.move_unit("caja", -1, **once(by))
    assert [unit.code for unit in catalogue.units()][:3] == ["caja", "ud", "paq"]
    # no further than the end
    catalogue.move_unit("caja", -1, **once(by))
    catalogue.move_unit("caja", 1, **once(by))
    assert [unit.code for unit in catalogue.units()] == FIRST


def test_categories(by: dict[str, Any], administrator: Administrator, database: URL) -> None:
    catalogue.add_category("Herramienta", **once(by))
    number = category("Herramienta").id
    catalogue.edit_category(number, 1, "Herramientas", **once(by))
    catalogue.set_active(Category, number, False, **once(by))
    assert catalogue.category_names() == []
    with pytest.raises(NotOffered):
        register(by, "T-1", category="herramientas")
    catalogue.set_active(Category, number, True, **once(by))
    register(by, "T-1", category="herramientas")
    (row,) = catalogue.counted_categories().rows
    assert (row.entry.name, row.products) == ("Herramientas", 1)
    assert [action for action, _ in noted(administrator, database)] == [
        "category.created",
        "category.changed",
        "category.retired",
        "category.restored",
    ]


def test_a_new_category_that_a_product_names_is_noted(
    by: dict[str, Any], administrator: Administrator, database: URL
) -> None:
    register(by, "T-1", category="Nueva")
    register(by, "T-2", category="NUEVA")
    assert noted(administrator, database) == [("category.created", "Nueva")]


def test_a_category_that_is_there_already(by: dict[str, Any]) -> None:
    catalogue.add_category("Niños", **once(by))
    catalogue.add_category("Ninos", **once(by))
    with pytest.raises(Taken):
        catalogue.add_category("NIÑOS", **once(by))
    with pytest.raises(Taken):
        catalogue.edit_category(category("Ninos").id, 1, "Niños", **once(by))


def test_the_second_of_two_people_is_told(by: dict[str, Any]) -> None:
    catalogue.add_category("Una", **once(by))
    number = category("Una").id
    catalogue.edit_category(number, 1, "Dos", **once(by))
    with pytest.raises(StaleEntry) as stale:
        catalogue.edit_category(number, 1, "Tres", **once(by))
    assert (stale.value.saved.name, stale.value.saved.version) == ("Dos", 2)
    version = catalogue.get(Unit, "ml").version
    with pytest.raises(StaleEntry):
        catalogue.edit_unit("ml", version + 1, "mililitro", 0, **once(by))


def test_unknown_entries(by: dict[str, Any]) -> None:
    for act in (
        lambda: catalogue.get(Unit, "parsec"),
        lambda: catalogue.edit_unit("parsec", 1, "x", 0, **once(by)),
        lambda: catalogue.move_unit("parsec", 1, **once(by)),
        lambda: catalogue.delete(Category, 1, **once(by)),
        lambda: catalogue.set_active(Category, 1, False, **once(by)),
    ):
        with pytest.raises(EntryUnknown):
            act()


def test_products_are_counted_up_to_a_limit(
    by: dict[str, Any], administrator: Administrator, database: URL
) -> None:
    catalogue.add_category("Llena", **once(by))
    catalogue.add_category("Vacía", **once(by))
    number = category("Llena").id
    rows = ", ".join(f"('P{row}', 'x', '', 'ud', {number}, 1)" for row in range(catalogue.COUNT_LIMIT + 5))
    administrator.execute(
        f"INSERT INTO `{database.database}`.products "
        f"(code, name, description, unit_code, category_id, created_by_id) VALUES {rows}"
    )
    full, empty = catalogue.counted_categories().rows
    assert (full.products, full.is_capped) == (catalogue.COUNT_LIMIT + 1, True)
    assert (empty.products, empty.is_capped) == (0, False)
    units = {row.entry.code: row.products for row in catalogue.counted_units()}
    assert list(units) == FIRST
    assert (units["ud"], units["kg"]) == (catalogue.COUNT_LIMIT + 1, 0)


def test_categories_in_pages(by: dict[str, Any], administrator: Administrator, database: URL) -> None:
    names = ", ".join(f"('C{number:03}')" for number in range(catalogue.PAGE_ROWS + 1))
    administrator.execute(f"INSERT INTO `{database.database}`.categories (name) VALUES {names}")
    first = catalogue.counted_categories()
    assert (len(first.rows), first.after) == (catalogue.PAGE_ROWS, "C099")
    second = catalogue.counted_categories(after=first.after or "")
    assert ([row.entry.name for row in second.rows], second.after) == (["C100"], None)


def test_units_are_reordered_by_several_at_once(by: dict[str, Any], database: URL) -> None:
    nodes = [make_app(database) for _ in range(4)]
    start = threading.Barrier(len(nodes))

    def move(node: Flask, code: str) -> None:
        with node.test_request_context():
            start.wait()
            catalogue.move_unit(code, -1, **once(by))

    threads = [
        threading.Thread(target=move, args=(node, code))
        for node, code in zip(nodes, ("rollo", "m2", "g", "par"), strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    units = catalogue.units()
    assert sorted(unit.code for unit in units) == sorted(FIRST)
    assert [unit.position for unit in units] == list(range(1, len(FIRST) + 1))
