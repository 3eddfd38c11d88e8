from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterator, Sequence

import pytest
from flask import Flask
from sqlalchemy import URL, select

from inventario.database import db, writes
from inventario.models import Product
from inventario.services import finding, sizes, terms
from inventario.services.cursors import Cursor, decode, encode
from inventario.services.finding import ALL, RETIRED, SORTS, Criteria, Page
from inventario.services.product_rows import Found
from mysql_server import Administrator

Fill = Callable[..., None]


@pytest.fixture(autouse=True)
def context(app: Flask) -> Iterator[None]:
    with app.test_request_context():
        yield


@pytest.fixture
def fill(administrator: Administrator, database: URL) -> Fill:
    """Products as they are in the database, with their words: dictionaries of columns."""

    @writes()
    def index() -> None:
        terms.index_many(db.session.scalars(select(Product)))

    def insert(*products: dict[str, object]) -> None:
        name = database.database
        for number in sorted({int(str(product.get("category_id", 0))) for product in products} - {0}):
            administrator.execute(f"INSERT INTO `{name}`.categories (id, name) VALUES ({number}, 'C{number}')")
        for product in products:
            row = {"name": "Tornillo", "description": "", "unit_code": "ud", "created_by_id": 1} | product
            values = ", ".join(f"'{value}'" for value in row.values())
            administrator.execute(f"INSERT INTO `{name}`.products ({', '.join(row)}) VALUES ({values})")
        index()

    return insert


@pytest.fixture(params=["few", "many", "far", "many completions", "tested by product"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answers are the same, whatever way leads to the rows."""
    if request.param != "few":
        monkeypatch.setattr(finding, "FEW", 0)
    if request.param == "far":
        monkeypatch.setattr(finding, "WINDOW", 0)
    if request.param == "many completions":
        monkeypatch.setattr("inventario.services.narrowing.MERGED", 0)
    if request.param == "tested by product":
        monkeypatch.setattr("inventario.services.narrowing.TESTED_IN_ORDER", 0)


def codes(page: Page | Sequence[Found]) -> list[str]:
    return [found.code for found in (page.products if isinstance(page, Page) else page)]


def found(**criteria: object) -> list[str]:
    return codes(finding.find(Criteria(**criteria)))  # type: ignore[arg-type]


def pages(criteria: Criteria) -> Iterator[Page]:
    page = finding.find(criteria)
    yield page
    while page.after:
        page = finding.find(dataclasses.replace(criteria, cursor=page.after))
        yield page


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ("", ["A-1", "AB-12", "B.2", "C%3"]),
        ("cafe", ["A-1"]),
        ("CAFÉ", ["A-1"]),
        ("caf", ["A-1"]),
        ("afe", []),
        ("molido", ["A-1"]),
        ("molido grano", []),
        ("te acero tetera", ["B.2"]),
        ("tet acero", ["B.2"]),
        ("acero tet", ["B.2"]),
        ("para acero", ["B.2"]),
        ("para", []),
        ("piña", ["C%3"]),
        ("pina", []),
        ("a", ["A-1", "AB-12", "B.2"]),
        ("a-1", ["A-1"]),
        ("AB-1", ["AB-12"]),
        ("1", ["A-1", "AB-12"]),
        ("ab/12", ["AB-12"]),
        ("b.2 te", ["B.2"]),
        ("C%", ["C%3"]),
        ("%", []),
        ("_", []),
        ("' OR '1'='1", []),
        ("ornitorrinco", []),
        ("cafe ornitorrinco", []),
        ("tetera teteras", ["B.2"]),
    ],
)
def test_search(fill: Fill, search: str, expected: list[str]) -> None:
    fill(
        {"code": "A-1", "name": "Café", "description": "Molido"},
        {"code": "B.2", "name": "Tetera", "description": "Teteras de acero, para té"},
        {"code": "C%3", "name": "Piña"},
        {"code": "AB-12", "name": "Vaso"},
    )
    assert found(search=search) == expected


@pytest.mark.usefixtures("way")
def test_filters_and_search_together(fill: Fill) -> None:
    fill(
        {"code": "P1", "category_id": 1, "quantity": 2, "minimum": 5},
        {"code": "P2", "category_id": 1, "unit_code": "kg", "quantity": 5, "minimum": 5},
        {"code": "P3", "category_id": 2, "active": 0},
        {"code": "P4", "name": "Tuerca", "quantity": 9, "minimum": 5},
    )
    assert found() == ["P1", "P2", "P4"]
    assert found(state=RETIRED) == ["P3"]
    assert found(state=ALL) == ["P1", "P2", "P3", "P4"]
    assert found(category_id=1) == ["P1", "P2"]
    assert found(category_id=2) == []
    assert found(category_id=2, state=ALL) == ["P3"]
    assert found(unit_code="kg") == ["P2"]
    assert found(low=True) == ["P1", "P2"]
    assert found(low=True, unit_code="ud", search="tornillo") == ["P1"]
    assert found(search="tuerca", category_id=1) == []
    assert found(category_id=99) == found(unit_code="none") == []


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("search", ["", "tor"])
def test_every_order_forwards_and_back(
    fill: Fill, monkeypatch: pytest.MonkeyPatch, sort: str, descending: bool, search: str
) -> None:
    monkeypatch.setattr(finding, "PAGE_ROWS", 3)
    # equal names, quantities and moments: the id decides
    fill(
        *(
            {
                "code": f"P{number * 7 % 10}",
                "name": ("Tornillo", "torno")[number % 2],
                "quantity": number % 3,
                "updated_at": f"2026-01-0{1 + number % 4} 10:00:00.000001",
            }
            for number in range(10)
        )
    )
    criteria = Criteria(search=search, sort=sort, descending=descending)
    seen = list(pages(criteria))
    rows = list(itertools.chain.from_iterable(page.products for page in seen))
    assert [len(page.products) for page in seen] == [3, 3, 3, 1]
    assert len({row.id for row in rows}) == 10
    changed = {row.id: row.updated_at for row in finding.some(Criteria(state=ALL), 10)[0]}
    keys = {
        "code": lambda row: row.code,
        "name": lambda row: (row.name.lower(), row.id),
        "quantity": lambda row: (row.quantity, row.id),
        "changed": lambda row: (changed[row.id], row.id),
    }
    assert rows == sorted(rows, key=keys[sort], reverse=descending)
    for before, page in itertools.pairwise(seen):
        back = finding.find(dataclasses.replace(criteria, cursor=page.before))
        assert (codes(back), bool(back.after)) == (codes(before), True)
    assert seen[0].before == finding.find(dataclasses.replace(criteria, cursor=seen[1].before)).before == ""


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("criteria", [Criteria(), Criteria(search="torn", sort="name", descending=True)])
def test_every_product_in_batches(fill: Fill, criteria: Criteria) -> None:
    fill(*({"code": f"P{number}"} for number in range(7)))
    batches = [codes(batch) for batch in finding.every(criteria, batch=3)]
    assert [len(batch) for batch in batches] == [3, 3, 1]
    assert sorted(itertools.chain.from_iterable(batches)) == [f"P{number}" for number in range(7)]


def test_nothing_comes_in_no_batch() -> None:
    assert list(finding.every(Criteria())) == []


def test_counts_are_capped(fill: Fill, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(*({"code": f"P{number}", "quantity": 1} for number in range(5)))

    def total(**criteria: object) -> tuple[int, bool]:
        page = finding.find(Criteria(**criteria))  # type: ignore[arg-type]
        return page.total, page.total_is_capped

    for criteria in ({}, {"state": ALL}, {"search": "tornillo"}, {"search": "tornillo", "unit_code": "ud"}):
        assert total(**criteria) == (5, False)
    assert total(search="nada") == (0, False)
    monkeypatch.setattr(finding, "COUNT_LIMIT", 3)
    monkeypatch.setattr(finding, "FEW", 3)
    assert total() == total(state=ALL) == total(search="tornillo", state=ALL) == (3, True)
    # what was not looked at is not counted: the figure is the least of it
    assert total(search="tornillo") == (0, True)


def test_a_row_has_what_a_list_shows(fill: Fill) -> None:
    fill({"code": "P1", "category_id": 3, "unit_code": "kg", "quantity": 2.5, "minimum": 2.5})
    ((row,), _after) = finding.some(Criteria(), 1)
    assert (row.unit, row.decimals, row.category, row.low, row.active, row.version) == (
        "kilogramo",
        3,
        "C3",
        True,
        True,
        1,
    )


@pytest.mark.parametrize(
    ("sort", "cursor"),
    [
        ("code", "nonsense"),
        ("code", "é" * 9),
        ("code", "W10"),
        ("code", "bnVsbA"),
        ("code", "x" * 5000),
        ("code", encode(Cursor("name", False, False, "P", 1))),
        ("code", encode(Cursor("code", True, False, "P", 1))),
        ("code", encode(Cursor("code", False, False, "\ud800", 1))),
        ("code", encode(Cursor("code", False, False, "P", -1))),
        ("code", encode(Cursor("code", False, False, "P", 2**70))),
        ("quantity", encode(Cursor("quantity", False, False, "NaN", 1))),
        ("quantity", encode(Cursor("quantity", False, False, "1e400", 1))),
        ("quantity", encode(Cursor("quantity", False, False, "x", 1))),
        ("changed", encode(Cursor("changed", False, False, "x", 1))),
        ("changed", encode(Cursor("changed", False, False, "2026-01-01T00:00:00+01:00", 1))),
    ],
)
def test_a_wrong_cursor_is_the_beginning(fill: Fill, sort: str, cursor: str) -> None:
    fill({"code": "P1"})
    assert decode(cursor, sort, False) is None
    assert found(sort=sort, cursor=cursor) == ["P1"]


@pytest.mark.parametrize("name", ["ж" * 120, "螺" * 120, "🔩" * 120, '"' * 120])
def test_a_list_goes_on_behind_the_longest_name_of_any_alphabet(name: str) -> None:
    """A cursor that is not taken back is the beginning: an export in batches would never end."""
    cursor = Cursor("name", False, False, name, 2**63 - 1)
    assert decode(encode(cursor), "name", False) == cursor


def test_a_large_size_is_kept_for_a_moment_and_hides_no_product(
    fill: Fill, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sizes, "LARGE", 2)
    fill({"code": "A"}, {"code": "B"})
    assert finding.find(Criteria()).total == 2
    fill({"code": "C"})
    page = finding.find(Criteria())
    assert (codes(page), page.total) == (["A", "B", "C"], 2)
    sizes.forget()
    assert finding.find(Criteria()).total == 3


def test_a_small_size_is_counted_each_time(fill: Fill) -> None:
    assert finding.find(Criteria()).total == 0
    fill({"code": "A"})
    page = finding.find(Criteria())
    assert (codes(page), page.total) == (["A"], 1)


def test_a_page_shows_what_the_database_holds_to_the_letter(fill: Fill) -> None:
    fill({"code": "P1", "name": "x", "category_id": 3, "quantity": "999999999999999.999", "minimum": 1})
    texts = ('Tubo 1/2" \\ «ñ» 😀', "uno\ndos\t</b>\u2028'")

    @writes()
    def rename() -> None:
        product = db.session.scalars(select(Product)).one()
        product.name, product.description = texts

    rename()
    (row,) = finding.find(Criteria()).products
    ((whole,), _after) = finding.some(Criteria(), 1)
    assert row == (whole.id, "P1", *texts, "ud", "C3", 1, "999999999999999.999", 0, 1)
