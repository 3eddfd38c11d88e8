"""The users of the application, for administrators."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response

from inventario import sessions
from inventario.access import current_actor, requires
from inventario.forms import KeyedForm
from inventario.forms.accounts import KeyForm
from inventario.forms.people import ROLES, PersonForm, RoleForm, SetPasswordForm, StateForm
from inventario.idempotency import current_key
from inventario.models import User
from inventario.models.users import ADMINISTRATOR
from inventario.services import people
from inventario.services.submissions import new_key

blueprint = Blueprint("people", __name__, url_prefix="/people")

_LONGEST_NAME = 64


@blueprint.get("")
@requires(ADMINISTRATOR)
def index() -> str:
    search = request.args.get("q", "")[:_LONGEST_NAME]
    page = people.page(search, after=request.args.get("after", "")[:_LONGEST_NAME])
    return render_template("people/index.html", page=page, search=search.strip(), roles=ROLES)


@blueprint.route("/new", methods=["GET", "POST"])
@requires(ADMINISTRATOR)
def new() -> str | Response | tuple[str, int]:
    form = PersonForm()
    if not form.is_submitted():
        form.submission_key.data = new_key()
        return _new_page(form)
    if not form.validate() or not form.is_acceptable(form.username.data or ""):
        return _new_page(form), 422
    person = people.NewUser(form.username.data or "", form.role.data, form.password_hash())
    try:
        people.create(person, actor=current_actor(), submission_key=current_key())
    except people.NameTaken:
        form.username.errors = [_("Ya hay alguien con este nombre de usuario.")]
        return _new_page(form), 409
    flash(_("%(name)s ya puede entrar. Tendrá que cambiar la contraseña.", name=person.username), "success")
    return redirect(url_for("people.index"))


@blueprint.get("/<int:user_id>")
@requires(ADMINISTRATOR)
def edit(user_id: int) -> str:
    return _page(_found(user_id))


@blueprint.post("/<int:user_id>/role")
@requires(ADMINISTRATOR)
def change_role(user_id: int) -> Response | tuple[str, int]:
    form = RoleForm()
    if not form.validate():
        return _page(_found(user_id), _("Elija un papel y vuelva a enviarlo.")), 422
    try:
        people.change_role(
            user_id, form.seen, form.role.data, actor=current_actor(), submission_key=current_key()
        )
    except _REFUSED as refusal:
        return _refused(user_id, refusal)
    flash(_("Papel cambiado: vale desde su próximo clic."), "success")
    return redirect(url_for("people.edit", user_id=user_id))


@blueprint.post("/<int:user_id>/deactivate")
@requires(ADMINISTRATOR)
def deactivate(user_id: int) -> Response | tuple[str, int]:
    return _set_active(user_id, False, _("Ya no puede entrar; sus sesiones y sus tokens se han terminado."))


@blueprint.post("/<int:user_id>/reactivate")
@requires(ADMINISTRATOR)
def reactivate(user_id: int) -> Response | tuple[str, int]:
    return _set_active(user_id, True, _("Puede entrar otra vez."))


@blueprint.route("/<int:user_id>/password", methods=["GET", "POST"])
@requires(ADMINISTRATOR)
def set_password(user_id: int) -> str | Response | tuple[str, int]:
    user = _found(user_id)
    if user.id == current_user.id:
        return redirect(url_for("account.password"))
    form = SetPasswordForm()
    if not form.is_submitted():
        form.submission_key.data, form.version.data = new_key(), str(user.version)
        return _password_page(user, form)
    if not form.validate() or not form.is_acceptable(user.username):
        return _password_page(user, form), 422
    try:
        people.set_password(
            user_id, form.seen, form.password_hash(), actor=current_actor(), submission_key=current_key()
        )
    except _REFUSED as refusal:
        return _refused(user_id, refusal)
    flash(_("Contraseña puesta. Désela en persona: tendrá que cambiarla al entrar."), "success")
    return redirect(url_for("people.edit", user_id=user_id))


@blueprint.post("/<int:user_id>/sessions/end")
@requires(ADMINISTRATOR)
def end_sessions(user_id: int) -> Response:
    try:
        version = people.end_sessions(user_id, actor=current_actor(), submission_key=current_key())
    except people.NoSuchUser:
        abort(404)
    if user_id == current_user.id:
        sessions.go_on(version)
    flash(_("Todas sus sesiones se han terminado."), "success")
    return redirect(url_for("people.edit", user_id=user_id))


_REFUSED = (people.Outdated, people.LastAdministrator, people.NoSuchUser)


def _set_active(user_id: int, active: bool, done: str) -> Response | tuple[str, int]:
    form = StateForm()
    if not form.validate():
        return _page(_found(user_id), _("El formulario ha caducado. Inténtelo otra vez.")), 422
    try:
        people.set_active(user_id, form.seen, active, actor=current_actor(), submission_key=current_key())
    except _REFUSED as refusal:
        return _refused(user_id, refusal)
    flash(done, "success")
    if user_id == current_user.id and not active:
        return redirect(url_for("home.index"))
    return redirect(url_for("people.edit", user_id=user_id))


def _refused(user_id: int, refusal: Exception) -> tuple[str, int]:
    user = _found(user_id)
    if isinstance(refusal, people.LastAdministrator):
        notice = _(
            "Es la única persona activa con el papel de administración: sin ella nadie podría gestionar "
            "a las demás. Dé antes ese papel a otra."
        )
    else:
        notice = _(
            "Alguien ha cambiado a esta persona mientras la tenía abierta. No se ha guardado nada: "
            "así es como está ahora."
        )
    return _page(user, notice), 409


def _found(user_id: int) -> User:
    try:
        return people.find(user_id)
    except people.NoSuchUser:
        abort(404)


def _page(user: User, notice: str = "") -> str:
    def form(kind: type[KeyedForm], **data: object) -> KeyedForm:
        # as the user is now, whatever was sent
        return kind(None, submission_key=new_key(), **data)

    version = str(user.version)
    return render_template(
        "people/edit.html",
        person=user,
        notice=notice,
        roles=ROLES,
        role_form=form(RoleForm, version=version, role=user.role),
        state_form=form(StateForm, version=version),
        sessions_form=form(KeyForm),
    )


def _new_page(form: PersonForm) -> str:
    return render_template("people/new.html", form=form)


def _password_page(user: User, form: SetPasswordForm) -> str:
    return render_template("people/password.html", person=user, form=form)
