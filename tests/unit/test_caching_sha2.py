"""A stored caching_sha2_password string, against one that MySQL 9.7 made."""

from __future__ import annotations

from loading import load

caching_sha2 = load("plugins/module_utils/caching_sha2.py")

PHRASE = "correct horse ñ battery staple and some more than sixty-four characters long"
STORED = bytes.fromhex(
    "24412430304124717B231B6948500B53550B660B6B0C42723065444364586C664F653065714379476D55647A635A5277456C454C36725574625A366A3856"
    "684D65326A464538"
)


def test_mysqls_own_string() -> None:
    assert caching_sha2.matches(STORED, PHRASE)
    assert not caching_sha2.matches(STORED, PHRASE + " ")


def test_a_string_of_our_own() -> None:
    made = caching_sha2.make("x")
    assert len(made) == 70
    assert caching_sha2.matches(made, "x")
    assert not caching_sha2.matches(made, "y")


def test_what_is_no_such_string() -> None:
    assert not caching_sha2.matches(b"", "")
    assert not caching_sha2.matches(b"*81F5E21E35407D884A6CD4A731AEBFB6AF209E1B", "x")
