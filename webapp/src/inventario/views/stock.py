from __future__ import annotations

import logging

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from inventario import formats
from inventario.access import current_actor, requires
from inventario.database import DatabaseUnavailable, OutcomeUnknown
from inventario.forms.stock import MovementForm
from inventario.models.stock import IN, KINDS
from inventario.models.users import OPERATOR
from inventario.services import stock
from inventario.services.stock import Filters, Moved, NotEnough, ProductRetired, Stock, StockRefused
from inventario.services.submissions import KeyReused, new_key
from inventario.views import labels
from inventario.views.narrowing import Narrowing, place

logger = logging.getLogger(__name__)

blueprint = Blueprint("stock", __name__)


@blueprint.get("/movements")
def index() -> str:
    """Movements of all products."""
    narrowing = Narrowing()
    older, newer = place()
    filters = Filters(
        kind=narrowing.one_of("kind", KINDS),
        product_code=narrowing.text("product"),
        username=narrowing.text("person"),
        period=narrowing.period(),
    )
    page = stock.page(filters, older_than=older, newer_than=newer)
    return render_template("stock/index.html", page=page, labels=labels, chosen=narrowing.chosen)


@blueprint.get("/products/<int:product_id>/movements/new")
@requires(OPERATOR)
def move(product_id: int) -> str:
    kind = request.args.get("kind", "")
    form = MovementForm(kind=kind if kind in KINDS else IN, submission_key=new_key())
    form.offer(labels.REASONS)
    return _render(form, _stock(product_id))


@blueprint.post("/products/<int:product_id>/movements/new")
def make(product_id: int) -> str | Response | tuple[str, int]:
    there = _stock(product_id)
    form = MovementForm()
    form.offer(labels.REASONS)
    if not form.suits(there):
        return _render(form, there), 422
    try:
        moved = stock.move(
            current_actor(),
            product_id,
            form.kind.data or "",
            form.quantity.data,
            form.reason.data,
            form.note.data or "",
            form.submission_key.data or "",
        )
    except StockRefused as refused:
        form.refuse(refused, there)
        return _render(form, _as_it_is(there, refused)), 409
    except KeyReused:
        # the form itself goes on, as another one
        form.submission_key.data = new_key()
        return _render(form, there, problem="counted"), 422
    except DatabaseUnavailable as error:
        logger.error("stock not moved: %s", error)
        return _render(form, there, problem="unknown" if isinstance(error, OutcomeUnknown) else "unsaved"), 503
    logger.info("stock moved", extra={"code": there.code, "movement": moved.id})
    flash(_told(there, moved), "success")
    if "again" in request.form:
        return redirect(url_for("stock.move", product_id=product_id, kind=moved.kind))
    return redirect(url_for("products.show", product_id=product_id))


def _stock(product_id: int) -> Stock:
    try:
        return stock.find(product_id)
    except stock.ProductUnknown:
        abort(404)


def _as_it_is(there: Stock, refused: StockRefused) -> Stock:
    """What the refusal has told of the product since the form was opened."""
    if isinstance(refused, NotEnough):
        return there.but(quantity=refused.available)
    return there.but(active=False) if isinstance(refused, ProductRetired) else there


def _told(there: Stock, moved: Moved) -> str:
    text: str = _(
        "Anotado en %(code)s: %(kind)s. Quedan %(quantity)s %(unit)s.",
        kind=str(labels.KINDS[moved.kind]).lower(),
        code=there.code,
        quantity=formats.quantity(moved.balance),
        unit=there.unit,
    )
    return text


def _render(form: MovementForm, there: Stock, *, problem: str = "") -> str:
    return render_template(
        "stock/move.html",
        form=form,
        stock=there,
        problem=problem,
        labels=labels,
        separators=formats.separators(),
    )
