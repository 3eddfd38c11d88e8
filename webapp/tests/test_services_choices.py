from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask, g

from inventario.services import catalogue, choices
from inventario.services.actors import Actor
from inventario.services.submissions import new_key


@pytest.fixture(autouse=True)
def nothing_remembered(app: Flask) -> Iterator[None]:
    app.extensions.pop("inventario_choices", None)
    yield
    app.extensions.pop("inventario_choices", None)


def names(app: Flask, after: str = "") -> list[str]:
    """The categories that a request sees, of somebody with these own writes."""
    with app.test_request_context():
        g.read_after = after
        return [name for _number, name in choices.choices().categories]


def add(app: Flask, name: str, actor: Actor) -> str:
    """Make a category; the writes of whoever made it."""
    with app.test_request_context():
        catalogue.add_category(name, actor=actor, submission_key=new_key())
        return str(g.read_after)


def test_who_has_written_sees_it_and_so_do_others_then(app: Flask, actor: Actor) -> None:
    assert names(app) == []
    written = add(app, "Cables", actor)
    assert names(app) == []
    assert names(app, written) == ["Cables"]
    assert names(app) == ["Cables"]


def test_what_is_remembered_ends_though_somebody_writes_all_the_time(
    app: Flask, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else each process would keep the writes of everybody, for ever."""
    now = 1000.0
    monkeypatch.setattr("inventario.services.choices.time.monotonic", lambda: now)
    for number in range(20):
        names(app, add(app, f"Categoría {number}", actor))
        now += 1
    assert len(app.extensions["inventario_choices"].seen) <= choices._SECONDS + 1
