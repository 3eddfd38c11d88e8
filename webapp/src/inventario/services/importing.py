"""Takes a staged import over: every product, its stock and its audit entry in one transaction, or nothing."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import func, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from inventario.database import DatabaseUnavailable, OutcomeUnknown, duplicate_key, long_write
from inventario.models import Category, ImportRow, Movement, Product, Unit
from inventario.models.stock import IN
from inventario.services import audit, catalogue, imports, staging, terms
from inventario.services.actors import Actor
from inventario.services.imports import DONE, Problem
from inventario.services.quantities import fits

logger = logging.getLogger(__name__)

_BATCH = 1000
_TELL_SECONDS = 1.0


class _Refused(Exception):
    """A unit or a category is no longer what it was when the import was checked."""

    def __init__(self, row: int, message: str) -> None:
        super().__init__(message)
        self.problem = Problem(row, "", message)


@dataclass(frozen=True)
class _New:
    """A product that has its id, as much as the index of words wants to know of it."""

    id: int
    code: str
    name: str
    description: str


def take_over(job_id: str, claim: str, *, actor: Actor, code_label: str) -> None:
    """Do it, and note what came of it. To be called by whoever holds the claim (see imports.start)."""
    try:
        with long_write() as session:
            rows = _make_all(session, job_id, claim, actor)
            _note(job_id, rows, actor)
            # last, so that whoever has taken this import from us meanwhile finds nothing of ours
            done = imports.mine(job_id, claim).values(state=DONE, claim=None, finished_at=func.utc_timestamp(6))
            if session.execute(done).rowcount != 1:  # type: ignore[attr-defined]
                raise imports.Superseded
    except imports.Superseded:
        logger.warning("import taken over by somebody else", extra={"import": job_id})
    except IntegrityError as error:
        if duplicate_key(error) != "uq_products_code":
            raise
        imports.fail(job_id, claim, *staging.codes_taken(job_id, code_label))
    except _Refused as refusal:
        imports.fail(job_id, claim, [refusal.problem])
    except OutcomeUnknown:
        # the transaction says by itself whether it ended: its last change is the state
        found = imports.find(job_id)
        if found is not None and found.state != DONE:
            _fail(job_id, claim)
    except DatabaseUnavailable:
        _fail(job_id, claim)
    else:
        logger.info("import taken over", extra={"import": job_id})


def _fail(job_id: str, claim: str) -> None:
    message = _("La base de datos ha interrumpido el trabajo. No se ha guardado nada: vuelva a intentarlo.")
    imports.fail(job_id, claim, [Problem(None, "", message)])


def _note(job_id: str, rows: int, actor: Actor) -> None:
    """Who brought which file; each product has an entry of its own."""
    job = imports.find(job_id)
    name = job.filename if job else job_id
    audit.record(
        actor, "import.done", subject_type="import", subject_id=None, subject=name, changes={"products": rows}
    )


def _make_all(session: Session, job_id: str, claim: str, actor: Actor) -> int:
    """How many products it were."""
    lists = _Lists(actor)
    done = after = 0
    told = time.monotonic()
    while rows := session.execute(
        select(ImportRow.number, ImportRow.fields)
        .where(ImportRow.job_id == job_id, ImportRow.number > after)
        .order_by(ImportRow.number)
        .limit(_BATCH)
    ).all():
        _make(session, rows, lists, actor)
        done += len(rows)
        after = rows[-1][0]
        if time.monotonic() - told > _TELL_SECONDS:
            _tell(job_id, claim, done)
            told = time.monotonic()
    _tell(job_id, claim, done)
    return done


def _tell(job_id: str, claim: str, done: int) -> None:
    """Outside of the transaction, into which nobody sees: in a context, and so in a session, of its own."""
    with current_app.app_context():
        imports.note_progress(job_id, claim, done_rows=done)


def _make(session: Session, rows: Sequence[Any], lists: _Lists, actor: Actor) -> None:
    products = [_product(row.number, row.fields, lists) for row in rows]
    _insert(session, Product, ({**product, "created_by_id": actor.user_id} for product in products))
    codes = [product["code"] for product in products]
    found = session.execute(select(Product.code, Product.id).where(Product.code.in_(codes)))
    ids = {row.code: row.id for row in found}
    _insert(
        session,
        Movement,
        (
            {
                "product_id": ids[product["code"]],
                "kind": IN,
                "quantity": product["quantity"],
                "balance": product["quantity"],
                "reason": "initial",
                "note": "",
                "user_id": actor.user_id,
            }
            for product in products
            if product["quantity"]
        ),
    )
    terms.index_many(
        _New(ids[product["code"]], product["code"], product["name"], product["description"])
        for product in products
    )
    audit.record_many(
        actor,
        "product.created",
        subject_type="product",
        subjects=[(ids[row.fields["code"]], row.fields["code"], _changes(row.fields, lists)) for row in rows],
    )


def _product(number: int, fields: dict[str, str], lists: _Lists) -> dict[str, Any]:
    unit = lists.unit(number, fields["unit"])
    minimum = Decimal(fields["minimum"]) if fields["minimum"] else None
    quantity = Decimal(fields["quantity"] or 0)
    category = lists.category(number, fields["category"])
    if not fits(quantity, unit.decimals) or not fits(minimum or Decimal(0), unit.decimals):
        raise _Refused(number, _("La unidad admite menos decimales que cuando se comprobó el archivo."))
    return {
        "code": fields["code"],
        "name": fields["name"],
        "description": fields["description"],
        "unit_code": unit.code,
        "category_id": category.id if category else None,
        "minimum": minimum,
        "quantity": quantity,
    }


def _changes(fields: dict[str, str], lists: _Lists) -> dict[str, Any]:
    """As the audit log has it of a product that is registered by hand."""
    category = lists.category(0, fields["category"])
    described = {
        **fields,
        "unit": lists.unit(0, fields["unit"]).name,
        "category": category.name if category else "",
    }
    return {field: [None, value] for field, value in described.items() if value not in ("", "0")}


def _insert(session: Session, model: Any, rows: Iterable[dict[str, Any]]) -> None:
    """The driver makes one statement of many rows."""
    values = list(rows)
    if values:
        session.execute(insert(model.__table__), values)


class _Lists:
    """Units and categories as they are now; a category that is new is made."""

    def __init__(self, actor: Actor) -> None:
        self._actor = actor
        self._units: dict[str, Unit] = {}
        self._categories: dict[str, Category | None] = {"": None}

    def unit(self, row: int, code: str) -> Unit:
        if code not in self._units:
            try:
                self._units[code] = catalogue.offered_unit(code)
            except catalogue.NotOffered as error:
                raise _Refused(row, _("La unidad «%(name)s» ya no se ofrece.", name=code)) from error
        return self._units[code]

    def category(self, row: int, name: str) -> Category | None:
        if name not in self._categories:
            try:
                self._categories[name] = catalogue.category_named(name, actor=self._actor)
            except catalogue.NotOffered as error:
                raise _Refused(row, _("La categoría «%(name)s» ya no se ofrece.", name=name)) from error
        return self._categories[name]
