from __future__ import annotations

import logging

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask_babel import gettext as _
from flask_login import current_user, login_user, logout_user
from werkzeug.wrappers import Response

from inventario.access import public
from inventario.forms.accounts import LoginForm
from inventario.idempotency import repeatable
from inventario.rendering import page_for_everybody
from inventario.services import accounts
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
        return render_template("login.html", form=form), 422 if form.is_submitted() else 200
    user = accounts.authenticate(form.username.data or "", form.password.data or "")
    if user is None:
        logger.warning("login refused", extra={"client": request.remote_addr})
        form.password.errors = [_("El usuario o la contraseña no son correctos.")]
        return render_template("login.html", form=form), 401
    # nothing of the anonymous session, which somebody else may know, goes on
    session.clear()
    session.permanent = True
    login_user(user)
    logger.info("login", extra={"user_id": user.id})
    return redirect(target)


@blueprint.post("/logout")
@repeatable
def logout() -> Response:
    logout_user()
    session.clear()
    flash(_("Ha cerrado la sesión."), "info")
    return redirect(url_for("home.index"))
