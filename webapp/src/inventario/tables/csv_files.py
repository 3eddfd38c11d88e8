"""CSV, as Excel in Spanish and everybody else write it."""

from __future__ import annotations

import codecs
import contextlib
import csv
import io
import itertools
import re
from collections.abc import Callable, Iterator
from typing import BinaryIO

from flask_babel import gettext as _

from inventario.tables.reading import Row, Table, Unreadable

_DELIMITERS = ";,\t"
_CHUNK = 64 * 1024
# of one line of the file; a field has csv's own limit, half of it
_LONGEST_LINE = 256 * 1024
# what Excel understands as "this separates the cells"
_SEPARATOR_LINE = re.compile(r'^"?sep=([;,\t])"?\r?\n?$', re.IGNORECASE)
# a lone surrogate, as broken programs write it
_SURROGATE = re.compile(rb"\xed[\xa0-\xbf][\x80-\xbf]")


def read_csv(stream: BinaryIO, recognise: Callable[[str], bool]) -> Table:
    """Rows of a CSV file in UTF-8 or Windows-1252, separated by what makes most of the headings known."""
    encoding = _encoding(stream)
    stream.seek(0)
    text = io.TextIOWrapper(stream, encoding=encoding, newline="")
    lines = _lines(text)
    first = next(lines, "")
    named = _SEPARATOR_LINE.match(first)
    delimiter = named.group(1) if named else _delimiter(first, recognise)
    return Table(
        _rows(lines if named else itertools.chain([first], lines), delimiter),
        "," if delimiter == ";" else ".",
    )


def _rows(lines: Iterator[str], delimiter: str) -> Iterator[Row]:
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    try:
        for number, cells in enumerate(reader, start=1):
            yield Row(number, list(cells))
    except csv.Error as error:
        raise Unreadable(
            _("No se entiende la línea %(line)s: compruebe las comillas.", line=reader.line_num)
        ) from error


def _lines(text: io.TextIOWrapper) -> Iterator[str]:
    number = 0
    try:
        while line := text.readline(_LONGEST_LINE):
            number += 1
            if len(line) >= _LONGEST_LINE:
                raise Unreadable(_("La línea %(line)s es demasiado larga.", line=number))
            yield line
    finally:
        # the stream is the caller's, who may have closed it already
        with contextlib.suppress(ValueError):
            text.detach()


def _delimiter(first: str, recognise: Callable[[str], bool]) -> str:
    def known(delimiter: str) -> tuple[int, int]:
        cells = next(csv.reader([first[: _LONGEST_LINE // 2 - 1]], delimiter=delimiter), [])
        return sum(map(recognise, cells)), len(cells)

    try:
        return max(_DELIMITERS, key=known)
    except csv.Error as error:
        raise Unreadable(
            _("No se entiende la primera fila: debe llevar los nombres de las columnas.")
        ) from error


def _encoding(stream: BinaryIO) -> str:
    """UTF-8 if all of it is; Windows-1252 only if nothing in it could be UTF-8, so that no text is mistaken."""
    start = stream.read(4)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\x00" in start:
        raise _strange()
    if _all(stream, "utf-8", "strict"):
        return "utf-8-sig"
    if start.startswith(codecs.BOM_UTF8) or not _all(stream, "utf-8", "surrogateescape", only_foreign=True):
        raise _strange()
    if not _all(stream, "cp1252", "strict"):
        raise _strange()
    return "cp1252"


def _all(stream: BinaryIO, encoding: str, errors: str, *, only_foreign: bool = False) -> bool:
    """Whether the whole stream can be decoded and, if asked for, nothing but its ASCII is in this encoding."""
    stream.seek(0)
    decoder = codecs.getincrementaldecoder(encoding)(errors)
    before = b""
    while chunk := stream.read(_CHUNK):
        if only_foreign and _SURROGATE.search(before + chunk):
            return False
        before = chunk[-2:]
        try:
            text = decoder.decode(chunk)
        except UnicodeDecodeError:
            return False
        if only_foreign and any(
            character > "\x7f" and not "\udc80" <= character <= "\udcff" for character in text
        ):
            return False
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _strange() -> Unreadable:
    return Unreadable(_("No se entiende el texto del archivo. Guárdelo como «CSV UTF-8» o como .xlsx."))
