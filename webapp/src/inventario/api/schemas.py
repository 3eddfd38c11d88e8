"""What programs send and get."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from marshmallow import fields, pre_dump

from inventario.api.fields import Code, Flag, Lines, OneOf, Quantity, Schema, Strict, Text, Time, Whole
from inventario.models import Category, Movement, Product
from inventario.models.stock import ADJUSTMENT, IN, KINDS, OUT, REASONS
from inventario.models.users import ROLES
from inventario.services.product_rows import Found

LARGEST_ID = 2**31 - 1
LARGEST_LONG_ID = 10**18 - 1


class Uri(Strict):
    def shape(self) -> dict[str, Any]:
        return {"type": "string", "format": "uri-reference"}


class ProblemBody(Schema):
    type = Uri(
        _l("Qué clase de problema es; no cambia."), required=True, example="urn:inventario:problem:invalid"
    )
    title = Text(_l("Lo mismo para personas."), most=200, required=True)
    status = Whole(_l("El estado HTTP."), least=400, most=599, required=True)
    detail = Text(_l("Qué ha pasado esta vez y qué hacer."), most=2000, required=True)
    instance = Uri(_l("La dirección a la que se pidió."), required=True)
    request_id = Text(_l("Con esto se encuentra en el registro."), most=64, required=True)
    errors = fields.Dict(
        metadata={"description": _l("Qué está mal, por lugar (json, query) y campo."), "type": "object"}
    )


class _Described(Schema):
    """What describes a product."""

    code = Code(_l("Único, sin distinguir mayúsculas ni acentos."), most=40, required=True, example="TOR-M8-30")
    name = Text(most=120, required=True, example="Tornillo M8 × 30")
    description = Lines(most=1000, load_default="", example="Acero, cabeza hexagonal")
    unit = Text(_l("El código de una unidad de /units."), most=8, required=True, example="ud")
    category = Text(
        _l("El nombre de una categoría; si no la hay, se crea."),
        most=60,
        load_default=None,
        allow_none=True,
        example="Ferretería",
    )
    minimum = Quantity(
        _l("Con esta cantidad o menos, las existencias son bajas; null: no importa."),
        load_default=None,
        allow_none=True,
        example="10",
    )


class ProductNew(_Described):
    """Everything that describes a product; what is left out is empty."""


class ProductBody(Schema):
    id = Whole(most=LARGEST_ID, required=True)
    code = Code(most=40, required=True, example="TOR-M8-30")
    name = Text(most=120, required=True, example="Tornillo M8 × 30")
    description = Strict(required=True, metadata={"type": "string"})
    unit = Text(most=8, required=True, example="ud")
    category = Text(most=60, required=True, allow_none=True, example="Ferretería")
    category_id = Whole(most=LARGEST_ID, required=True, allow_none=True)
    active = Flag(_l("false: retirado."), required=True)
    quantity = Quantity(_l("Lo que hay."), signed=True, required=True, example="120.000")
    minimum = Quantity(required=True, allow_none=True, example="10.000")
    low = Flag(_l("Las existencias son bajas."), required=True)
    version = Whole(_l("Sube con cada cambio de lo que describe el producto."), most=LARGEST_ID, required=True)
    created_at = Time(required=True)
    updated_at = Time(_l("null: nunca cambiado."), required=True, allow_none=True)

    @pre_dump
    def _flat(self, product: Product | Found, **_options: Any) -> dict[str, Any]:
        category = product.category
        return {
            **{name: getattr(product, name) for name in _PLAIN},
            "unit": product.unit_code,
            "category": category.name if isinstance(category, Category) else category,
            "low": product.low if isinstance(product, Found) else product.is_low,
        }


_PLAIN = (
    "id",
    "code",
    "name",
    "description",
    "category_id",
    "active",
    "quantity",
    "minimum",
    "version",
    "created_at",
    "updated_at",
)


class StockBody(Schema):
    product_id = Whole(most=LARGEST_ID, required=True)
    code = Code(most=40, required=True)
    quantity = Quantity(_l("Lo que hay."), signed=True, required=True, example="120.000")
    unit = Text(_l("El código de una unidad de /units."), most=8, required=True, example="ud")
    decimals = Whole(_l("Cuántos decimales admite la unidad."), least=0, most=3, required=True)
    active = Flag(required=True)


def _note() -> Lines:
    return Lines(most=500, load_default="", example="Albarán 4711")


class MovementIn(Schema):
    """Something comes."""

    kind = OneOf(words=[IN], required=True)
    quantity = Quantity(_l("Cuánto entra."), above_zero=True, required=True, example="24")
    reason = OneOf(words=REASONS[IN], required=True)
    note = _note()


class MovementOut(Schema):
    """Something goes."""

    kind = OneOf(words=[OUT], required=True)
    quantity = Quantity(_l("Cuánto sale."), above_zero=True, required=True, example="6.5")
    reason = OneOf(words=REASONS[OUT], required=True)
    note = _note()


class MovementCount(Schema):
    """Something was counted."""

    kind = OneOf(words=[ADJUSTMENT], required=True)
    quantity = Quantity(_l("Cuánto se ha contado: lo que habrá."), required=True, example="118")
    reason = OneOf(words=REASONS[ADJUSTMENT], required=True)
    note = _note()


class MovementUnknown(Schema):
    """For what is none of these: says what is wrong with its kind."""

    kind = OneOf(words=KINDS, required=True)


MOVEMENTS: dict[str, type[Schema]] = {IN: MovementIn, OUT: MovementOut, ADJUSTMENT: MovementCount}


class MovedBody(Schema):
    id = Whole(most=LARGEST_LONG_ID, required=True)
    product_id = Whole(most=LARGEST_ID, required=True)
    kind = OneOf(words=KINDS, required=True)
    quantity = Quantity(_l("Lo que suma a lo que había; negativo si sale."), signed=True, required=True)
    balance = Quantity(_l("Lo que quedó."), signed=True, required=True)


class MovementBody(MovedBody):
    product_code = Code(most=40, required=True)
    reason = Strict(_l("Por qué."), required=True, metadata={"type": "string"})
    note = Strict(required=True, metadata={"type": "string"})
    username = Strict(_l("Quién lo hizo."), required=True, metadata={"type": "string"})
    created_at = Time(required=True)

    @pre_dump
    def _flat(self, movement: Movement, **_options: Any) -> dict[str, Any]:
        return {
            **{name: getattr(movement, name) for name in _OF_MOVEMENT},
            "product_code": movement.product.code,
            "username": movement.user.username,
        }


_OF_MOVEMENT = ("id", "product_id", "kind", "quantity", "balance", "reason", "note", "created_at")


class UnitBody(Schema):
    code = Text(most=8, required=True, example="ud")
    name = Text(most=40, required=True, example="unidad")
    decimals = Whole(_l("Cuántos decimales admite."), least=0, most=3, required=True)
    active = Flag(_l("false: no se ofrece."), required=True)


class CategoryBody(Schema):
    id = Whole(most=LARGEST_ID, required=True)
    name = Text(most=60, required=True, example="Ferretería")
    active = Flag(_l("false: no se ofrece."), required=True)


class MeBody(Schema):
    username = Strict(required=True, metadata={"type": "string"})
    role = OneOf(words=ROLES, required=True)
    may_write = Flag(_l("Si este token puede cambiar algo."), required=True)
