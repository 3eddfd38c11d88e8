"""Cells of files that spreadsheets open."""

from __future__ import annotations

# with these a spreadsheet takes a text for a formula, which may call programs or send data away
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def defused(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
