from __future__ import annotations

import logging

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from inventario.access import current_actor
from inventario.database import DatabaseUnavailable
from inventario.forms.products import ProductForm
from inventario.services import catalogue, products
from inventario.services.submissions import new_key

logger = logging.getLogger(__name__)

blueprint = Blueprint("products", __name__, url_prefix="/products")

_LONGEST_SEARCH = 100


@blueprint.get("")
def index() -> str:
    search = request.args.get("q", "")[:_LONGEST_SEARCH]
    page = products.page(
        search, after=request.args.get("after", "")[:40], before=request.args.get("before", "")[:40]
    )
    return render_template("products/index.html", page=page, search=search.strip())


@blueprint.get("/new")
def new() -> str:
    form = ProductForm(submission_key=new_key())
    form.offer(catalogue.units())
    return _render(form)


@blueprint.post("/new")
def create() -> str | Response | tuple[str, int]:
    form = ProductForm()
    form.offer(catalogue.units())
    if not form.validate():
        return _render(form), 422
    try:
        code = products.register(
            form.product(), actor=current_actor(), submission_key=form.submission_key.data or ""
        )
    except products.DuplicateCode:
        form.refuse_code(_("Ya hay un producto con este código. Elija otro."))
        return _render(form), 409
    except DatabaseUnavailable as error:
        logger.error("product not registered: %s", error)
        return _render(form, unsaved=True), 503
    logger.info("product registered", extra={"code": code})
    flash(_("Producto %(code)s registrado.", code=code), "success")
    return redirect(url_for("products.index"))


def _render(form: ProductForm, *, unsaved: bool = False) -> str:
    return render_template(
        "products/new.html", form=form, categories=catalogue.category_names(), unsaved=unsaved
    )
