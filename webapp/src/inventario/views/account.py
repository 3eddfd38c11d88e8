"""What people change for themselves."""

from __future__ import annotations

import logging

import pytz
from flask import Blueprint, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response

from inventario import sessions
from inventario.access import current_actor, personal
from inventario.database import DatabaseUnavailable
from inventario.devices import current_device, remember
from inventario.forms.accounts import KeyForm, PasswordForm, PreferencesForm
from inventario.forms.choices import SelectChoice
from inventario.idempotency import current_key, repeatable
from inventario.languages import LANGUAGES, keep_language
from inventario.services import accounts, logins, passwords, people
from inventario.services.lockout import Locked
from inventario.services.submissions import new_key
from inventario.views.sessions import locked_notice, unchecked_notice

logger = logging.getLogger(__name__)

blueprint = Blueprint("account", __name__, url_prefix="/account")


@blueprint.get("")
def show() -> str:
    form = _preferences(language=current_user.language or "", time_zone=current_user.time_zone or "")
    return _page(form)


@blueprint.post("/preferences")
@personal
@repeatable
def preferences() -> Response | tuple[str, int]:
    form = _preferences()
    if not form.validate():
        return _page(form), 422
    language, time_zone = form.language.data or None, form.time_zone.data or None
    accounts.save_preferences(language, time_zone, actor=current_actor())
    current_user.language = language
    flash(_("Preferencias guardadas."), "success")
    response = redirect(url_for("account.show"))
    if language:
        # the pages from before the login too
        keep_language(response, language)
    return response


@blueprint.route("/password", methods=["GET", "POST"])
@personal
def password() -> str | Response | tuple[str, int]:
    form = PasswordForm()
    if not form.is_submitted():
        form.submission_key.data = new_key()
        return _password_page(form)
    if not form.validate() or not form.is_acceptable(current_user.username):
        return _password_page(form), 422
    device = current_device()
    try:
        user = logins.confirm(current_user.username, form.current.data or "", device, origin=current_actor())
        if form.new_password.data == form.current.data:
            form.refuse(passwords.THE_SAME)
            return _password_page(form), 422
        version = accounts.change_password(
            user, form.password_hash(), actor=current_actor(), submission_key=current_key()
        )
    except logins.WrongPassword:
        form.current.errors = [_("No es su contraseña actual.")]
        return _password_page(form), 422
    except Locked as lock:
        return _password_page(form, locked_notice(lock.seconds)), 403
    except accounts.SessionOver:
        sessions.leave()
        flash(_("Su sesión se ha terminado en otro sitio. La contraseña no se ha cambiado."), "warning")
        return redirect(url_for("sessions.login"))
    except DatabaseUnavailable as error:
        logger.error("password not changed: %s", error)
        return _password_page(form, unchecked_notice()), 503
    sessions.go_on(version)
    remember(device, user)
    flash(_("Contraseña cambiada. Las demás sesiones suyas se han terminado."), "success")
    return redirect(url_for("account.show"))


@blueprint.post("/sessions/end")
@personal
def end_sessions() -> Response:
    """All of one's sessions but this one."""
    version = people.end_sessions(current_user.id, actor=current_actor(), submission_key=current_key())
    sessions.go_on(version)
    flash(_("Las demás sesiones suyas se han terminado."), "success")
    return redirect(url_for("account.show"))


def _preferences(**data: str) -> PreferencesForm:
    form = PreferencesForm(**data)
    as_browser = SelectChoice("", _("Como diga el navegador"))
    form.language.choices = [as_browser, *(SelectChoice(code, name) for code, name in LANGUAGES.items())]
    zones = (SelectChoice(zone, zone.replace("_", " ")) for zone in pytz.common_timezones)
    form.time_zone.choices = [as_browser, *zones]
    return form


def _page(form: PreferencesForm) -> str:
    return render_template("account/show.html", form=form, ending=KeyForm(submission_key=new_key()))


def _password_page(form: PasswordForm, notice: str = "") -> str:
    return render_template("account/password.html", form=form, notice=notice)
