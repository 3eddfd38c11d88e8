from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

import pytest
from flask import Flask
from sqlalchemy import URL

from conftest import make_app
from faulty_network import Relay
from inventario.database import db, reads, writes
from inventario.models import Product, Unit
from inventario.services import audit, catalogue, live
from inventario.services.actors import Actor
from inventario.services.submissions import new_key
from mysql_server import Administrator
from query_plans import plan_of

CODES = ["T-1", "T-2", "T-3"]


@pytest.fixture
def node(app: Flask) -> Iterator[Flask]:
    with app.test_request_context():
        yield app


@writes()
def register(code: str, actor: Actor, **fields: object) -> int:
    product = Product(
        code=code, name="Tornillo", description="", unit_code="ud", created_by_id=actor.user_id, **fields
    )
    db.session.add(product)
    db.session.flush()
    note("product.created", product.id, actor, code)
    return product.id


def note(action: str, product_id: int, actor: Actor, code: str = "") -> None:
    audit.record(actor, action, subject_type="product", subject_id=product_id, subject=code)


@writes()
def change(product_id: int, actor: Actor) -> None:
    note("product.changed", product_id, actor)


def test_the_version_moves_with_every_commit_and_only_then(node: Flask, actor: Actor) -> None:
    first = live.executed_by_source()
    assert first == live.executed_by_source() != ""
    register("T-1", actor)
    assert live.executed_by_source() != first


def test_the_version_is_the_sources_own(
    app: Flask, database: URL, relays: tuple[Relay, Relay], actor: Actor
) -> None:
    source, replica = relays
    node = make_app(source.url(database), replica.url(database))
    with node.test_request_context():
        replica.refuse()
        gtids = live.executed_by_source()
    with node.test_request_context():
        replica.restore()
        source.refuse()
        # a replica that lacks nothing says the same
        assert live.executed_by_source() == gtids


def latest() -> live.Changes:
    found = live.changes()
    assert found is not None
    return found


def test_nothing_is_told_until_something_is_committed(node: Flask, actor: Actor) -> None:
    register("T-1", actor)
    known = latest().executed
    assert known == live.executed_by_source()
    assert live.changes(known) is None
    register("T-2", actor)
    told = live.changes(known)
    assert told is not None
    assert len(told.created) == 2


def test_changes_are_told_latest_first_and_once(node: Flask, actor: Actor) -> None:
    first, second, third = (register(code, actor) for code in CODES)
    for number in (first, second, first, third, second):
        change(number, actor)
    found = latest()
    assert [row.id for row in found.rows] == [second, third, first]
    assert (found.others, found.more) == ([], False)


def test_new_products_are_named_apart(node: Flask, actor: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    """As no page shows them, nobody has to ask for the rest of an import's."""
    numbers = [register(code, actor) for code in CODES]
    monkeypatch.setattr(live, "_MOST_ENTRIES", 1)
    monkeypatch.setattr(live, "_MOST_CREATED", 2)
    found = latest()
    assert [(new.id, new.code) for new in found.created] == [(numbers[2], "T-3"), (numbers[1], "T-2")]
    assert (found.rows, found.others, found.more) == ([], [], False)


def test_rows_are_told_as_they_are(node: Flask, actor: Actor, administrator: Administrator) -> None:
    number = register("T-1", actor, quantity=Decimal("2.5"), minimum=Decimal(3))
    change(number, actor)
    row = latest().rows[0]
    assert (row.id, row.code, row.name, row.quantity) == (number, "T-1", "Tornillo", Decimal("2.500"))
    assert (row.minimum, row.low, row.active, row.version) == (Decimal("3.000"), True, True, 1)
    assert (row.category, row.unit) == (None, "ud")
    assert row.decimals >= 0


def test_old_changes_and_changes_of_others_things_are_not_told(
    node: Flask, actor: Actor, administrator: Administrator, database: URL
) -> None:
    number = register("T-1", actor)
    administrator.execute(
        f"UPDATE `{database.database}`.audit_entries "
        f"SET created_at = UTC_TIMESTAMP(6) - INTERVAL {live.WINDOW_SECONDS + 1} SECOND"
    )
    writes()(audit.record)(actor, "user.changed", subject_type="user", subject_id=number, subject="ana")
    found = latest()
    assert (found.rows, found.others, found.more, found.created) == ([], [], False, [])


def test_a_change_whose_entry_is_older_than_later_ones_is_told(
    node: Flask, actor: Actor, administrator: Administrator, database: URL
) -> None:
    """A transaction that took long commits entries that bear an earlier time."""
    number, later = (register(code, actor) for code in CODES[:2])
    change(number, actor)
    administrator.execute(
        f"UPDATE `{database.database}`.audit_entries "
        f"SET created_at = created_at - INTERVAL {live.WINDOW_SECONDS - 10} SECOND"
    )
    change(later, actor)
    assert [row.id for row in latest().rows] == [later, number]


def test_more_than_are_told_in_full_are_named(
    node: Flask, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "MOST_ROWS", 2)
    numbers = [register(code, actor) for code in CODES]
    for number in numbers:
        change(number, actor)
    found = latest()
    assert [row.id for row in found.rows] == numbers[:0:-1]
    assert list(found.others) == numbers[:1]
    assert not found.more
    monkeypatch.setattr(live, "_MOST_ENTRIES", 2)
    assert latest().more


def test_the_latest_entries_are_found_by_an_index(
    node: Flask, actor: Actor, administrator: Administrator, database: URL
) -> None:
    """However many entries there are, only those of the window are looked at."""
    name = database.database
    number = register("T-1", actor)
    administrator.execute(
        f"INSERT INTO `{name}`.audit_entries "
        "(created_at, username, action, subject_type, subject_id, subject, address, node, request_id) "
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 900) "
        "SELECT UTC_TIMESTAMP(6) - INTERVAL i HOUR, "
        f"'x', 'product.changed', 'product', {number}, 'T', '', '', '' FROM n"
    )
    administrator.execute(f"ANALYZE TABLE `{name}`.audit_entries")
    plan = administrator.execute(
        f"EXPLAIN FORMAT=TREE SELECT subject_id FROM `{name}`.audit_entries "
        f"WHERE created_at >= UTC_TIMESTAMP(6) - INTERVAL {live.WINDOW_SECONDS} SECOND "
        "AND subject_type = 'product' AND action != 'product.created' ORDER BY created_at DESC LIMIT 3001"
    )[0][0]
    assert "Index range scan on audit_entries using ix_audit_entries_created_at" in plan
    assert "reverse" in plan
    assert "Sort" not in plan


def test_rows_come_in_the_order_asked_for_without_those_that_there_are_not(node: Flask, actor: Actor) -> None:
    first, second = (register(code, actor) for code in CODES[:2])
    assert [row.id for row in live.rows([second, 999_999_999, first])] == [second, first]
    assert live.rows([]) == []


def rename(category: str, name: str, actor: Actor) -> None:
    (entry,) = (one.entry for one in catalogue.counted_categories().rows if one.entry.name == category)
    catalogue.edit_category(entry.id, entry.version, name, actor=actor, submission_key=new_key())


def called() -> Mapping[str, Mapping[str, str | None]]:
    renamed = latest().renamed
    return renamed.names if renamed else {}


def test_units_and_categories_are_told_by_their_names(node: Flask, actor: Actor) -> None:
    """However many products have them."""
    catalogue.add_category("Tornillos", actor=actor, submission_key=new_key())
    catalogue.move_unit("kg", -1, actor=actor, submission_key=new_key())
    assert called() == {}
    rename("Tornillos", "Tornillería", actor)
    first = latest().renamed
    assert first
    catalogue.edit_unit(
        "kg", catalogue.get(Unit, "kg").version, "kilo", 3, actor=actor, submission_key=new_key()
    )
    assert called() == {"category": {"Tornillos": "Tornillería"}, "unit_name": {"kilogramo": "kilo"}}
    second = latest().renamed
    assert second
    assert second.latest > first.latest


def test_new_names_are_found_without_a_look_at_the_products(node: Flask, actor: Actor) -> None:
    number = register("T-1", actor)
    for _ in range(50):
        change(number, actor)
    catalogue.add_category("Tornillos", actor=actor, submission_key=new_key())
    plan = plan_of("audit_entries", reads(lambda: db.session.execute(live.renamed_query()).all()))
    assert plan.index == "ix_audit_entries_family_created_at"
    assert plan.rows_read < 10


def test_names_that_were_changed_long_ago_are_not_told(
    node: Flask, actor: Actor, administrator: Administrator, database: URL
) -> None:
    catalogue.add_category("Tornillos", actor=actor, submission_key=new_key())
    rename("Tornillos", "Tornillería", actor)
    administrator.execute(
        f"UPDATE `{database.database}`.audit_entries "
        f"SET created_at = UTC_TIMESTAMP(6) - INTERVAL {live.WINDOW_SECONDS + 1} SECOND"
    )
    assert called() == {}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ([("A", "B")], {"A": "B"}),
        ([(None, "A"), ("A", "B")], {"A": "B"}),
        ([("A", "B"), ("B", "C")], {"A": "C", "B": "C"}),
        ([("A", "B"), ("B", "A")], {"B": "A"}),
        # whoever shows A may mean either
        ([("A", "B"), ("C", "A")], {"A": None, "C": "A"}),
        ([("A", "B"), (None, "A")], {"A": None}),
        ([("A", "T"), ("B", "A"), ("T", "B")], {"A": None, "B": None, "T": "B"}),
        ([("A", "B"), ("B", None)], {}),
        ([(None, "A")], {}),
    ],
)
def test_what_had_an_old_name_is_called_as_it_is_now(
    changes: list[tuple[str | None, str | None]], told: dict[str, str | None]
) -> None:
    assert live._called(changes) == told
