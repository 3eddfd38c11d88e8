"""Forms check the shape of what was sent; whether it may happen is for the services."""

from __future__ import annotations

from flask import Flask
from flask_wtf import CSRFProtect, FlaskForm
from wtforms import HiddenField
from wtforms.validators import Regexp

csrf = CSRFProtect()


class SpanishForm(FlaskForm):
    """A form whose own messages are those that WTForms has in Spanish."""

    class Meta(FlaskForm.Meta):
        locales = ("es",)


class KeyedForm(SpanishForm):
    """A form that counts once, however often it is sent (see services.submissions)."""

    submission_key = HiddenField(validators=[Regexp(r"^[0-9a-f]{32}$", message="Recargue la página.")])


def register_forms(app: Flask) -> None:
    # WTForms' catalogues, not those of Flask-Babel
    app.config["WTF_I18N_ENABLED"] = False
    # a token is as old as its session
    app.config["WTF_CSRF_TIME_LIMIT"] = None
    csrf.init_app(app)
