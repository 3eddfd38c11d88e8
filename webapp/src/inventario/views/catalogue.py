"""Units and categories, which products point to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from inventario.access import current_actor, requires
from inventario.forms import KeyedForm
from inventario.forms.catalogue import CategoryForm, EntryForm, NewUnitForm, UnitForm
from inventario.idempotency import current_key
from inventario.models import Category, Unit
from inventario.models.users import OPERATOR
from inventario.services import catalogue
from inventario.services.submissions import new_key

blueprint = Blueprint("catalogue", __name__)

_LONGEST_NAME = 60

Entry = TypeVar("Entry", Unit, Category)


@blueprint.get("/units")
def units() -> str:
    return render_template(
        "catalogue/units.html", rows=catalogue.counted_units(), form=KeyedForm(submission_key=new_key())
    )


@blueprint.get("/categories")
def categories() -> str:
    after = request.args.get("after", "")[:_LONGEST_NAME]
    return render_template("catalogue/categories.html", page=catalogue.counted_categories(after=after))


@blueprint.route("/units/new", methods=["GET", "POST"])
@requires(OPERATOR)
def new_unit() -> str | Response | tuple[str, int]:
    form = NewUnitForm() if request.method == "POST" else NewUnitForm(submission_key=new_key())

    def add() -> None:
        catalogue.add_unit(form.code.data or "", form.name.data or "", form.decimals.data or 0, **_by_whom())

    return _saved(form, None, add, _("Unidad %(name)s añadida.", name=form.name.data), "catalogue.units")


@blueprint.route("/units/<code>/edit", methods=["GET", "POST"])
@requires(OPERATOR)
def edit_unit(code: str) -> str | Response | tuple[str, int]:
    with _found():
        unit = catalogue.latest(Unit, code)
    form = UnitForm() if request.method == "POST" else _showing(unit)

    def edit() -> None:
        catalogue.edit_unit(unit.code, form.opened, form.name.data or "", form.decimals.data or 0, **_by_whom())

    return _saved(form, unit, edit, _("Unidad %(name)s guardada.", name=form.name.data), "catalogue.units")


@blueprint.post("/units/<code>/move")
def move_unit(code: str) -> Response:
    places = -1 if request.form.get("direction") == "earlier" else 1
    with _found():
        catalogue.move_unit(code, places, **_by_whom())
    return redirect(url_for("catalogue.units"))


@blueprint.post("/units/<code>/active")
def activate_unit(code: str) -> Response:
    return _activate(Unit, code, "catalogue.units")


@blueprint.post("/units/<code>/delete")
def delete_unit(code: str) -> Response:
    return _delete(Unit, code, "catalogue.units")


@blueprint.route("/categories/new", methods=["GET", "POST"])
@requires(OPERATOR)
def new_category() -> str | Response | tuple[str, int]:
    form = CategoryForm() if request.method == "POST" else CategoryForm(submission_key=new_key())

    def add() -> None:
        catalogue.add_category(form.name.data or "", **_by_whom())

    return _saved(
        form, None, add, _("Categoría %(name)s añadida.", name=form.name.data), "catalogue.categories"
    )


@blueprint.route("/categories/<int:category_id>/edit", methods=["GET", "POST"])
@requires(OPERATOR)
def edit_category(category_id: int) -> str | Response | tuple[str, int]:
    with _found():
        category = catalogue.latest(Category, category_id)
    form = CategoryForm() if request.method == "POST" else _showing(category)

    def edit() -> None:
        catalogue.edit_category(category_id, form.opened, form.name.data or "", **_by_whom())

    return _saved(
        form, category, edit, _("Categoría %(name)s guardada.", name=form.name.data), "catalogue.categories"
    )


@blueprint.post("/categories/<int:category_id>/active")
def activate_category(category_id: int) -> Response:
    return _activate(Category, category_id, "catalogue.categories")


@blueprint.post("/categories/<int:category_id>/delete")
def delete_category(category_id: int) -> Response:
    return _delete(Category, category_id, "catalogue.categories")


def _by_whom() -> dict[str, Any]:
    return {"actor": current_actor(), "submission_key": current_key()}


@contextmanager
def _found() -> Iterator[None]:
    try:
        yield
    except catalogue.EntryUnknown:
        abort(404)


def _showing(entry: Unit | Category) -> EntryForm:
    if isinstance(entry, Unit):
        return UnitForm(
            submission_key=new_key(), version=entry.version, name=entry.name, decimals=entry.decimals
        )
    return CategoryForm(submission_key=new_key(), version=entry.version, name=entry.name)


def _saved(
    form: EntryForm, entry: Unit | Category | None, save: Callable[[], None], done: str, back: str
) -> str | Response | tuple[str, int]:
    """The form, what is against what was sent, or the way back to the list."""
    if request.method == "GET":
        return _render(form, entry)
    if not form.validate():
        return _render(form, entry), 422
    try:
        with _found():
            save()
    except catalogue.Taken as taken:
        form.refuse_taken(taken.field)
    except catalogue.DecimalsInUse:
        form.refuse_decimals()
    except catalogue.StaleEntry as stale:
        # what was typed stays, beside what is saved; saved again, it is the next version
        form.version.data = str(stale.saved.version)
        return _render(form, stale.saved, stale=True), 409
    else:
        flash(done, "success")
        return redirect(url_for(back))
    return _render(form, entry), 409


def _render(form: EntryForm, entry: Unit | Category | None, *, stale: bool = False) -> str:
    return render_template(
        "catalogue/form.html",
        form=form,
        entry=entry,
        is_unit=isinstance(form, UnitForm),
        stale=stale,
        key=new_key(),
    )


def _activate(model: type[Entry], key: str | int, back: str) -> Response:
    active = request.form.get("active") == "1"
    with _found():
        name = catalogue.set_active(model, key, active, **_by_whom())
    if active:
        flash(_("%(name)s se ofrece otra vez.", name=name), "success")
    else:
        flash(_("%(name)s ya no se ofrece; los productos que la tienen la conservan.", name=name), "success")
    return redirect(url_for(back))


def _delete(model: type[Entry], key: str | int, back: str) -> Response:
    try:
        with _found():
            catalogue.delete(model, key, **_by_whom())
    except catalogue.InUse:
        flash(_("Hay productos que la tienen: no se puede borrar. Puede desactivarla."), "warning")
    else:
        flash(_("Borrada."), "success")
    return redirect(url_for(back))
