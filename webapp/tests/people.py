"""More people for the tests, by the services that make them."""

from __future__ import annotations

import dataclasses
import functools

from flask import Flask

from browser import Browser
from inventario.database import db, writes
from inventario.models import User
from inventario.services import people, tokens
from inventario.services.actors import Actor
from inventario.services.passwords import hash_password
from inventario.services.submissions import new_key

PASSWORD = "una frase de prueba"


@dataclasses.dataclass(frozen=True)
class Person:
    id: int
    username: str


def add(app: Flask, username: str, role: str, *, must_change_password: bool = False) -> Person:
    """Somebody with this role and the password of the tests."""

    @writes()
    def insert() -> int:
        user = User(
            username=username,
            role=role,
            password_hash=_hash(),
            must_change_password=must_change_password,
        )
        db.session.add(user)
        db.session.flush()
        return user.id

    with app.test_request_context():
        return Person(insert(), username)


def signed_in(app: Flask, username: str, role: str) -> Browser:
    """The browser of a new person with this role."""
    add(app, username, role)
    browser = Browser(app)
    browser.login(username, PASSWORD)
    return browser


def token(app: Flask, username: str, *, may_write: bool = True) -> str:
    """An API token of this person."""
    with app.test_request_context():
        (user,) = people.page(username).users
        actor = Actor(user.id, username, user.role, "192.0.2.1", "test", "0123456789abcdef")
        key = new_key()
        made = tokens.new_token(b"tests", user.id, key)
        new = tokens.NewToken("tests", may_write=may_write, expires_at=None)
        return tokens.create(new, made, actor=actor, submission_key=key)


@functools.cache
def _hash() -> str:
    return hash_password(PASSWORD)
