from __future__ import annotations

from decimal import Decimal

import pytest
from flask import Flask
from werkzeug.datastructures import MultiDict

from inventario.database import DataRefused
from inventario.forms.products import ProductForm
from inventario.models import Unit
from inventario.services.catalogue import NotOffered
from inventario.services.products import DuplicateCode, TooFine
from inventario.services.submissions import new_key

VALID = {"code": "T-1", "name": "Tornillo", "unit": "ud", "category": "", "description": ""}


def fill(app: Flask, **fields: str) -> ProductForm:
    with app.test_request_context():
        return filled(**fields)


def filled(**fields: str) -> ProductForm:
    data = MultiDict({"submission_key": new_key()} | VALID | fields)
    form = ProductForm(formdata=data, meta={"csrf": False})
    form.offer(
        [
            Unit(code="ud", name="unidad", position=1, decimals=0, active=True),
            Unit(code="kg", name="kilogramo", position=2, decimals=3, active=True),
        ]
    )
    form.validate()
    return form


def test_a_valid_product(shared_app: Flask) -> None:
    form = fill(shared_app, code="  t-1 ", name=" Tornillo   largo ", description="una\r\n\r\n dos ")
    assert form.errors == {}
    product = form.product()
    assert (product.code, product.name, product.description) == ("t-1", "Tornillo largo", "una\n\ndos")


@pytest.mark.parametrize("code", ["AÑO", "a", "10.5/2", "M8 x 40", "A+B#1", "x" * 40])
def test_codes_that_are_taken(shared_app: Flask, code: str) -> None:
    assert fill(shared_app, code=code).errors == {}


@pytest.mark.parametrize(
    "code", ["", "   ", "-1", "<script>", "a'b", "a\x00b", "a\u202eb", "x" * 41, "a\ud800"]
)
def test_codes_that_are_refused(shared_app: Flask, code: str) -> None:
    assert list(fill(shared_app, code=code).errors) == ["code"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "x" * 121),
        ("name", "bell\x07"),
        ("unit", "parsec"),
        ("unit", ""),
        ("category", "x" * 61),
        ("description", "x" * 1001),
        ("submission_key", "short"),
        ("submission_key", ""),
    ],
)
def test_other_fields(shared_app: Flask, field: str, value: str) -> None:
    form = fill(shared_app, **{field: value})
    assert list(form.errors) == [field]
    # in the language of the page
    assert not any(word in str(form.errors[field]) for word in ("Not", "Field", "Invalid", "valid choice"))


@pytest.mark.parametrize("markup", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7*7 }}"])
def test_markup_is_only_text(shared_app: Flask, markup: str) -> None:
    assert fill(shared_app, name=markup, category=markup, description=markup).errors == {}


@pytest.mark.parametrize(
    ("typed", "language", "kept"),
    [
        ("", "es", None),
        (" 12 ", "es", "12"),
        ("2,5", "es", "2.5"),
        ("2.5", "es", "2.5"),
        ("1.234", "es", "1234"),
        ("1.234,5", "es", "1234.5"),
        ("1.234", "en", "1.234"),
        ("1,234.5", "en", "1234.5"),
    ],
)
def test_quantities_as_people_write_them(
    shared_app: Flask, typed: str, language: str, kept: str | None
) -> None:
    with shared_app.test_request_context(headers={"Accept-Language": language}):
        form = filled(unit="kg", minimum=typed)
        assert form.errors == {}
        assert form.product().minimum == (None if kept is None else Decimal(kept))


@pytest.mark.parametrize(
    "typed", ["x", "1,2,3", "1.23,4", "-1", "1e3", "NaN", "Infinity", "0,0001", "9" * 13, "9" * 99, "\u0661"]
)
def test_quantities_that_are_refused(shared_app: Flask, typed: str) -> None:
    assert list(fill(shared_app, unit="kg", minimum=typed).errors) == ["minimum"]


def test_a_quantity_is_as_fine_as_its_unit(shared_app: Flask) -> None:
    assert fill(shared_app, unit="ud", minimum="2").errors == {}
    assert list(fill(shared_app, unit="ud", minimum="2,5").errors) == ["minimum"]


@pytest.mark.parametrize(
    ("error", "field"),
    [
        (DuplicateCode(), "code"),
        (TooFine("minimum", 0), "minimum"),
        (TooFine("unit", 0), "unit"),
        (NotOffered("category"), "category"),
        (DataRefused("ck_products_minimum"), "minimum"),
        (DataRefused("fk_products_unit_code"), "unit"),
        (DataRefused("fk_products_category_id"), "category"),
        (DataRefused("name"), "name"),
    ],
)
def test_a_refusal_is_said_at_its_field(shared_app: Flask, error: Exception, field: str) -> None:
    with shared_app.test_request_context():
        form = filled()
        assert form.refuse(error)
        assert list(form.errors) == [field]


def test_a_refusal_without_a_field_is_not_swallowed(shared_app: Flask) -> None:
    with shared_app.test_request_context():
        form = filled()
        assert not form.refuse(DataRefused("fk_products_created_by_id"))
        assert not form.refuse(ValueError())
        assert form.errors == {}
