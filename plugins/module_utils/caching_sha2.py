"""Make the stored string of caching_sha2_password, and tell whether one belongs to a password.

The string is ``$A$005$`` (5 thousand rounds), a salt of 20 bytes and 43 characters of SHA-256 crypt. Ulrich
Drepper's specification
"Unix crypt using SHA-256 and SHA-512" tells the steps; the one difference here is the longer salt.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

ALPHABET = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
SALT_LENGTH = 20
PREFIX = b"$A$"
ORDER = [(i % 30, (i + 10) % 30, (i + 20) % 30) for i in (0, 21, 12, 3, 24, 15, 6, 27, 18, 9)]


def _stretch(block: bytes, length: int) -> bytes:
    return (block * (length // len(block) + 1))[:length]


def _crypt(password: bytes, salt: bytes, rounds: int) -> bytes:
    size = len(password)
    other = hashlib.sha256(password + salt + password).digest()
    start = hashlib.sha256(password + salt + _stretch(other, size))
    bits = size
    while bits:
        start.update(other if bits & 1 else password)
        bits >>= 1
    digest = start.digest()
    p = _stretch(hashlib.sha256(password * size).digest(), size)
    s = _stretch(hashlib.sha256(salt * (16 + digest[0])).digest(), len(salt))
    for i in range(rounds):
        digest = hashlib.sha256(
            (p if i & 1 else digest) + (s if i % 3 else b"") + (p if i % 7 else b"") + (digest if i & 1 else p)
        ).digest()
    out = bytearray()
    for a, b, c in ORDER:
        word = digest[a] << 16 | digest[b] << 8 | digest[c]
        for _ in range(4):
            out.append(ALPHABET[word & 63])
            word >>= 6
    word = digest[31] << 8 | digest[30]
    for _ in range(3):
        out.append(ALPHABET[word & 63])
        word >>= 6
    return bytes(out)


def matches(stored: bytes, password: str) -> bool:
    """Whether ``stored`` (mysql.user.authentication_string) was made from ``password``."""
    if not stored.startswith(PREFIX) or len(stored) < len(PREFIX) + 4 + SALT_LENGTH + 43:
        return False
    try:
        rounds = int(stored[3:6], 16) * 1000
    except ValueError:
        return False
    salt = stored[7 : 7 + SALT_LENGTH]
    return hmac.compare_digest(stored[7 + SALT_LENGTH :], _crypt(password.encode(), salt, rounds))


def make(password: str) -> bytes:
    """A new stored string for ``password``."""
    salt = bytes(secrets.choice(ALPHABET) for _ in range(SALT_LENGTH))
    return PREFIX + b"005$" + salt + _crypt(password.encode(), salt, 5000)
