from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Blueprint, abort, flash, jsonify, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from inventario.access import current_actor, requires
from inventario.database import DatabaseUnavailable, DataRefused, OutcomeUnknown
from inventario.forms import KeyedForm
from inventario.forms.products import ProductEditForm, ProductForm
from inventario.idempotency import current_key
from inventario.models import Product
from inventario.models.users import OPERATOR
from inventario.services import catalogue, history, products
from inventario.services.catalogue import NotOffered
from inventario.services.choices import choices_lately
from inventario.services.products import ProductRefused, Saved
from inventario.services.submissions import new_key
from inventario.views import labels
from inventario.views.conflicts import compare

logger = logging.getLogger(__name__)

blueprint = Blueprint("products", __name__, url_prefix="/products")

_LONGEST_CODE = 100
# what the form says at one of its fields
_REFUSALS = (ProductRefused, NotOffered, DataRefused)


@blueprint.get("/new")
@requires(OPERATOR)
def new() -> str:
    form = ProductForm(submission_key=new_key())
    form.offer(catalogue.units())
    return _render(form)


@blueprint.post("/new")
def create() -> str | Response | tuple[str, int]:
    form = ProductForm()
    form.offer(choices_lately().offered_units)
    if not form.validate():
        # perhaps only because a unit is newer than what is remembered
        form.offer(catalogue.units())
        if not form.validate():
            return _render(form), 422
    try:
        code = products.register(
            form.product(), actor=current_actor(), submission_key=form.submission_key.data or ""
        )
    except DatabaseUnavailable as error:
        return _refused(form, error)
    except _REFUSALS as error:
        form.offer(catalogue.units())
        return _refused(form, error)
    logger.info("product registered", extra={"code": code})
    flash(_("Producto %(code)s registrado.", code=code), "success")
    return redirect(url_for("products.index"))


@blueprint.get("/code-taken")
def code_taken() -> Response:
    """Whether a code that is being typed is free; the unique key decides when it is saved."""
    holder = products.code_holder(
        request.args.get("code", "")[:_LONGEST_CODE], other_than=request.args.get("except", type=int)
    )
    if holder is None:
        return jsonify(taken=False)
    return jsonify(
        taken=True,
        label=f"{holder.code} · {holder.name}",
        active=holder.active,
        url=url_for("products.show", product_id=holder.id),
    )


@blueprint.get("/<int:product_id>")
def show(product_id: int) -> str:
    with _found():
        product = products.get(product_id)
    return render_template(
        "products/show.html",
        product=product,
        movements=history.movements(product_id, before=request.args.get("movements", type=int)),
        balances=history.balances(product_id),
        changes=history.changes(product_id, before=request.args.get("changes", type=int)),
        labels=labels,
        form=KeyedForm(submission_key=new_key()),
    )


@blueprint.get("/<int:product_id>/edit")
@requires(OPERATOR)
def edit(product_id: int) -> str:
    with _found():
        product = products.latest(product_id)
    form = ProductEditForm.showing(product)
    form.offer(catalogue.units(also=product.unit_code))
    return _render(form, product=product)


@blueprint.post("/<int:product_id>/edit")
def save(product_id: int) -> str | Response | tuple[str, int]:
    with _found():
        product = products.latest(product_id)
    form = ProductEditForm()
    form.offer(catalogue.units(also=product.unit_code))
    if not form.validate():
        return _render(form, product=product), 422
    if "review" in request.form:
        return _render(form, product=product)
    try:
        changed = products.edit(
            product_id,
            int(form.version.data or 0),
            form.product(),
            actor=current_actor(),
            submission_key=form.submission_key.data or "",
        )
    except products.StaleVersion as stale:
        return _conflict(form, stale.saved), 409
    except (*_REFUSALS, DatabaseUnavailable) as error:
        return _refused(form, error, product)
    code = form.code.data or ""
    if changed:
        logger.info("product changed", extra={"code": code})
        flash(_("Producto %(code)s guardado.", code=code), "success")
    else:
        flash(_("El producto %(code)s ya estaba así: no había nada que guardar.", code=code), "info")
    return redirect(url_for("products.show", product_id=product_id))


@blueprint.post("/<int:product_id>/retire")
def retire(product_id: int) -> Response:
    with _found():
        code = products.retire(product_id, actor=current_actor(), submission_key=current_key())
    flash(_("Producto %(code)s retirado. Sus movimientos y su historia siguen aquí.", code=code), "success")
    return redirect(url_for("products.show", product_id=product_id))


@blueprint.post("/<int:product_id>/restore")
def restore(product_id: int) -> Response:
    with _found():
        code = products.restore(product_id, actor=current_actor(), submission_key=current_key())
    flash(_("Producto %(code)s recuperado.", code=code), "success")
    return redirect(url_for("products.show", product_id=product_id))


@contextmanager
def _found() -> Iterator[None]:
    try:
        yield
    except products.ProductUnknown:
        abort(404)


def _refused(form: ProductForm, error: Exception, product: Product | None = None) -> str | tuple[str, int]:
    """The form again, with what is against it at its field."""
    if isinstance(error, OutcomeUnknown):
        logger.error("product perhaps saved: %s", error)
        return _render(form, product=product, unsaved="unknown"), 503
    if isinstance(error, DatabaseUnavailable):
        logger.error("product not saved: %s", error)
        return _render(form, product=product, unsaved="away"), 503
    if not form.refuse(error):
        raise error
    return _render(form, product=product), 409


def _conflict(form: ProductEditForm, saved: Saved) -> str:
    compared = compare(form, saved)
    form.version.data = str(saved.version)
    form.submission_key.data = new_key()
    return render_template("products/conflict.html", form=form, saved=saved, compared=compared)


def _render(form: ProductForm, *, product: Product | None = None, unsaved: str = "") -> str:
    return render_template(
        "products/form.html",
        form=form,
        product=product,
        categories=catalogue.category_names(),
        unsaved=unsaved,
    )
