from __future__ import annotations

from collections.abc import Mapping

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, RadioField, StringField
from wtforms.validators import InputRequired, Length, Regexp

from inventario.forms import KeyedForm
from inventario.forms.accounts import NewPassword
from inventario.forms.choices import SelectChoice
from inventario.forms.text import clean, printable
from inventario.models.users import ADMINISTRATOR, OPERATOR, VIEWER

ROLES: Mapping[str, LazyString] = {
    VIEWER: _l("Consulta"),
    OPERATOR: _l("Operación"),
    ADMINISTRATOR: _l("Administración"),
}
_EXPLAINED = [
    SelectChoice(VIEWER, _l("Consulta: ve todo y no cambia nada")),
    SelectChoice(OPERATOR, _l("Operación: además, productos, movimientos, unidades y categorías")),
    SelectChoice(ADMINISTRATOR, _l("Administración: además, personas y auditoría")),
]


class PersonForm(NewPassword, KeyedForm):
    """Somebody new."""

    username = StringField(
        _l("Usuario"),
        filters=[clean],
        description=_l("Con lo que entra. No distingue mayúsculas."),
        validators=[
            InputRequired(_l("Escriba un nombre de usuario.")),
            Length(max=64),
            printable,
            Regexp(
                r"^\w[\w.@\-]*$",
                message=_l("Use letras, números y . - _ @ (empiece por letra o número), sin espacios."),
            ),
        ],
    )
    role = RadioField(_l("Papel"), choices=_EXPLAINED, default=OPERATOR)


class _SeenForm(KeyedForm):
    """For somebody who was seen in this version."""

    version = HiddenField(validators=[Regexp(r"^[0-9]{1,9}$", message=_l("Recargue la página."))])

    @property
    def seen(self) -> int:
        return int(self.version.data or 0)


class RoleForm(_SeenForm):
    role = RadioField(_l("Papel"), choices=_EXPLAINED)


class StateForm(_SeenForm):
    """Deactivate, or reactivate."""


class SetPasswordForm(NewPassword, _SeenForm):
    """A password that its user must change."""
