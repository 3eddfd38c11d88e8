"""Forms check the shape of what was sent; whether it may happen is for the services."""

from __future__ import annotations

from typing import Any

from flask import Flask, request
from flask_babel import lazy_gettext as _l
from flask_wtf import CSRFProtect, FlaskForm
from wtforms import HiddenField
from wtforms.validators import Regexp

from inventario.languages import language

csrf = CSRFProtect()


class LocalisedForm(FlaskForm):
    """A form whose own messages are those that WTForms has in the language in force."""

    class Meta(FlaskForm.Meta):
        @property
        def locales(self) -> tuple[str, ...]:
            return (language(),)

        def wrap_formdata(self, form: FlaskForm, formdata: Any) -> Any:
            """What a form sends is a form: Flask-WTF would read JSON as well."""
            return None if formdata is None or request.is_json else super().wrap_formdata(form, formdata)


class KeyedForm(LocalisedForm):
    """A form that counts once, however often it is sent (see services.submissions)."""

    submission_key = HiddenField(validators=[Regexp(r"^[0-9a-f]{32}$", message=_l("Recargue la página."))])


def register_forms(app: Flask) -> None:
    # WTForms' own way to its catalogues keeps them; Flask-WTF's reads them again at every request
    app.config["WTF_I18N_ENABLED"] = False
    # a token is as old as its session
    app.config["WTF_CSRF_TIME_LIMIT"] = None
    csrf.init_app(app)
