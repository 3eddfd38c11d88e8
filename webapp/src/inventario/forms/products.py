from __future__ import annotations

from collections.abc import Sequence

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import Field, HiddenField, SelectField, StringField, TextAreaField, ValidationError
from wtforms.validators import InputRequired, Length, Regexp

from inventario.database import DataRefused
from inventario.forms import KeyedForm
from inventario.forms.quantities import QuantityField, too_fine
from inventario.forms.text import clean, clean_lines, printable
from inventario.models import Product, Unit
from inventario.services.catalogue import NotOffered
from inventario.services.choices import KnownUnit
from inventario.services.products import Details, DuplicateCode, TooFine, details_of
from inventario.services.quantities import fits
from inventario.services.submissions import new_key

_FIELDS = ("code", "name", "unit", "category", "minimum", "description")
_REFUSED = {
    "unit": _l("Esta unidad ya no se ofrece. Elija otra."),
    "category": _l("Esta categoría está desactivada. Elija otra, o actívela en la lista de categorías."),
}


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
    minimum = QuantityField(
        _l("Mínimo"), description=_l("Opcional. Con esta cantidad o menos, el producto está bajo mínimos.")
    )
    description = TextAreaField(
        _l("Descripción"),
        filters=[clean_lines],
        description=_l("Opcional."),
        validators=[_length(1000), printable],
    )

    def offer(self, units: Sequence[Unit | KnownUnit]) -> None:
        self.unit.choices = [
            (unit.code, unit.name if unit.active else _("%(name)s (desactivada)", name=unit.name))
            for unit in units
        ]
        self.units = {unit.code: unit for unit in units}

    def validate_minimum(self, field: QuantityField) -> None:
        if field.data is None:
            return
        if field.data < 0:
            raise ValidationError(_("No puede ser negativo."))
        unit = self.units.get(self.unit.data)
        if unit and not fits(field.data, unit.decimals):
            raise ValidationError(too_fine(unit.decimals))

    def product(self) -> Details:
        return Details(
            code=self.code.data or "",
            name=self.name.data or "",
            description=self.description.data or "",
            unit_code=self.unit.data,
            category=self.category.data or "",
            minimum=self.minimum.data,
        )

    def refuse(self, error: Exception) -> bool:
        """Say at its field what the service or the database has against it; whether there is a field for it."""
        found = _refusal(error)
        if found:
            field: Field = self[found[0]]
            field.errors = [*field.errors, found[1]]
        return bool(found)


class ProductEditForm(ProductForm):
    """The same of a product that exists; `version` is the one that was opened."""

    version = HiddenField(validators=[Regexp(r"^[0-9]{1,9}$", message=_l("Recargue la página."))])

    @classmethod
    def showing(cls, product: Product, **fields: str) -> ProductEditForm:
        details = details_of(product)
        return cls(
            submission_key=new_key(),
            version=product.version,
            code=details.code,
            name=details.name,
            unit=details.unit_code,
            category=details.category,
            minimum=details.minimum,
            description=details.description,
            **fields,
        )


def _refusal(error: Exception) -> tuple[str, str] | None:
    if isinstance(error, DuplicateCode):
        return "code", _("Ya hay un producto con este código. Elija otro.")
    if isinstance(error, TooFine) and error.field == "minimum":
        return "minimum", too_fine(error.decimals)
    if isinstance(error, TooFine):
        return "unit", _("Hay una cantidad en almacén que necesita más decimales que los de esta unidad.")
    if isinstance(error, NotOffered):
        return error.field, _REFUSED[error.field]
    if isinstance(error, DataRefused):
        # as the constraints and the columns are named
        field = error.rule.removeprefix("ck_products_").removeprefix("fk_products_")
        field = {"unit_code": "unit", "category_id": "category"}.get(field, field)
        return (field, _("La base de datos no admite este valor.")) if field in _FIELDS else None
    return None
