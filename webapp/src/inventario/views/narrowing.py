"""What a list with the newest first is asked for, as it stands in an address (the form is narrowing.html)."""

from __future__ import annotations

from collections.abc import Container

from flask import request

from inventario.services.timeline import Period
from inventario.views import periods

_LONGEST = 64


class Narrowing:
    """Reads it, and keeps in `chosen` what the links to the other pages carry on. Nonsense is left out."""

    def __init__(self) -> None:
        self.chosen: dict[str, str] = {}

    def text(self, name: str) -> str:
        return self._keep(name, request.args.get(name, "").strip()[:_LONGEST])

    def one_of(self, name: str, offered: Container[str]) -> str:
        given = request.args.get(name, "")
        return self._keep(name, given if given in offered else "")

    def period(self) -> Period:
        """From one day to another, by the reader's calendar."""
        days = [periods.day(request.args.get(name, "")) for name in ("from", "to")]
        for name, day in zip(("from", "to"), days, strict=True):
            self._keep(name, day.isoformat() if day else "")
        return periods.period(*days)

    def _keep(self, name: str, value: str) -> str:
        if value:
            self.chosen[name] = value
        return value


def place() -> tuple[int | None, int | None]:
    """The row than which those of the page are older, and the one than which they are newer."""
    older, newer = (request.args.get(side, type=int) for side in ("older", "newer"))
    return older, newer
