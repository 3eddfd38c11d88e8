from __future__ import annotations

from collections.abc import Mapping

from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, SelectField, StringField
from wtforms.validators import AnyOf, InputRequired, Length

from inventario import formats
from inventario.forms import KeyedForm
from inventario.forms.quantities import QuantityField, too_fine
from inventario.forms.text import clean, printable
from inventario.models.stock import ADJUSTMENT, IN, KINDS, REASONS
from inventario.services.quantities import fits
from inventario.services.stock import (
    NOTE_LENGTH,
    NotEnough,
    ProductRetired,
    QuantityInvalid,
    ReasonInvalid,
    Stock,
    StockRefused,
)


class MovementForm(KeyedForm):
    """A movement of one kind: each kind has its own reasons."""

    kind = HiddenField(validators=[AnyOf(KINDS)])
    quantity = QuantityField(validators=[InputRequired(_l("Escriba una cantidad."))])
    reason = SelectField(_l("Motivo"))
    note = StringField(
        _l("Nota"),
        filters=[clean],
        description=_l("Opcional: albarán, cliente, lo que ayude a entenderlo después."),
        validators=[
            Length(max=NOTE_LENGTH, message=_l("Como mucho %(most)s caracteres.", most=NOTE_LENGTH)),
            printable,
        ],
    )

    def offer(self, names: Mapping[str, LazyString]) -> None:
        """Ask for what belongs to the kind; the reasons by these names."""
        kind = self.kind.data if self.kind.data in KINDS else IN
        self.quantity.label.text = _("Cantidad contada") if kind == ADJUSTMENT else _("Cantidad")
        self.reason.choices = [(reason, names[reason]) for reason in REASONS[kind]]

    def suits(self, stock: Stock) -> bool:
        """Whether the form is complete and its quantity is one of this product."""
        good = bool(self.validate())
        quantity = self.quantity.data
        if quantity is None:
            return False
        if not fits(quantity, stock.decimals):
            return self._refuse_quantity(too_fine(stock.decimals))
        if quantity < 0:
            return self._refuse_quantity(_("No puede ser negativa."))
        if quantity == 0 and self.kind.data != ADJUSTMENT:
            return self._refuse_quantity(_("Escriba una cantidad mayor que cero."))
        return good

    def refuse(self, error: StockRefused, stock: Stock) -> None:
        """Say at its field what the service has against it."""
        if isinstance(error, NotEnough):
            self._refuse_quantity(
                _(
                    "No hay tanto: quedan %(quantity)s %(unit)s.",
                    quantity=formats.quantity(error.available),
                    unit=stock.unit,
                )
            )
        elif isinstance(error, QuantityInvalid):
            self._refuse_quantity(_("Con esta cantidad las existencias serían demasiado grandes."))
        elif isinstance(error, ReasonInvalid):
            self.reason.errors = [*self.reason.errors, _("Elija un motivo de la lista.")]
        elif not isinstance(error, ProductRetired):
            raise error

    def _refuse_quantity(self, message: str) -> bool:
        self.quantity.errors = [*self.quantity.errors, message]
        return False
