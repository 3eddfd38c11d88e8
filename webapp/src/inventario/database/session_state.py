"""What MySQL tells of a session along with its answer to a statement (session_track_gtids)."""

from __future__ import annotations

from collections.abc import Iterator

# a flag in the status of an answer
CHANGED = 0x4000
_GTIDS = 3
# how many bytes follow that hold a length, for what one byte does not hold
_LENGTHS = {0xFC: 2, 0xFD: 3, 0xFE: 8}


def gtids(message: bytes) -> str:
    """The GTIDs in what follows the status of an OK packet with the flag `CHANGED`; empty without any."""
    _for_people, rest = _text(message)
    state, _rest = _text(rest)
    for kind, content in _changes(state):
        if kind == _GTIDS:
            # after a byte for the encoding, of which there is one
            found, _rest = _text(content[1:])
            return "".join(found.decode().split())
    return ""


def _changes(state: bytes) -> Iterator[tuple[int, bytes]]:
    while state:
        kind = state[0]
        content, state = _text(state[1:])
        yield kind, content


def _text(data: bytes) -> tuple[bytes, bytes]:
    """A text with its length before it, and what comes after it."""
    size = _LENGTHS.get(data[0], 0) if data else 0
    length = int.from_bytes(data[1 : 1 + size], "little") if size else data[0] if data else 0
    begin = 1 + size
    return data[begin : begin + length], data[begin + length :]
