from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import URL, event

from conftest import USERNAME, make_app
from inventario.database import long_write
from inventario.database.connections import REPLICA, SOURCE
from inventario.database.extension import engine
from inventario.services import catalogue, finding, history, products
from inventario.services.actors import Actor
from inventario.services.catalogue import NotOffered
from inventario.services.finding import Criteria
from inventario.services.products import Details, DuplicateCode, ProductUnknown, StaleVersion, TooFine
from inventario.services.submissions import KeyReused, new_key
from mysql_server import Administrator


@pytest.fixture(autouse=True)
def context(app: Flask) -> Iterator[None]:
    with app.test_request_context():
        yield


def new(code: str, name: str = "Tornillo", category: str = "", description: str = "") -> Details:
    return Details(code=code, name=name, description=description, unit_code="ud", category=category)


def register(actor: Actor, product: Details) -> str:
    return products.register(product, actor=actor, submission_key=new_key())


def codes() -> list[str]:
    return [product.code for product in finding.find(Criteria()).products]


def test_a_registered_product_is_listed(actor: Actor) -> None:
    register(actor, new("T-1", category="Ferretería"))
    (product,) = finding.find(Criteria()).products
    assert (product.code, product.name, product.unit_code) == ("T-1", "Tornillo", "ud")
    assert product.category == "Ferretería"


@pytest.mark.parametrize("again", ["AÑO-1", "año-1", "Año-1", "ÁÑO-1"])
def test_the_same_code_in_another_case_or_accent(actor: Actor, again: str) -> None:
    register(actor, new("año-1"))
    with pytest.raises(DuplicateCode):
        register(actor, new(again))
    assert codes() == ["año-1"]


def test_n_and_ñ_are_two_letters(actor: Actor) -> None:
    register(actor, new("AÑO"))
    register(actor, new("ANO"))
    assert codes() == ["ANO", "AÑO"]


def test_a_form_sent_twice_counts_once(actor: Actor) -> None:
    key = new_key()
    for _ in range(2):
        assert products.register(new("T-1"), actor=actor, submission_key=key) == "T-1"
    assert codes() == ["T-1"]


def test_a_form_sent_twice_tells_of_its_product_whatever_became_of_it(
    actor: Actor, administrator: Administrator, database: URL
) -> None:
    key = new_key()
    first = products.create(new("T-1"), actor=actor, submission_key=key)
    products.edit(first.id, 1, new("T-2"), actor=actor, submission_key=new_key())
    # its code is free again, and its unit is offered no more
    assert products.create(new("T-1"), actor=actor, submission_key=key) == products.Registered(first.id, "T-2")
    administrator.execute(f"UPDATE `{database.database}`.units SET active = 0, version = version + 1")
    assert products.create(new("T-1"), actor=actor, submission_key=key) == products.Registered(first.id, "T-2")
    assert codes() == ["T-2"]


def test_a_form_sent_at_once_through_several_nodes_counts_once(actor: Actor, database: URL) -> None:
    nodes = [make_app(database) for _ in range(4)]
    start = threading.Barrier(len(nodes))
    key = new_key()
    registered: list[products.Registered] = []

    def send(node: Flask) -> None:
        with node.test_request_context():
            start.wait()
            registered.append(products.create(new("UNA", category="Nueva"), actor=actor, submission_key=key))

    threads = [threading.Thread(target=send, args=(node,)) for node in nodes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(registered) == len(nodes)
    assert len(set(registered)) == 1
    assert codes() == ["UNA"]


@pytest.mark.parametrize("other", ["T-1", "T-2"])
def test_the_key_of_a_form_is_not_for_another(actor: Actor, other: str) -> None:
    key = new_key()
    products.create(new("T-1"), actor=actor, submission_key=key)
    with pytest.raises(KeyReused):
        products.create(new(other, name="Otro"), actor=actor, submission_key=key)
    assert codes() == ["T-1"]


def test_a_refused_form_may_be_corrected_and_sent_again(actor: Actor) -> None:
    register(actor, new("T-1"))
    key = new_key()
    with pytest.raises(DuplicateCode):
        products.register(new("T-1"), actor=actor, submission_key=key)
    assert products.register(new("T-2"), actor=actor, submission_key=key) == "T-2"


def test_categories_are_shared_whatever_their_accents(actor: Actor) -> None:
    register(actor, new("T-1", category="Ferretería"))
    register(actor, new("T-2", category="ferreteria"))
    assert catalogue.category_names() == ["Ferretería"]


def test_the_same_code_at_once_through_several_nodes(actor: Actor, database: URL) -> None:
    nodes = [make_app(database) for _ in range(4)]
    start = threading.Barrier(len(nodes))
    outcomes: list[str] = []

    def send(node: Flask) -> None:
        with node.test_request_context():
            start.wait()
            try:
                outcomes.append(register(actor, new("MISMO", category="Nueva")))
            except DuplicateCode:
                outcomes.append("refused")

    threads = [threading.Thread(target=send, args=(node,)) for node in nodes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["MISMO", "refused", "refused", "refused"]
    assert codes() == ["MISMO"]


@pytest.mark.parametrize(
    ("typed", "kept"),
    [("  T-1 ", "T-1"), ("T\u00a0 1", "T 1"), ("an\u0303o", "año"), ("\tT\n1", "T 1")],
)
def test_normalise(typed: str, kept: str) -> None:
    assert products.normalise(typed) == kept


def product_id(code: str) -> int:
    holder = products.code_holder(code)
    assert holder is not None
    return holder.id


def edit(actor: Actor, number: int, version: int, **changes: Any) -> bool:
    """Change some of what is saved, as a form opened at this version would."""
    details = replace(products.details_of(products.get(number)), **changes)
    return products.edit(number, version, details, actor=actor, submission_key=new_key())


def noted(number: int) -> list[tuple[str, dict[str, Any] | None]]:
    return [(entry.action, entry.changes) for entry in history.changes(number).rows]


def test_a_registration_is_noted(actor: Actor) -> None:
    register(actor, replace(new("T-1", category="Nueva"), minimum=Decimal("2.000")))
    created = {"code": "T-1", "name": "Tornillo", "unit": "unidad", "category": "Nueva", "minimum": "2"}
    assert noted(product_id("T-1")) == [
        ("product.created", {field: [None, value] for field, value in created.items()})
    ]


def test_a_change_is_noted_and_counts_a_version(actor: Actor) -> None:
    register(actor, new("T-1"))
    number = product_id("T-1")
    assert edit(actor, number, 1, name="Tuerca", category="Ferretería", minimum=Decimal(5))
    row = products.get(number)
    assert (row.name, row.minimum, row.version) == ("Tuerca", Decimal(5), 2)
    assert row.updated_at is not None
    assert row.category is not None
    assert noted(number)[0] == (
        "product.changed",
        {"name": ["Tornillo", "Tuerca"], "category": [None, "Ferretería"], "minimum": [None, "5"]},
    )


def test_a_changed_product_is_found_by_its_new_words(
    actor: Actor, administrator: Administrator, database: URL
) -> None:
    register(actor, new("T-1"))
    edit(actor, product_id("T-1"), 1, code="T-2", name="Tuerca")
    found = administrator.execute(f"SELECT term, code FROM `{database.database}`.product_terms ORDER BY term")
    assert [row for row in found if row[0] in ("tornillo", "tuerca", "t-1", "t-2")] == [
        ("t-2", "T-2"),
        ("tuerca", "T-2"),
    ]


def test_no_change_is_no_version(actor: Actor) -> None:
    register(actor, new("T-1", category="Ferretería"))
    number = product_id("T-1")
    assert not edit(actor, number, 1, category="ferreteria")
    assert products.get(number).version == 1
    assert len(noted(number)) == 1


def test_a_change_sent_twice_counts_once(actor: Actor) -> None:
    register(actor, new("T-1"))
    number, key = product_id("T-1"), new_key()
    for _ in range(2):
        assert products.edit(number, 1, new("T-1", "Tuerca"), actor=actor, submission_key=key)
    assert products.get(number).version == 2
    with pytest.raises(KeyReused):
        products.edit(number, 1, new("T-1", "Arandela"), actor=actor, submission_key=key)


def test_the_second_of_two_people_is_told_what_is_saved(actor: Actor) -> None:
    register(actor, new("T-1"))
    number = product_id("T-1")
    other = replace(actor, username="luis")
    edit(other, number, 1, name="Tuerca", minimum=Decimal(3))
    edit(other, number, 2, name="Arandela")
    with pytest.raises(StaleVersion) as stale:
        edit(actor, number, 1, description="De acero", name="Tornillo")
    saved = stale.value.saved
    assert (saved.version, saved.details.name, saved.changed_by) == (3, "Arandela", "luis")
    # what the second one had opened, which tells their own changes from the others'
    assert saved.before == {"name": "Tornillo", "minimum": None}
    assert products.get(number).description == ""


def test_a_stale_form_that_says_what_is_saved_is_no_conflict(actor: Actor) -> None:
    register(actor, new("T-1"))
    number = product_id("T-1")
    edit(actor, number, 1, name="Tuerca")
    assert not edit(actor, number, 1)


def test_a_code_of_another_product(actor: Actor) -> None:
    register(actor, new("T-1"))
    register(actor, new("T-2"))
    with pytest.raises(DuplicateCode):
        edit(actor, product_id("T-2"), 1, code="t-1")
    assert edit(actor, product_id("T-2"), 1, code="t-2")


def test_retired_and_restored(actor: Actor) -> None:
    register(actor, new("T-1"))
    number = product_id("T-1")
    for _ in range(2):
        assert products.retire(number, actor=actor, submission_key=new_key()) == "T-1"
    assert not products.get(number).active
    products.restore(number, actor=actor, submission_key=new_key())
    assert (products.get(number).active, products.get(number).version) == (True, 3)
    assert [action for action, _ in noted(number)] == ["product.restored", "product.retired", "product.created"]


def test_an_unknown_product(actor: Actor) -> None:
    for act in (
        lambda: products.get(1),
        lambda: products.retire(1, actor=actor, submission_key=new_key()),
        lambda: products.edit(1, 1, new("T-1"), actor=actor, submission_key=new_key()),
    ):
        with pytest.raises(ProductUnknown):
            act()


def test_quantities_are_as_fine_as_the_unit(actor: Actor, administrator: Administrator, database: URL) -> None:
    with pytest.raises(TooFine) as refused:
        register(actor, replace(new("T-1"), minimum=Decimal("0.5")))
    assert (refused.value.field, refused.value.decimals) == ("minimum", 0)
    register(actor, replace(new("T-1"), unit_code="kg", minimum=Decimal("0.5")))
    administrator.execute(f"UPDATE `{database.database}`.products SET quantity = 1.25")
    with pytest.raises(TooFine) as refused:
        edit(actor, product_id("T-1"), 1, unit_code="ud", minimum=None)
    assert refused.value.field == "unit"


def kilos(code: str, minimum: str) -> Details:
    return replace(new(code), unit_code="kg", minimum=Decimal(minimum))


def test_a_unit_that_was_changed_elsewhere_counts_as_it_is_now(
    actor: Actor, administrator: Administrator, database: URL
) -> None:
    """Each process remembers units for some seconds."""
    register(actor, kilos("T-1", "0.5"))
    unit = f"`{database.database}`.units"
    administrator.execute(f"UPDATE {unit} SET decimals = 0, version = version + 1 WHERE code = 'kg'")
    with pytest.raises(TooFine):
        register(actor, kilos("T-2", "0.5"))
    administrator.execute(f"UPDATE {unit} SET name = 'kilo', version = version + 1 WHERE code = 'kg'")
    register(actor, kilos("T-3", "5"))
    assert (noted(product_id("T-3"))[0][1] or {})["unit"] == [None, "kilo"]
    administrator.execute(f"UPDATE {unit} SET active = 0, version = version + 1 WHERE code = 'kg'")
    with pytest.raises(NotOffered):
        register(actor, kilos("T-4", "5"))
    assert codes() == ["T-1", "T-3"]


def test_a_unit_that_got_decimals_elsewhere_takes_them(
    actor: Actor, administrator: Administrator, database: URL
) -> None:
    register(actor, new("T-1"))
    administrator.execute(
        f"UPDATE `{database.database}`.units SET decimals = 1, version = version + 1 WHERE code = 'ud'"
    )
    register(actor, replace(new("T-2"), minimum=Decimal("0.5")))
    assert codes() == ["T-1", "T-2"]


def test_a_registration_takes_few_statements(actor: Actor, app: Flask) -> None:
    register(actor, new("T-1"))
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        statements.append(statement)

    source = engine(SOURCE)
    event.listen(source, "before_cursor_execute", note)
    try:
        register(actor, new("T-2"))
    finally:
        event.remove(source, "before_cursor_execute", note)
    # the product, the form, the product's words, the audit entry; COMMIT is counted elsewhere
    assert len(statements) == 4, statements


def test_a_registration_waits_for_no_other(actor: Actor, app: Flask, database: URL) -> None:
    """All share the user, the unit and the words, and stand beside each other in every index."""
    register(actor, new("T-1"))
    with make_app(database).test_request_context(), long_write():
        register(actor, new("T-2"))
        with app.test_request_context():
            register(actor, new("T-3"))
            register(actor, new("T-10"))
    assert codes() == ["T-1", "T-10", "T-2", "T-3"]


def test_who_has_a_code(actor: Actor) -> None:
    register(actor, new("Año-1"))
    number = product_id("ÁÑO-1")
    assert products.code_holder(" año-1 ", other_than=number) is None
    assert products.code_holder("ano-1") is None
    assert products.code_holder("") is None


def many_rows(administrator: Administrator, name: str, number: int) -> None:
    """Some thousand products, and for each of ten of them hundreds of movements with their audit entries."""
    digits = " UNION ALL ".join(f"SELECT {digit} AS n" for digit in range(10))
    counted = f"WITH d AS ({digits}) SELECT a.n + 10*b.n + 100*c.n + 1000*e.n AS n FROM d a, d b, d c, d e"
    administrator.execute(
        f"INSERT INTO `{name}`.products (code, name, description, unit_code, created_by_id) "
        f"SELECT CONCAT('P', n), 'Tuerca', '', 'ud', 1 FROM ({counted}) AS numbers WHERE n < 3000"
    )
    administrator.execute(
        f"INSERT INTO `{name}`.movements (product_id, kind, quantity, balance, reason, user_id) "
        f"SELECT {number} + n MOD 10, 'in', 1, n, 'purchase', 1 FROM ({counted}) AS numbers WHERE n < 5000"
    )
    administrator.execute(
        f"INSERT INTO `{name}`.audit_entries "
        "(user_id, username, action, subject_type, subject_id, subject, address, node, request_id) "
        f"SELECT 1, '{USERNAME}', 'stock.moved', 'product', {number} + n MOD 10, 'P', '', '', '' "
        f"FROM ({counted}) AS numbers WHERE n < 5000"
    )
    administrator.execute(f"ANALYZE TABLE `{name}`.products, `{name}`.movements, `{name}`.audit_entries")


def test_the_ways_to_a_product_and_its_past_are_indexes(
    actor: Actor, administrator: Administrator, database: URL
) -> None:
    register(actor, new("T-1"))
    number = product_id("T-1")
    many_rows(administrator, str(database.database), number)
    asked: list[tuple[str, Any]] = []

    def note(*arguments: Any) -> None:
        asked.append((arguments[2], arguments[3]))

    replica = engine(REPLICA)
    event.listen(replica, "before_cursor_execute", note)
    try:
        product_id("T-1")
        products.get(number)
        history.movements(number)
        history.movements(number, before=4000)
        history.changes(number)
    finally:
        event.remove(replica, "before_cursor_execute", note)
    with replica.connect() as connection:
        plans = [
            (row.table, row.key, row.rows)
            for statement, parameters in asked
            for row in connection.exec_driver_sql(f"EXPLAIN FORMAT=TRADITIONAL {statement}", parameters)
            if row.table in ("products", "movements", "audit_entries")
        ]
    # the code, the product, two pages of its movements, its changes among hundreds of other entries
    assert [key for _, key, _ in plans] == [
        "uq_products_code",
        "PRIMARY",
        "ix_movements_product_id_id",
        "ix_movements_product_id_id",
        "ix_audit_entries_subject_type_subject_id_action",
    ]
    assert plans[-1][2] <= 10


def test_history_in_pages(actor: Actor, administrator: Administrator, database: URL) -> None:
    register(actor, new("T-1"))
    number = product_id("T-1")
    rows = ", ".join(f"({number}, 'in', 1, {balance}, 'purchase', 1)" for balance in range(1, 26))
    administrator.execute(
        f"INSERT INTO `{database.database}`.movements "
        f"(product_id, kind, quantity, balance, reason, user_id) VALUES {rows}"
    )
    first = history.movements(number)
    second = history.movements(number, before=first.older)
    assert [int(row.balance) for row in (*first.rows, *second.rows)] == list(range(25, 0, -1))
    assert first.rows[0].user.username == USERNAME
    assert second.older is None


def test_no_change_is_lost_between_two_nodes(actor: Actor, database: URL) -> None:
    """Four people add their marks to one text, each until it counts: all of them are in it at the end."""
    register(actor, new("T-1", description="Marcas:"))
    number = product_id("T-1")
    nodes = [make_app(database) for _ in range(2)]
    refused: list[int] = []

    def add_marks(node: Flask, person: str) -> None:
        marks = [f"{person}{count}" for count in range(10)]
        while marks:
            with node.test_request_context():
                row = products.get(number)
                details = products.details_of(row)
                details = replace(details, description=f"{details.description} {marks[0]}")
                try:
                    products.edit(number, row.version, details, actor=actor, submission_key=new_key())
                except StaleVersion as stale:
                    refused.append(stale.saved.version)
                else:
                    del marks[0]

    threads = [
        threading.Thread(target=add_marks, args=(node, person))
        for node, person in zip(nodes * 2, "abcd", strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    row = products.get(number)
    assert set(row.description.split()[1:]) == {f"{person}{count}" for person in "abcd" for count in range(10)}
    assert row.version == 41
    assert len(history.changes(number, before=None).rows) == history.PAGE_ROWS
    assert refused
