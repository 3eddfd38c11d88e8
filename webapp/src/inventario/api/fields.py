"""What a value in a request or an answer looks like. Strict: a program that sends something else is told so.

Each says what it takes twice, to marshmallow and to the document; the tests hold one against the other.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeAlias

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l
from marshmallow import Schema as MarshmallowSchema
from marshmallow import ValidationError, fields

from inventario.services.products import normalise

# a query has text alone
IN_QUERY = {"in_query": True}

Label: TypeAlias = str | LazyString

_MESSAGES = {
    "required": _l("Falta este campo."),
    "null": _l("No puede ser null."),
    "type": _l("No es del tipo que se espera."),
}
# control, format and private characters, which nobody sees: as ranges of a regular expression, because not
# everybody who reads the document knows Unicode's categories
_UNSEEN = (
    "\x7f-\x9f"
    "\xad\u0600-\u0605\u061c\u06dd\u070f\u0890-\u0891\u08e2\u180e\u200b-\u200f\u202a-\u202e"
    "\u2060-\u2064\u2066-\u206f\ue000-\uf8ff\ufeff\ufff9-\ufffb\U000110bd\U000110cd"
    "\U00013430-\U00013438\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0001"
    "\U000e0020-\U000e007f\U000f0000-\U000ffffd\U00100000-\U0010fffd"
)
UNSEEN_PATTERN = rf"\x00-\x1f{_UNSEEN}"
# the same but for tabs and line ends
_UNSEEN_IN_LINES = rf"\x00-\x08\x0b\x0c\x0e-\x1f{_UNSEEN}"
LINES_PATTERN = f"^[^{_UNSEEN_IN_LINES}]*$"
# and what is no character at all, which JSON can write nevertheless
_REFUSED = re.compile(f"[{UNSEEN_PATTERN}\ud800-\udfff]")
_REFUSED_IN_LINES = re.compile(f"[{_UNSEEN_IN_LINES}\ud800-\udfff]")

QUANTITY_PATTERN = r"^(0|[1-9][0-9]{0,11})(\.[0-9]{1,3})?$"
ABOVE_ZERO_PATTERN = r"^(0\.[0-9]{0,2}[1-9]|0\.[0-9]{0,1}[1-9][0-9]?|[1-9][0-9]{0,11}(\.[0-9]{1,3})?)$"


class Schema(MarshmallowSchema):
    """Marshmallow's, with messages of our own."""

    error_messages = {"unknown": _l("Este campo no se conoce."), "type": _l("Se espera un objeto.")}


class Strict(fields.Field[Any]):
    """A field with messages of our own and a description for the document."""

    default_error_messages = _MESSAGES

    def __init__(self, description: Label = "", *, example: Any = None, **options: Any) -> None:
        metadata = dict(options.pop("metadata", {}))
        if description:
            metadata["description"] = description
        if example is not None:
            metadata["examples"] = [example]
        super().__init__(metadata=metadata | dict(self.shape()), **options)

    def make_error(self, key: str, **_values: object) -> ValidationError:
        return ValidationError([str(self.error_messages[key])])

    def shape(self) -> Mapping[str, Any]:
        """What the document says besides."""
        return {}


class Text(Strict):
    """Text that people can see, in one spelling."""

    def __init__(self, description: Label = "", *, most: int, **options: Any) -> None:
        self.most = most
        super().__init__(description, **options)

    def shape(self) -> Mapping[str, Any]:
        return {
            "type": "string",
            "minLength": 1,
            "maxLength": self.most,
            "pattern": rf"^[^\s{UNSEEN_PATTERN}][^{UNSEEN_PATTERN}]{{0,{self.most - 1}}}$",
        }

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_options: Any) -> str:
        if not isinstance(value, str):
            raise self.make_error("type")
        self.check(value)
        text = self.clean(value)
        if len(value) > self.most or len(text) > self.most:
            raise ValidationError(str(_l("Como mucho %(most)s caracteres.", most=self.most)))
        return text

    def _serialize(self, value: Any, attr: str | None, obj: Any, **_options: Any) -> str | None:
        return None if value is None else str(value)

    def check(self, value: str) -> None:
        _refuse(_REFUSED, value)
        if not value or value[0].isspace():
            raise ValidationError(str(_l("No puede empezar por un espacio ni quedar vacío.")))

    def clean(self, value: str) -> str:
        return normalise(value)


class Lines(Text):
    """Text of several lines, or none."""

    def shape(self) -> Mapping[str, Any]:
        return {
            "type": "string",
            "maxLength": self.most,
            "pattern": LINES_PATTERN,
        }

    def check(self, value: str) -> None:
        _refuse(_REFUSED_IN_LINES, value)

    def clean(self, value: str) -> str:
        return "\n".join(normalise(line) for line in re.split(r"\r\n|\r|\n", value)).strip()


def _refuse(unseen: re.Pattern[str], value: str) -> None:
    if unseen.search(value):
        raise ValidationError(str(_l("Contiene caracteres que no se ven.")))


class Code(Text):
    """What people call a product by."""

    def shape(self) -> Mapping[str, Any]:
        return {
            "type": "string",
            "minLength": 1,
            "maxLength": self.most,
            "pattern": rf"^[\p{{L}}\p{{N}}_][\p{{L}}\p{{N}}_ .\-/+#]{{0,{self.most - 1}}}$",
        }

    def clean(self, value: str) -> str:
        if not re.fullmatch(r"\w[\w .\-/+#]*", value):
            raise ValidationError(
                str(_l("Use letras, números, espacios y . - _ / + # (empiece por letra o número)."))
            )
        return normalise(value)


class Quantity(Strict):
    """An exact decimal number, as text: JSON's numbers are not exact."""

    def __init__(
        self, description: Label = "", *, above_zero: bool = False, signed: bool = False, **options: Any
    ):
        self.pattern = ABOVE_ZERO_PATTERN if above_zero else QUANTITY_PATTERN
        self.signed = signed
        super().__init__(description, **options)

    def shape(self) -> Mapping[str, Any]:
        return {
            "type": "string",
            "pattern": self.pattern.replace("^", "^-?", 1) if self.signed else self.pattern,
        }

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_options: Any) -> Decimal:
        if not isinstance(value, str):
            raise self.make_error("type")
        if not re.fullmatch(self.pattern, value):
            raise ValidationError(
                str(_l('Escriba la cantidad como texto, con punto y hasta tres decimales: "12.500".'))
            )
        return Decimal(value)

    def _serialize(self, value: Any, attr: str | None, obj: Any, **_options: Any) -> str | None:
        return None if value is None else f"{Decimal(value).quantize(Decimal('0.001')):f}"


class Whole(Strict):
    """A whole number within bounds."""

    def __init__(self, description: Label = "", *, least: int = 1, most: int, **options: Any) -> None:
        self.least, self.most = least, most
        super().__init__(description, **options)

    def shape(self) -> Mapping[str, Any]:
        return {"type": "integer", "minimum": self.least, "maximum": self.most}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_options: Any) -> int:
        if isinstance(value, str) and self.metadata.get("in_query") and re.fullmatch(r"-?[0-9]{1,18}", value):
            value = int(value)
        # JSON knows one kind of number: 1.0 is 1
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.make_error("type")
        if not self.least <= value <= self.most:
            raise ValidationError(str(_l("Entre %(least)s y %(most)s.", least=self.least, most=self.most)))
        return value

    def _serialize(self, value: Any, attr: str | None, obj: Any, **_options: Any) -> int | None:
        return None if value is None else int(value)


class Flag(Strict):
    def shape(self) -> Mapping[str, Any]:
        return {"type": "boolean"}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_options: Any) -> bool:
        if isinstance(value, str) and self.metadata.get("in_query") and value in ("true", "false"):
            return value == "true"
        if not isinstance(value, bool):
            raise self.make_error("type")
        return value

    def _serialize(self, value: Any, attr: str | None, obj: Any, **_options: Any) -> bool:
        return bool(value)


class OneOf(Strict):
    """One of a few words."""

    def __init__(self, description: Label = "", *, words: Sequence[str], **options: Any) -> None:
        self.words = list(words)
        super().__init__(description, **options)

    def shape(self) -> Mapping[str, Any]:
        return {"type": "string", "enum": self.words}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_options: Any) -> str:
        if not isinstance(value, str) or value not in self.words:
            raise ValidationError(str(_l("Uno de: %(words)s.", words=", ".join(self.words))))
        return value

    def _serialize(self, value: Any, attr: str | None, obj: Any, **_options: Any) -> str | None:
        return None if value is None else str(value)


class Time(Strict):
    """A moment in UTC, as RFC 3339 writes it."""

    def shape(self) -> Mapping[str, Any]:
        return {"type": "string", "format": "date-time"}

    def _serialize(
        self, value: datetime.datetime | None, attr: str | None, obj: Any, **_options: Any
    ) -> str | None:
        # MySQL gives UTC, without a zone
        return None if value is None else value.isoformat(timespec="microseconds") + "Z"
