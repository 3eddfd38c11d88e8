"""Products: registering, changing, retiring."""

from __future__ import annotations

import dataclasses
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import bindparam, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload

from inventario.database import db, duplicate_key, reads, reads_latest, writes
from inventario.models import Category, Product, Unit
from inventario.services import audit, catalogue, submissions, terms
from inventario.services.actors import Actor
from inventario.services.choices import KnownUnit, choices_lately

# callers of this service need no other for them
from inventario.services.details import Details as Details
from inventario.services.details import Saved as Saved
from inventario.services.details import columns, described, saved_version
from inventario.services.details import details_of as details_of
from inventario.services.quantities import fits

# no code begins like that
_BY_ID = "#"

# by table, not by object: the way through the ORM takes longer than MySQL does
_COLUMNS = ("code", "name", "description", "minimum", "unit_code", "category_id", "created_by_id")
_NEW = [bindparam(f"new_{name}", type_=Product.__table__.c[name].type) for name in _COLUMNS]
# as long as its unit is still the one that was checked, which then stays so until the unit of work ends
_REGISTER = insert(Product.__table__).from_select(  # type: ignore[arg-type]
    _COLUMNS,
    select(*_NEW)
    .where(
        Unit.code == bindparam("new_unit_code"),
        Unit.version == bindparam("same_version"),
        Unit.decimals == bindparam("same_decimals"),
        Unit.active,
    )
    .with_for_update(read=True),
    include_defaults=False,
)


class ProductRefused(Exception):
    """The product may not be as it was sent; nothing was changed."""


class DuplicateCode(ProductRefused):
    """Another product has this code already."""


class TooFine(ProductRefused):
    """A quantity has more decimals than the unit allows; `field` is what would have to be another."""

    def __init__(self, field: str, decimals: int) -> None:
        super().__init__(field)
        self.field = field
        self.decimals = decimals


class StaleVersion(ProductRefused):
    """Somebody else changed the product since it was opened; `saved` is what is kept now."""

    def __init__(self, saved: Saved) -> None:
        super().__init__()
        self.saved = saved


class ProductUnknown(LookupError):
    """There is no such product."""


@dataclass(frozen=True)
class Holder:
    """Who has a code."""

    id: int
    code: str
    name: str
    active: bool


@dataclass(frozen=True)
class _Named:
    """What a product is found by."""

    id: int
    code: str
    name: str
    description: str


@dataclass(frozen=True)
class Registered:
    """A product that was registered."""

    id: int
    code: str


def normalise(text: str) -> str:
    """One spelling for what looks alike: composed characters, single spaces, none around."""
    return " ".join(unicodedata.normalize("NFC", text).split())


@writes(repeatable=True)
def register(details: Details, *, actor: Actor, submission_key: str) -> str:
    """Register a product and return its code."""
    return create(details, actor=actor, submission_key=submission_key).code


@writes(repeatable=True)
def create(details: Details, *, actor: Actor, submission_key: str) -> Registered:
    """Register a product. The unique key decides between two people with the same code.

    The form is counted after the product, with its number: the code would not let it be registered twice.
    """
    content = submissions.fingerprint(dataclasses.astuple(details))
    try:
        try:
            product_id, unit, category = _insert_checked(details, actor)
        except (ProductRefused, catalogue.CatalogueRefused):
            submissions.refused(submission_key, actor.user_id, content)
            raise
        submissions.count(submission_key, actor.user_id, f"{_BY_ID}{product_id}", content)
    except submissions.AlreadyCounted as earlier:
        return _registered(earlier.subject)
    terms.index_new(_Named(product_id, details.code, details.name, details.description))
    after = described(details, unit, category)
    changes = {field: [None, value] for field, value in after.items() if value}
    _record(actor, "product.created", product_id, details.code, changes)
    return Registered(product_id, details.code)


@writes(repeatable=True)
def edit(product_id: int, version: int, details: Details, *, actor: Actor, submission_key: str) -> bool:
    """Change what describes a product, unless somebody else did since this version; whether it changed."""
    try:
        content = submissions.fingerprint(product_id, version, dataclasses.astuple(details))
        submissions.count(submission_key, actor.user_id, "product.changed", content)
    except submissions.AlreadyCounted:
        return True
    row = _locked(product_id)
    if details == details_of(row):
        return False
    if row.version != version:
        raise StaleVersion(saved_version(row, version))
    category = row.category
    unit = catalogue.offered_unit(details.unit_code, unless=row.unit_code)
    if details.category != (category.name if category else ""):
        category = catalogue.category_named(details.category, actor=actor)
    _check_decimals(unit, minimum=details.minimum, unit=row.quantity)
    before, after = described(details_of(row), row.unit, row.category), described(details, unit, category)
    changes = {field: [before[field], after[field]] for field in after if before[field] != after[field]}
    if changes:
        _update(row, **columns(details, unit, category))
        if changes.keys() & {"code", "name", "description"}:
            terms.index(_Named(row.id, details.code, details.name, details.description))
        _record(actor, "product.changed", row.id, details.code, changes)
    return bool(changes)


@writes(repeatable=True)
def retire(product_id: int, *, actor: Actor, submission_key: str) -> str:
    """Offer a product no more; its history stays. Returns its code."""
    return _set_active(product_id, False, "product.retired", actor, submission_key)


@writes(repeatable=True)
def restore(product_id: int, *, actor: Actor, submission_key: str) -> str:
    return _set_active(product_id, True, "product.restored", actor, submission_key)


@reads
def get(product_id: int) -> Product:
    """A product with its unit, its category and who registered it."""
    row = db.session.scalars(
        select(Product)
        .where(Product.id == product_id)
        .options(joinedload(Product.unit), joinedload(Product.category), joinedload(Product.created_by))
    ).one_or_none()
    if row is None:
        raise ProductUnknown(product_id)
    return row


@reads_latest
def latest(product_id: int) -> Product:
    """The same as the source has it: what a form that will be saved begins with."""
    return get(product_id)


@reads
def code_holder(code: str, *, other_than: int | None = None) -> Holder | None:
    """The product that has this code, whatever the case and the accents."""
    query = select(Product.id, Product.code, Product.name, Product.active).where(
        Product.code == normalise(code)
    )
    if other_than is not None:
        query = query.where(Product.id != other_than)
    row = db.session.execute(query).one_or_none()
    return Holder(*row) if row else None


def _remembered_unit(details: Details) -> KnownUnit | None:
    """The unit of a new product, if it is one that may be, as it was known some seconds ago."""
    unit = choices_lately().offered_unit(details.unit_code)
    fine = unit and (details.minimum is None or fits(details.minimum, unit.decimals))
    return unit if fine else None


def _unit_now(details: Details) -> Unit:
    """The same as it stays until this unit of work ends."""
    unit = catalogue.offered_unit(details.unit_code)
    _check_decimals(unit, minimum=details.minimum)
    return unit


def _insert_checked(details: Details, actor: Actor) -> tuple[int, Unit | KnownUnit, Category | None]:
    """The number of the new product, with the unit and the category that it got."""
    category = catalogue.category_named(details.category, actor=actor)
    remembered = _remembered_unit(details)
    if remembered and (product_id := _insert(details, remembered, category, actor)):
        return product_id, remembered, category
    # nobody remembers it, or somebody has changed it since
    unit = _unit_now(details)
    return _insert(details, unit, category, actor), unit, category


def _insert(details: Details, unit: Unit | KnownUnit, category: Category | None, actor: Actor) -> int:
    """The number of the new product; 0, and no product, when its unit is another by now."""
    row = {"created_by_id": actor.user_id, **columns(details, unit, category)}
    new = {f"new_{name}": value for name, value in row.items()}
    same = {"same_version": unit.version, "same_decimals": unit.decimals}
    with _code_decided():
        return db.session.connection().execute(_REGISTER, new | same).lastrowid


def _locked(product_id: int) -> Product:
    """The product, which nobody changes or moves until this unit of work ends."""
    row = db.session.scalars(
        select(Product)
        .where(Product.id == product_id)
        .options(joinedload(Product.unit), joinedload(Product.category))
        .with_for_update(of=Product)
    ).one_or_none()
    if row is None:
        raise ProductUnknown(product_id)
    return row


def _registered(subject: str) -> Registered:
    """What came of a submission, whatever the product's code is by now."""
    if subject.startswith(_BY_ID):
        same = Product.id == int(subject.removeprefix(_BY_ID))
    else:
        # a node of the release before noted the code
        same = Product.code == subject
    return Registered(*db.session.execute(select(Product.id, Product.code).where(same)).one())


def _set_active(product_id: int, active: bool, action: str, actor: Actor, submission_key: str) -> str:
    try:
        submissions.count(submission_key, actor.user_id, action, submissions.fingerprint(action, product_id))
    except submissions.AlreadyCounted:
        return _locked(product_id).code
    row = _locked(product_id)
    if row.active != active:
        _update(row, active=active)
        _record(actor, action, row.id, row.code, {"active": [not active, active]})
    return row.code


def _update(row: Product, **values: Any) -> None:
    """The next version of a product."""
    statement = (
        update(Product)
        .where(Product.id == row.id, Product.version == row.version)
        .values(version=Product.version + 1, updated_at=func.utc_timestamp(6), **values)
    )
    with _code_decided():
        db.session.execute(statement.execution_options(synchronize_session=False))


def _record(actor: Actor, action: str, product_id: int, code: str, changes: dict[str, Any]) -> None:
    audit.record(actor, action, subject_type="product", subject_id=product_id, subject=code, changes=changes)


@contextmanager
def _code_decided() -> Iterator[None]:
    """The unique key decides who has a code."""
    try:
        yield
    except IntegrityError as error:
        if duplicate_key(error) == "uq_products_code":
            raise DuplicateCode from error
        raise


def _check_decimals(chosen: Unit, **quantities: Decimal | None) -> None:
    for field, quantity in quantities.items():
        if quantity is not None and not fits(quantity, chosen.decimals):
            raise TooFine(field, chosen.decimals)
