from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import URL

from conftest import make_app
from inventario import live_tokens
from inventario.database.own_writes import ASK_SOURCE, LONGEST

GTIDS = "3e11fa47-71ca-11e1-9e33-c80aa9429562:1-7,4e11fa47-71ca-11e1-9e33-c80aa9429562:1-9"
HOUR = 3600
# somewhere in an hour
NOW = 1_700_000_000.0


@pytest.fixture
def node(shared_app: Flask) -> Iterator[Flask]:
    with shared_app.test_request_context():
        yield shared_app


def test_a_version_is_the_same_on_every_node_and_tells_nothing(node: Flask, database: URL) -> None:
    version = live_tokens.seal(GTIDS)
    with make_app(database).test_request_context():
        assert live_tokens.seal(GTIDS) == version
        assert live_tokens.unseal(version) == GTIDS
    assert "3e11fa47" not in version
    assert version != live_tokens.seal(GTIDS + ",")


def test_another_secret_makes_another_version(node: Flask, database: URL) -> None:
    version = live_tokens.seal(GTIDS)
    with make_app(database, secret_key="of another company").test_request_context():
        assert live_tokens.seal(GTIDS) != version
        with pytest.raises(live_tokens.ForeignToken):
            live_tokens.unseal(version)


def test_without_transactions_there_is_a_version_too(node: Flask) -> None:
    assert live_tokens.unseal(live_tokens.seal("")) == ""


def test_a_long_history_still_has_a_version_that_fits_into_an_address(node: Flask) -> None:
    longs = [f"{GTIDS}:{number}" * LONGEST for number in (1, 2)]
    versions = [live_tokens.seal(gtids) for gtids in longs]
    assert versions[0] != versions[1]
    assert max(map(len, versions)) < 200
    assert live_tokens.unseal(versions[0]) == ASK_SOURCE


@pytest.mark.parametrize("forged", ["", "x", "AAAA", "ñ", "=", "a" * 5000, f"{ASK_SOURCE}", "\x00"])
def test_a_forged_version_is_refused(node: Flask, forged: str) -> None:
    with pytest.raises(live_tokens.ForeignToken):
        live_tokens.unseal(forged)


def test_a_key_fits_to_the_end_of_the_next_hour(node: Flask) -> None:
    key = live_tokens.key(NOW)
    end = NOW + live_tokens.key_seconds(NOW)
    assert HOUR < live_tokens.key_seconds(NOW) <= 2 * HOUR
    assert live_tokens.key_fits(key, NOW)
    assert live_tokens.key_fits(key, end - 1)
    assert not live_tokens.key_fits(key, end + 1)
    assert not live_tokens.key_fits(key, NOW - HOUR)


@pytest.mark.parametrize("forged", ["", "x", "ñ", "0" * 32])
def test_a_forged_key_does_not_fit(node: Flask, forged: str) -> None:
    assert not live_tokens.key_fits(forged, NOW)
