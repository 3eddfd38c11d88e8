"""What open pages hold to see changes: the version that they know, and the key that lets them ask what changed.

Both are the same on every node, so that NGINX answers everybody who asks for the same thing with one answer.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from flask import current_app

from inventario.database.own_writes import ASK_SOURCE, LONGEST

_KEY_SECONDS = 3600


class ForeignToken(ValueError):
    """Not a version that this application gave out."""


def seal(gtids: str) -> str:
    """The version that stands for these transactions: the same for the same ones, telling nothing of them."""
    if len(gtids) > LONGEST:
        # too long for an address: then it only tells versions apart, and the source answers
        gtids = f"{ASK_SOURCE} {hashlib.sha256(gtids.encode()).hexdigest()}"
    return base64.urlsafe_b64encode(_cipher().encrypt(gtids.encode() or b"-", None)).decode().rstrip("=")


def unseal(version: str) -> str:
    """The transactions that a version stands for, as `must_see` takes them."""
    try:
        sealed = base64.b64decode(version + "=" * (-len(version) % 4), altchars=b"-_", validate=True)
        gtids = _cipher().decrypt(sealed, None).decode()
    except (binascii.Error, ValueError, InvalidTag) as error:
        raise ForeignToken from error
    return ASK_SOURCE if gtids.startswith(ASK_SOURCE) else gtids.removeprefix("-")


def key(now: float | None = None) -> str:
    """The key of this hour, for pages of people who are signed in."""
    return _key_of(_hour(now))


def key_seconds(now: float | None = None) -> int:
    """For how long the present key is accepted: to the end of the hour after its own."""
    moment = time.time() if now is None else now
    return int((_hour(moment) + 2) * _KEY_SECONDS - moment)


def key_fits(given: str, now: float | None = None) -> bool:
    hour = _hour(now)
    return any(hmac.compare_digest(given.encode(), _key_of(one).encode()) for one in (hour, hour - 1))


def _hour(now: float | None) -> int:
    return int((time.time() if now is None else now) // _KEY_SECONDS)


def _key_of(hour: int) -> str:
    return _derived(f"live key {hour}", "sha256").hex()[:32]


def _cipher() -> AESSIV:
    # the mode that is made for the same text giving the same cipher
    return AESSIV(_derived("live version", "sha512"))


def _derived(purpose: str, digest: str) -> bytes:
    secret = current_app.secret_key or ""
    return hmac.digest(secret.encode() if isinstance(secret, str) else secret, purpose.encode(), digest)
