from __future__ import annotations

from collections.abc import Mapping

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, PasswordField, RadioField, SelectField, StringField
from wtforms.validators import EqualTo, InputRequired, Length

from inventario.forms import KeyedForm, LocalisedForm
from inventario.forms.choices import SelectChoice
from inventario.forms.text import clean, printable
from inventario.services import passwords

WEAK: Mapping[str, LazyString] = {
    passwords.TOO_SHORT: _l("Use al menos %(count)s caracteres.", count=passwords.SHORTEST),
    passwords.TOO_LONG: _l("Es demasiado larga."),
    passwords.LIKE_THE_NAME: _l("Se parece demasiado al nombre de usuario."),
    passwords.COMMON: _l("Es una de las que se prueban primero. Elija otra."),
    passwords.MONOTONOUS: _l("Repite o sigue una serie. Elija otra más variada."),
    passwords.THE_SAME: _l("Es la que ya tiene. Elija otra."),
}


def _password(label: LazyString, missing: LazyString, description: LazyString | str = "") -> PasswordField:
    # argon2 reads all of it: an endless password must not cost endless time
    longest = Length(max=passwords.LONGEST)
    return PasswordField(label, validators=[InputRequired(missing), longest], description=description)


class LoginForm(LocalisedForm):
    username = StringField(
        _l("Usuario"), filters=[clean], validators=[InputRequired(_l("Escriba su usuario.")), Length(max=64)]
    )
    password = _password(_l("Contraseña"), _l("Escriba su contraseña."))
    next = HiddenField()


class NewPassword:
    """Mixed into a form: a password and, so that nobody mistypes it unseen, the same again."""

    new_password = _password(
        _l("Contraseña nueva"),
        _l("Escriba la contraseña nueva."),
        description=_l("Al menos %(count)s caracteres. Una frase vale.", count=passwords.SHORTEST),
    )
    repeated = PasswordField(
        _l("Repita la contraseña nueva"),
        validators=[EqualTo("new_password", _l("No es la misma que arriba."))],
    )

    def is_acceptable(self, username: str) -> bool:
        """Whether somebody with this name may have it; the field says why not."""
        try:
            passwords.check(self.new_password.data or "", username)
        except passwords.WeakPassword as weak:
            self.refuse(weak.reason)
            return False
        return True

    def password_hash(self) -> str:
        return passwords.hash_password(self.new_password.data or "")

    def refuse(self, reason: str) -> None:
        self.new_password.errors = [WEAK[reason]]


class PasswordForm(NewPassword, KeyedForm):
    current = _password(_l("Contraseña actual"), _l("Escriba su contraseña actual."))


class PreferencesForm(LocalisedForm):
    language = SelectField(_l("Idioma"))
    time_zone = SelectField(_l("Zona horaria"), description=_l("Para las fechas y horas que se muestran."))


class TokenForm(KeyedForm):
    name = StringField(
        _l("Nombre"),
        filters=[clean],
        description=_l("Para qué programa es."),
        validators=[InputRequired(_l("Escriba un nombre.")), Length(max=60), printable],
    )
    access = RadioField(
        _l("Permiso"),
        choices=[SelectChoice("read", _l("Solo leer")), SelectChoice("write", _l("Leer y cambiar"))],
        default="read",
    )
    days = SelectField(
        _l("Caduca"),
        choices=[
            SelectChoice("30", _l("A los 30 días")),
            SelectChoice("90", _l("A los 90 días")),
            SelectChoice("365", _l("Al año")),
            SelectChoice("", _l("Nunca")),
        ],
        default="90",
    )


class KeyForm(KeyedForm):
    """A button that changes something."""
