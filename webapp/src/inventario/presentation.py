"""What templates know besides their own data."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import Flask, request
from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from inventario import formats
from inventario.database import read_is_stale
from inventario.languages import LANGUAGES, language
from inventario.models import Person, User
from inventario.models.users import ADMINISTRATOR, OPERATOR, VIEWER, includes
from inventario.readers import reader


@dataclass(frozen=True)
class Entry:
    """A page in a menu, shown to whoever has at least this role."""

    endpoint: str
    label: LazyString
    role: str = VIEWER


NAVIGATION: Sequence[Entry] = (
    Entry("home.index", _l("Resumen")),
    Entry("products.index", _l("Productos")),
    Entry("stock.index", _l("Movimientos")),
    Entry("catalogue.categories", _l("Catálogo")),
    Entry("imports.index", _l("Importar"), OPERATOR),
    Entry("people.index", _l("Personas"), ADMINISTRATOR),
    Entry("audit.index", _l("Auditoría"), ADMINISTRATOR),
)

# in the menu under the person's name
ACCOUNT_MENU: Sequence[Entry] = (
    Entry("account.show", _l("Mi cuenta")),
    Entry("tokens.index", _l("Tokens de API")),
    Entry("api-document.page", _l("API para programas")),
)

THEME_COOKIE = "inventario_theme"
THEMES = {"auto": _l("Automático"), "light": _l("Claro"), "dark": _l("Oscuro")}


def register_presentation(app: Flask) -> None:
    app.context_processor(_common)
    for write in (formats.number, formats.quantity, formats.moment, formats.day, formats.ago):
        app.add_template_filter(write)


def theme() -> str:
    """What this browser's switch says; `auto` follows the device."""
    chosen = request.cookies.get(THEME_COOKIE, "")
    return chosen if chosen in THEMES else "auto"


def _common() -> dict[str, Any]:
    user = reader()
    return {
        "user": user,
        "navigation": _menu(user, "navigation"),
        "account_menu": _menu(user, "account"),
        # an entry is the current one on all pages of its blueprint
        "section": (request.endpoint or "").partition(".")[0],
        "may_change": user is not None and user.may(OPERATOR),
        "read_is_stale": read_is_stale(),
        "language": language(),
        "languages": tuple(LANGUAGES.items()),
        "theme": theme(),
        "themes": _themes(language()),
    }


def _menu(user: Person | User | None, name: str) -> tuple[tuple[str, str], ...]:
    return _menu_of(user.role, name, language()) if user is not None else ()


@functools.cache
def _menu_of(role: str, name: str, _language: str) -> tuple[tuple[str, str], ...]:
    """Endpoints and labels in a language."""
    entries = {"navigation": NAVIGATION, "account": ACCOUNT_MENU}[name]
    return tuple((entry.endpoint, str(entry.label)) for entry in entries if includes(role, entry.role))


@functools.cache
def _themes(_language: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, str(label)) for name, label in THEMES.items())
