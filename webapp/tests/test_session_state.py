"""What MySQL tells with its answer to COMMIT, as the protocol has it."""

from __future__ import annotations

import pytest
from flask import Flask

from inventario.database import session_state
from inventario.database.connections import SOURCE, BoundedConnection
from inventario.database.extension import engine

# a change of the session's state that is none of its GTIDs
SCHEMA = b"\x01\x05\x04shop"


def measured(text: bytes) -> bytes:
    """With its length before it."""
    length = len(text)
    return (bytes([length]) if length < 251 else b"\xfc" + length.to_bytes(2, "little")) + text


def packet(state: bytes) -> bytes:
    """With nothing for people."""
    return measured(b"") + measured(state)


def gtids_change(text: bytes) -> bytes:
    return b"\x03" + measured(b"\x00" + measured(text))


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (packet(gtids_change(b"a:1-5")), "a:1-5"),
        (packet(SCHEMA + gtids_change(b"a:1-5,\nb:1")), "a:1-5,b:1"),
        (packet(gtids_change(b"a:1-5," * 100)), "a:1-5," * 100),
        (packet(SCHEMA), ""),
        (packet(b""), ""),
        (b"", ""),
    ],
)
def test_gtids_are_found(message: bytes, expected: str) -> None:
    assert session_state.gtids(message) == expected


def test_the_answer_to_commit_tells_what_the_source_has_executed(app: Flask) -> None:
    with app.app_context(), engine(SOURCE).connect() as connection:
        driver: object = connection.connection.dbapi_connection
        assert isinstance(driver, BoundedConnection)
        connection.exec_driver_sql("INSERT INTO categories (name) VALUES ('una')")
        connection.commit()
        told = driver.executed
        assert told
        found = connection.exec_driver_sql("SELECT @@GLOBAL.gtid_executed").scalar_one()
        assert told == "".join(found.split())
