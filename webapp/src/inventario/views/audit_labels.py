"""What people call the actions, subjects and fields of the audit log."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from inventario import formats
from inventario.forms.people import ROLES
from inventario.views import labels

FAMILIES: Mapping[str, LazyString] = {
    "stock": _l("Existencias"),
    "product": _l("Productos"),
    "category": _l("Categorías"),
    "unit": _l("Unidades"),
    "import": _l("Importaciones"),
    "user": _l("Personas"),
    "session": _l("Sesiones"),
    "token": _l("Tokens de API"),
}

ACTIONS: Mapping[str, LazyString] = {
    "stock.moved": _l("Movió existencias"),
    "product.created": _l("Registró un producto"),
    "product.changed": _l("Cambió un producto"),
    "product.retired": _l("Retiró un producto"),
    "product.restored": _l("Recuperó un producto"),
    "category.created": _l("Creó una categoría"),
    "category.changed": _l("Cambió una categoría"),
    "category.retired": _l("Desactivó una categoría"),
    "category.restored": _l("Activó una categoría"),
    "category.deleted": _l("Borró una categoría"),
    "unit.created": _l("Creó una unidad"),
    "unit.changed": _l("Cambió una unidad"),
    "unit.retired": _l("Desactivó una unidad"),
    "unit.restored": _l("Activó una unidad"),
    "unit.deleted": _l("Borró una unidad"),
    "unit.moved": _l("Cambió el orden de las unidades"),
    "import.done": _l("Importó productos de un archivo"),
    "user.created": _l("Creó una persona"),
    "user.role_changed": _l("Cambió el papel de una persona"),
    "user.deactivated": _l("Desactivó a una persona"),
    "user.reactivated": _l("Reactivó a una persona"),
    "user.password_set": _l("Puso una contraseña a una persona"),
    "user.password_changed": _l("Cambió su contraseña"),
    "user.sessions_ended": _l("Cerró las sesiones de una persona"),
    "session.started": _l("Entró"),
    "session.ended": _l("Salió"),
    "session.locked": _l("Demasiadas contraseñas equivocadas"),
    "token.created": _l("Creó un token de API"),
    "token.revoked": _l("Anuló un token de API"),
}

FIELDS: Mapping[str, LazyString] = {
    "active": _l("Activo"),
    "category": _l("Categoría"),
    "code": _l("Código"),
    "decimals": _l("Decimales"),
    "description": _l("Descripción"),
    "kind": _l("Tipo"),
    "language": _l("Idioma"),
    "may_write": _l("Puede cambiar datos"),
    "minimum": _l("Mínimo"),
    "must_change_password": _l("Debe cambiar la contraseña"),
    "name": _l("Nombre"),
    "note": _l("Nota"),
    "position": _l("Lugar en la lista"),
    "products": _l("Productos"),
    "quantity": _l("Cantidad"),
    "reason": _l("Motivo"),
    "role": _l("Papel"),
    "seconds": _l("Segundos"),
    "time_zone": _l("Zona horaria"),
    "unit": _l("Unidad"),
    "username": _l("Usuario"),
}

_WORDS: Mapping[str, Mapping[str, LazyString]] = {
    "kind": labels.KINDS,
    "reason": labels.REASONS,
    "role": ROLES,
}


def action(name: str) -> object:
    """An action in words; its own name when there are none for it."""
    return ACTIONS.get(name, name)


def field(name: str) -> object:
    return FIELDS.get(name, name)


def readable(name: str, value: Any) -> Any:
    """A value as the log has it, for people."""
    if name in ("quantity", "minimum") and isinstance(value, str):
        return formats.quantity(Decimal(value))
    if name in _WORDS:
        return _WORDS[name].get(value, value)
    return value


def is_change(value: Any) -> bool:
    """Whether an entry tells of a field what it was before and after."""
    return isinstance(value, list) and len(value) == 2
