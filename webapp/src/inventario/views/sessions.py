from __future__ import annotations

import logging

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import current_user
from werkzeug.wrappers import Response

from inventario import sessions
from inventario.access import current_actor, personal, public
from inventario.database import DatabaseUnavailable
from inventario.devices import current_device, remember
from inventario.forms.accounts import LoginForm
from inventario.idempotency import repeatable
from inventario.rendering import page_for_everybody
from inventario.services import logins
from inventario.services.lockout import Locked
from inventario.views.redirects import safe_target

logger = logging.getLogger(__name__)

blueprint = Blueprint("sessions", __name__)


@blueprint.route("/login", methods=["GET", "POST"])
@public
@repeatable
def login() -> str | Response | tuple[str, int]:
    if request.method == "GET" and not request.args and not current_user.is_authenticated:
        return page_for_everybody("login.html", lambda: {"form": LoginForm()})
    form = LoginForm(next=request.args.get("next", ""))
    target = safe_target(form.next.data, url_for("home.index"))
    if current_user.is_authenticated:
        return redirect(target)
    if not form.validate_on_submit():
        return _page(form), 422 if form.is_submitted() else 200
    device = current_device()
    try:
        user = logins.log_in(form.username.data or "", form.password.data or "", device, origin=current_actor())
    except logins.WrongPassword:
        logger.warning("login refused", extra={"client": request.remote_addr})
        form.password.errors = [_("El usuario o la contraseña no son correctos.")]
        return _page(form), 401
    except Locked as lock:
        return _page(form, notice=locked_notice(lock.seconds)), 403
    except DatabaseUnavailable as error:
        logger.error("login not decided: %s", error)
        return _page(
            form, notice=_("No se ha podido comprobar. Vuelva a intentarlo dentro de unos segundos.")
        ), 503
    sessions.begin(user)
    remember(device, user)
    logger.info("login", extra={"user_id": user.id})
    return redirect(target)


@blueprint.post("/logout")
@personal
@repeatable
def logout() -> Response:
    actor = current_actor()
    session_id, _version = sessions.claim()
    sessions.leave()
    try:
        logins.end_session(session_id, actor=actor)
    except DatabaseUnavailable as error:
        logger.error("session not ended: %s", error)
        flash(
            _(
                "Ha salido en este navegador. La base de datos no admite cambios en este momento: "
                "si alguien tuviera una copia de esta sesión, le serviría hasta que caduque. "
                "Para terminarlas todas, cambie su contraseña."
            ),
            "warning",
        )
    else:
        flash(_("Ha cerrado la sesión."), "info")
    return redirect(url_for("home.index"))


def locked_notice(seconds: int) -> str:
    """Why nobody may try now, and when again."""
    if seconds <= 90:
        wait = ngettext("%(num)s segundo", "%(num)s segundos", seconds)
    else:
        wait = ngettext("%(num)s minuto", "%(num)s minutos", -(-seconds // 60))
    text: str = _(
        "Demasiados intentos seguidos con este usuario. Espere %(wait)s y vuelva a intentarlo; "
        "hasta entonces no se comprueba ninguna contraseña.",
        wait=wait,
    )
    return text


def unchecked_notice() -> str:
    text: str = _("No se ha podido comprobar la contraseña. Vuelva a intentarlo dentro de unos segundos.")
    return text


def _page(form: LoginForm, notice: str = "") -> str:
    return render_template("login.html", form=form, notice=notice)
