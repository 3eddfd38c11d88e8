"""Who reads the page that is being made, as far as it can be known."""

from __future__ import annotations

from flask import g, has_request_context
from flask_login import current_user

from inventario.database import DatabaseUnavailable
from inventario.models import Person, User


def reader() -> Person | User | None:
    """The signed-in person, or None: for what a page looks like, never for what may be done.

    Unlike `current_user` it does not fail when the database that knows the person is away: the page that says
    so must still be made.
    """
    if not has_request_context() or g.get("reader_is_unknown"):
        return None
    try:
        # the person itself: templates would go through the proxy at every use
        return current_user._get_current_object() if current_user.is_authenticated else None
    except DatabaseUnavailable:
        g.reader_is_unknown = True
        return None


def ask_no_more_who_reads() -> None:
    """The database is away: whoever is not known by now stays unknown."""
    g.reader_is_unknown = "_login_user" not in g
