"""Where to go after a login: only ever to a page of our own."""

from __future__ import annotations

from urllib.parse import urlsplit


def safe_target(target: str | None, default: str) -> str:
    """The target when it is a path of this site, else the default.

    Browsers take a backslash for a slash and drop tabs and line ends, so that "/\\t/host" would lead away.
    """
    if not target or not target.startswith("/") or "\\" in target:
        return default
    if any(ord(character) < 33 or ord(character) == 127 for character in target):
        return default
    parts = urlsplit(target)
    if parts.scheme or parts.netloc or target.startswith("//"):
        return default
    return target
