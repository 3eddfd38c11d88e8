from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, PasswordField, StringField
from wtforms.validators import InputRequired, Length

from inventario.forms import LocalisedForm
from inventario.forms.text import clean


class LoginForm(LocalisedForm):
    username = StringField(
        _l("Usuario"), filters=[clean], validators=[InputRequired(_l("Escriba su usuario.")), Length(max=64)]
    )
    # argon2 reads all of it: an endless password must not cost endless time
    password = PasswordField(
        _l("Contraseña"), validators=[InputRequired(_l("Escriba su contraseña.")), Length(max=1024)]
    )
    next = HiddenField()
