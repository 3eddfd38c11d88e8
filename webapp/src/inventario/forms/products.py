from __future__ import annotations

from collections.abc import Sequence

from flask_babel import lazy_gettext as _l
from wtforms import SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, Regexp

from inventario.forms import KeyedForm
from inventario.forms.text import clean, clean_lines, printable
from inventario.models import Unit
from inventario.services.products import Details


def _length(most: int) -> Length:
    return Length(max=most, message=_l("Como mucho %(most)s caracteres.", most=most))


class ProductForm(KeyedForm):
    code = StringField(
        _l("Código"),
        filters=[clean],
        description=_l("Único en todo el inventario. No distingue mayúsculas ni acentos."),
        validators=[
            InputRequired(_l("Escriba un código.")),
            _length(40),
            printable,
            Regexp(
                r"^\w[\w .\-/+#]*$",
                message=_l("Use letras, números, espacios y . - _ / + # (empiece por letra o número)."),
            ),
        ],
    )
    name = StringField(
        _l("Nombre"),
        filters=[clean],
        validators=[InputRequired(_l("Escriba un nombre.")), _length(120), printable],
    )
    unit = SelectField(_l("Unidad"), description=_l("En qué se cuenta."))
    category = StringField(
        _l("Categoría"),
        filters=[clean],
        description=_l("Opcional. Elija una o escriba una nueva."),
        validators=[_length(60), printable],
    )
    description = TextAreaField(
        _l("Descripción"),
        filters=[clean_lines],
        description=_l("Opcional."),
        validators=[_length(1000), printable],
    )

    def offer(self, units: Sequence[Unit]) -> None:
        self.unit.choices = [(unit.code, unit.name) for unit in units]

    def product(self) -> Details:
        return Details(
            code=self.code.data or "",
            name=self.name.data or "",
            description=self.description.data or "",
            unit_code=self.unit.data,
            category=self.category.data or "",
        )

    def refuse_code(self, message: str) -> None:
        self.code.errors = [*self.code.errors, message]
