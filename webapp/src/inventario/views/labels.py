"""What people call what the services name with a word of their own."""

from __future__ import annotations

from decimal import Decimal

from flask_babel import lazy_gettext as _l

from inventario import formats
from inventario.models.stock import ADJUSTMENT, IN, OUT

PRODUCT_FIELDS = {
    "code": _l("Código"),
    "name": _l("Nombre"),
    "unit": _l("Unidad"),
    "category": _l("Categoría"),
    "minimum": _l("Mínimo"),
    "description": _l("Descripción"),
}
PRODUCT_ACTIONS = {
    "product.created": _l("Registrado"),
    "product.changed": _l("Cambiado"),
    "product.retired": _l("Retirado"),
    "product.restored": _l("Recuperado"),
}
KINDS = {
    IN: _l("Entrada"),
    OUT: _l("Salida"),
    ADJUSTMENT: _l("Ajuste"),
}
REASONS = {
    "purchase": _l("Compra"),
    "return": _l("Devolución"),
    "production": _l("Producción"),
    "transfer": _l("Traslado"),
    "initial": _l("Existencias iniciales"),
    "sale": _l("Venta"),
    "consumption": _l("Consumo"),
    "loss": _l("Pérdida"),
    "count": _l("Recuento"),
    "correction": _l("Corrección"),
    "other": _l("Otro motivo"),
}


def readable(field: str, text: str) -> str:
    """A value of a product as the audit log has it, for people."""
    return formats.quantity(Decimal(text)) if field == "minimum" else text
