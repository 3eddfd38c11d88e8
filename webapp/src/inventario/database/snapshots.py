"""What was read need not be read again while the server has executed nothing since.

The statement that every request begins with tells what its server has executed (`saw`). What is computed of
the database alone can be kept under that moment (`as_of`); another transaction, whatever it changed, makes it
another one. What is kept may be newer than its moment, by what was committed while it was read: never older.
"""

from __future__ import annotations

from collections.abc import Hashable

from inventario.database.connections import REPLICA
from inventario.database.extension import db, engine

_SEEN = "executed"


def saw(gtids: str) -> None:
    """The server behind this request's reads had executed these transactions."""
    db.session().info[_SEEN] = gtids


def as_of() -> Hashable | None:
    """The moment that this request reads, to keep things under; None where it is not known."""
    info = db.session().info
    gtids = info.get(_SEEN)
    # inside a unit that writes the data are not what others see; a server without GTIDs has no moments
    if not gtids or info.get("unit") == "write":
        return None
    return engine(REPLICA), gtids
