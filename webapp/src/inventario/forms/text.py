"""What all text fields do with what was typed."""

from __future__ import annotations

import unicodedata

from flask_babel import gettext as _
from wtforms import Field, Form, ValidationError

from inventario.services.products import normalise


def clean(text: str | None) -> str:
    return normalise(text or "")


def clean_lines(text: str | None) -> str:
    """As `clean`, keeping the line ends."""
    lines = (normalise(line) for line in (text or "").replace("\r\n", "\n").split("\n"))
    return "\n".join(lines).strip()


def printable(_form: Form, field: Field) -> None:
    """Refuse control characters and lone surrogates; direction marks could make a text look like another."""
    for character in field.data or "":
        if character != "\n" and unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co"):
            raise ValidationError(_("Contiene caracteres que no se ven. Bórrelos y escríbalo de nuevo."))
