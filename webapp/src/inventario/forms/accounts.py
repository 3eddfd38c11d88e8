from __future__ import annotations

from wtforms import HiddenField, PasswordField, StringField
from wtforms.validators import InputRequired, Length

from inventario.forms import SpanishForm
from inventario.forms.text import clean


class LoginForm(SpanishForm):
    username = StringField(
        "Usuario", filters=[clean], validators=[InputRequired("Escriba su usuario."), Length(max=64)]
    )
    # argon2 reads all of it: an endless password must not cost endless time
    password = PasswordField(
        "Contraseña", validators=[InputRequired("Escriba su contraseña."), Length(max=1024)]
    )
    next = HiddenField()
