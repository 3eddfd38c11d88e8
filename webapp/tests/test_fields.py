"""The macro that shows a field: its label, help and errors, and what a screen reader is told of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import pytest
from flask import Flask, get_template_attribute
from flask_wtf.file import FileField
from wtforms import (
    BooleanField,
    DecimalField,
    Form,
    PasswordField,
    RadioField,
    SelectField,
    StringField,
    TextAreaField,
)

from inventario.forms.choices import SelectChoice

# as templates write it
CLASS: Any = {"class": "amount"}
CHOICES = [SelectChoice("a", "A"), SelectChoice("b", "B")]


class Fields(Form):
    text = StringField("Texto", description="Una ayuda.")
    secret = PasswordField("Secreto")
    number = DecimalField("Número")
    long = TextAreaField("Largo")
    choice = SelectField("Elección", choices=CHOICES)
    radio = RadioField("Uno de", choices=CHOICES)
    check = BooleanField("Marca")
    file = FileField("Archivo")


def shown(app: Flask, name: str, errors: Sequence[str] = (), **attributes: Any) -> str:
    with app.test_request_context():
        form = Fields()
        field = form[name]
        field.errors = list(errors)
        return str(get_template_attribute("fields.html", "row")(field, **attributes))


@pytest.mark.parametrize(
    ("name", "styled"),
    [
        ("text", "form-control"),
        ("secret", "form-control"),
        ("number", "form-control"),
        ("long", "form-control"),
        ("file", "form-control"),
        ("choice", "form-select"),
        ("check", "form-check-input"),
    ],
)
def test_a_field_has_its_look_and_its_label(shared_app: Flask, name: str, styled: str) -> None:
    page = shown(shared_app, name)
    control = re.search(rf'<(?:input|textarea|select)[^>]* id="{name}"[^>]*>', page)
    assert control
    assert re.search(rf'class="{styled}[ "]', control[0])
    assert f'for="{name}"' in page
    assert 'aria-invalid="false"' in control[0]
    assert "is-invalid" not in page


def test_an_error_is_tied_to_its_field_before_the_help(shared_app: Flask) -> None:
    page = shown(shared_app, "text", ["Está mal.", "Muy mal."])
    assert 'aria-invalid="true"' in page
    assert 'aria-describedby="text-error text-help"' in page
    assert '<p class="error" id="text-error" role="alert">Está mal. Muy mal.</p>' in page
    assert '<p class="form-text" id="text-help">Una ayuda.</p>' in page


def test_attributes_and_classes_are_passed_on(shared_app: Flask) -> None:
    page = shown(shared_app, "text", maxlength=40, autocomplete="off", **CLASS)
    assert 'maxlength="40"' in page
    assert 'autocomplete="off"' in page
    assert 'class="form-control amount"' in page


def test_one_of_several_is_a_group_with_its_name(shared_app: Flask) -> None:
    page = shown(shared_app, "radio", ["Elija."])
    assert "<legend" in page
    assert 'aria-describedby="radio-error"' in page
    assert page.count('type="radio"') == 2
    assert set(re.findall(r'for="([^"]+)"', page)) == {"radio-0", "radio-1"}


def test_markup_in_an_error_is_text(shared_app: Flask) -> None:
    assert "<b>" not in shown(shared_app, "text", ["<b>mal</b>"])
