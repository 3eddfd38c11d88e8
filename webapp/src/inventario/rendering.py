"""What makes pages quick: addresses, pieces and anonymous pages made once, catalogues looked up once."""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any

import flask
from flask import Flask, g, get_template_attribute, render_template, request, session
from flask_babel import get_translations
from flask_wtf.csrf import generate_csrf
from markupsafe import Markup

from inventario.database import read_is_stale
from inventario.languages import language
from inventario.presentation import theme

# stands where each visitor's own token will be
_TOKEN = "the-token-of-whoever-reads-this"  # noqa: S105 - it is none
_CSRF_FIELD = "csrf_token"
_MOST_ADDRESSES = 4096
# such as rows of lists, of a kilobyte or less
_MOST_PIECES = 2048
_MOST_LARGE_PIECES = 32

_pages: dict[tuple[str, ...], str] = {}


def register_rendering(app: Flask) -> None:
    """After register_languages, whose functions for templates it replaces."""
    app.jinja_env.globals["url_for"] = url_for
    app.jinja_env.globals |= {"piece": piece, "pieces": pieces, "large_piece": large_piece}
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]
        lambda text: _translations().ugettext(text),
        lambda one, many, count: _translations().ungettext(one, many, count),
        newstyle=True,
    )


def url_for(endpoint: str, **values: Any) -> str:
    """Flask's url_for for templates: the same address is built once, not on every page again."""
    # what depends on the request itself
    if endpoint.startswith(".") or any(name.startswith("_") for name in values):
        return flask.url_for(endpoint, **values)
    return _address(request.script_root, endpoint, tuple(values.items()))


@functools.lru_cache(_MOST_ADDRESSES)
def _address(_script_root: str, endpoint: str, values: tuple[tuple[str, Any], ...]) -> str:
    return flask.url_for(endpoint, **dict(values))


def page_for_everybody(template: str, context: Callable[[], Mapping[str, Any]] = dict) -> str:
    """A page that is the same for all who are not signed in, but for language, look and their CSRF token.

    It is rendered once for each language and look, by a process. Whoever has something to be told, or came with
    a query, gets a page of their own.
    """
    if request.args or "_flashes" in session or read_is_stale():
        return render_template(template, **context())
    key = (template, request.path, request.script_root, language(), theme())
    if key not in _pages:
        # Flask-WTF gives out what it finds here
        setattr(g, _CSRF_FIELD, _TOKEN)
        try:
            _pages[key] = render_template(template, **context())
        finally:
            g.pop(_CSRF_FIELD)
    return _pages[key].replace(_TOKEN, generate_csrf())


def piece(template: str, macro: str, *values: Hashable) -> Markup:
    """What a macro makes of these values: once for each language, by a process, while it is often asked for.

    The macro must depend on its values and the language alone, and its values must be hashed by what they show.
    """
    return _piece(language(), request.script_root, template, macro, values)


def pieces(template: str, macro: str, each: Iterable[Hashable], *values: Hashable) -> Markup:
    """The pieces of a macro for each of these, which is its first value."""
    here, root = language(), request.script_root
    made = (_piece(here, root, template, macro, (one, *values)) for one in each)
    return Markup("\n").join(made)


def large_piece(template: str, macro: str, *values: Hashable) -> Markup:
    """A piece of which only few are kept."""
    return _large_piece(language(), request.script_root, template, macro, values)


def _make(_language: str, _root: str, template: str, macro: str, values: tuple[Hashable, ...]) -> Markup:
    made: Markup = get_template_attribute(template, macro)(*values)
    return made


_piece = functools.lru_cache(_MOST_PIECES)(_make)
_large_piece = functools.lru_cache(_MOST_LARGE_PIECES)(_make)


def _translations() -> Any:
    if "translations" not in g:
        g.translations = get_translations()
    return g.translations
