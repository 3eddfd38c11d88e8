from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import URL

from inventario.services import tokens
from inventario.services.actors import Actor
from inventario.services.submissions import KeyOfAnother, new_key
from inventario.services.tokens import NewToken
from mysql_server import Administrator

READING = NewToken("Informe de la noche", may_write=False, expires_at=None)


@pytest.fixture(autouse=True)
def _request(app: Flask) -> Iterator[None]:
    with app.test_request_context():
        yield


def made(key: str, user_id: int = 1) -> str:
    return tokens.new_token(b"the site's own", user_id, key)


def create(actor: Actor, new: NewToken = READING, key: str = "") -> str:
    key = key or new_key()
    return tokens.create(new, made(key, actor.user_id or 0), actor=actor, submission_key=key)


def test_a_token_stands_for_its_owner(actor: Actor) -> None:
    reading, writing = create(actor), create(actor, dataclasses.replace(READING, may_write=True))
    bearer = tokens.authenticate(reading)
    assert bearer is not None
    assert bearer.user.username == actor.username
    assert not bearer.may_write
    other = tokens.authenticate(writing)
    assert other is not None
    assert other.may_write


@pytest.mark.parametrize("token", ["", "inv_", "inv_" + "x" * 43, "x" * 47, "inv_" + "ñ" * 43, "' OR 1=1 -- "])
def test_anything_else_is_nobody(actor: Actor, token: str) -> None:
    create(actor)
    assert tokens.authenticate(token) is None


def test_only_its_hash_is_kept(actor: Actor, administrator: Administrator, database: URL) -> None:
    token = create(actor)
    rows = administrator.execute(f"SELECT * FROM `{database.database}`.api_tokens")
    assert len(rows) == 1
    assert token not in str(rows)
    assert token.removeprefix("inv_") not in str(
        administrator.execute(f"SELECT * FROM `{database.database}`.audit_entries")
    )


def test_a_token_expires(actor: Actor) -> None:
    now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
    hour = datetime.timedelta(hours=1)
    assert tokens.authenticate(create(actor, dataclasses.replace(READING, expires_at=now - hour))) is None
    assert tokens.authenticate(create(actor, dataclasses.replace(READING, expires_at=now + hour))) is not None


def test_a_revoked_token_is_nobody_and_listed_no_more(actor: Actor) -> None:
    token = create(actor)
    (row,) = tokens.of_user(1)
    assert tokens.revoke(row.id, actor=actor, submission_key=new_key())
    assert tokens.authenticate(token) is None
    assert tokens.of_user(1) == []


def test_nobody_revokes_another_ones(actor: Actor, administrator: Administrator, database: URL) -> None:
    administrator.execute(
        f"INSERT INTO `{database.database}`.users (id, username, password_hash, role) "
        "VALUES (2, 'luz', 'x', 'viewer')"
    )
    token = create(actor)
    (row,) = tokens.of_user(1)
    stranger = dataclasses.replace(actor, user_id=2, username="luz")
    assert not tokens.revoke(row.id, actor=stranger, submission_key=new_key())
    assert tokens.authenticate(token) is not None
    key = new_key()
    create(actor, key=key)
    with pytest.raises(KeyOfAnother):
        create(stranger, key=key)


def test_the_token_of_somebody_who_left(actor: Actor, administrator: Administrator, database: URL) -> None:
    token = create(actor)
    administrator.execute(f"UPDATE `{database.database}`.users SET active = 0 WHERE id = 1")
    try:
        assert tokens.authenticate(token) is None
        # a request that came in before that
        with pytest.raises(tokens.OwnerGone):
            create(actor)
    finally:
        administrator.execute(f"UPDATE `{database.database}`.users SET active = 1 WHERE id = 1")


def test_a_form_makes_one_token(actor: Actor, administrator: Administrator, database: URL) -> None:
    key = new_key()
    token = create(actor, key=key)
    assert create(actor, key=key) == token
    assert len(tokens.of_user(1)) == 1
    administrator.execute(
        f"UPDATE `{database.database}`.api_tokens SET created_at = created_at - INTERVAL 2 MINUTE"
    )
    assert create(actor, key=key) == ""


def test_every_form_and_person_has_a_token_of_its_own() -> None:
    key = new_key()
    assert len({made(key), made(key, 2), made(new_key()), tokens.new_token(b"another site", 1, key)}) == 4


def test_not_without_end(actor: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "MOST_TOKENS", 1)
    create(actor)
    with pytest.raises(tokens.TooManyTokens):
        create(actor)
