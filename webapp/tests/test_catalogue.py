"""Every text that people see exists in English too. What is missing is added with pybabel (see README.md)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po

WEBAPP = Path(__file__).parents[1]
CATALOGUE = WEBAPP / "src/inventario/translations/en/LC_MESSAGES/messages.po"
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%%|\{\w+\}")

Texts = tuple[str, ...]


@pytest.fixture(scope="module")
def used() -> dict[Texts, str]:
    """The texts in the source, each in its forms, and a file in which it is."""
    with (WEBAPP / "babel.cfg").open(encoding="utf-8") as file:
        methods, options = parse_mapping_cfg(file)  # type: ignore[no-untyped-call]
    # lazy_gettext is imported under this name
    keywords = {**DEFAULT_KEYWORDS, "_l": None}
    found = extract_from_dir(WEBAPP / "src" / "inventario", methods, options, keywords)
    return {_forms(message): filename for filename, _line, message, _comments, _context in found}


@pytest.fixture(scope="module")
def translated() -> Catalog:
    with CATALOGUE.open("rb") as file:
        return read_po(file, locale="en")


def test_every_text_has_its_english(used: dict[Texts, str], translated: Catalog) -> None:
    assert len(used) > 100
    english = _by_text(translated)
    assert not [f"{filename}: {forms[0]}" for forms, filename in used.items() if forms not in english]


def test_no_english_is_left_without_its_text(used: dict[Texts, str], translated: Catalog) -> None:
    assert not [forms[0] for forms in _by_text(translated) if forms not in used]


def test_nothing_is_empty_or_a_guess(translated: Catalog) -> None:
    for forms, english in _by_text(translated).items():
        assert len(english) == len(forms), forms
        assert all(text.strip() for text in english), forms
    assert not [message.id for message in translated if message.id and message.fuzzy]


def test_placeholders_are_the_same(translated: Catalog) -> None:
    for forms, english in _by_text(translated).items():
        for spanish, text in zip(forms, english, strict=True):
            assert sorted(PLACEHOLDER.findall(text)) == sorted(PLACEHOLDER.findall(spanish)), spanish


def _by_text(catalogue: Catalog) -> dict[Texts, Texts]:
    return {_forms(message.id): _forms(message.string or "") for message in catalogue if message.id}


def _forms(message: str | Texts | list[str]) -> Texts:
    return (message,) if isinstance(message, str) else tuple(message)
