from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import Field, HiddenField, IntegerField, StringField
from wtforms.validators import InputRequired, Length, NumberRange, Regexp

from inventario.forms import KeyedForm
from inventario.forms.text import clean, printable


def _length(most: int) -> Length:
    return Length(max=most, message=_l("Como mucho %(most)s caracteres.", most=most))


class EntryForm(KeyedForm):
    """A name in one of the lists; `version` is the one that was opened, 0 of a new entry."""

    version = HiddenField(default="0", validators=[Regexp(r"^[0-9]{1,9}$", message=_l("Recargue la página."))])

    @property
    def opened(self) -> int:
        return int(self.version.data or 0)

    def refuse_taken(self, field_name: str) -> None:
        field: Field = self[field_name]
        taken = {"code": _("Ya hay una unidad con este código."), "name": _("Ya hay otra con este nombre.")}
        field.errors = [*field.errors, taken[field_name]]


class CategoryForm(EntryForm):
    name = StringField(
        _l("Nombre"),
        filters=[clean],
        validators=[InputRequired(_l("Escriba un nombre.")), _length(60), printable],
    )


class UnitForm(EntryForm):
    name = StringField(
        _l("Nombre"),
        filters=[clean],
        description=_l("En singular, como «kilogramo»."),
        validators=[InputRequired(_l("Escriba un nombre.")), _length(40), printable],
    )
    decimals = IntegerField(
        _l("Decimales"),
        default=0,
        description=_l("De 0 a 3: cuántos puede tener una cantidad. Ninguno en lo que se cuenta por piezas."),
        validators=[
            InputRequired(_l("Escriba un número de 0 a 3.")),
            NumberRange(0, 3, _l("Escriba un número de 0 a 3.")),
        ],
    )

    def refuse_decimals(self) -> None:
        self.decimals.errors = [
            *self.decimals.errors,
            _("Hay cantidades o mínimos de productos que necesitan más decimales."),
        ]


class NewUnitForm(UnitForm):
    code = StringField(
        _l("Código"),
        filters=[clean],
        description=_l("Corto, como «kg». No se puede cambiar después."),
        validators=[
            InputRequired(_l("Escriba un código.")),
            _length(8),
            printable,
            Regexp(r"^\w[\w.\-]*$", message=_l("Use letras, números, puntos y guiones, sin espacios.")),
        ],
    )
