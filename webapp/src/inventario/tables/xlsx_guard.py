"""Looks at an XLSX archive before anything unpacks it, and at its XML before anything builds trees of it."""

from __future__ import annotations

import zipfile
from typing import Any, BinaryIO
from xml.parsers import expat

import defusedxml
from flask_babel import gettext as _

from inventario.tables.reading import Unreadable

_MEBIBYTE = 1024 * 1024

_MEMBERS = 500
_UNPACKED = 400 * _MEBIBYTE
# spreadsheets of like rows shrink to a fiftieth, a bomb to a thousandth
_RATIO = 150
_RATIO_COUNTS_FROM = _MEBIBYTE
# the texts of all cells stay in memory, and so does what describes the book
_STRINGS = 64 * _MEBIBYTE
_DESCRIPTION = 8 * _MEBIBYTE
_STRING_ELEMENTS = 4_000_000
_DESCRIPTION_ELEMENTS = 300_000
_CHUNK = 256 * 1024


def inspect(stream: BinaryIO) -> None:
    """Refuse what would cost more to read than a table can need. The sheets bound themselves as they are read.

    :raise Unreadable: it is too large, or made to be.
    """
    with zipfile.ZipFile(stream) as archive:
        members = archive.infolist()
        if (
            len(members) > _MEMBERS
            or len({member.filename for member in members}) < len(members)
            or sum(member.file_size for member in members) > _UNPACKED
        ):
            raise _bomb()
        for member in members:
            _weigh(member)
        for member in members:
            if _is_xml(member) and not _is_sheet(member):
                _count(archive, member)
    stream.seek(0)


def harmless_parser() -> expat.XMLParserType:
    """A parser that stops at what a workbook has no use for: document types, and with them entities."""

    def refuse(name: str, system: str | None, public: str | None, _internal: Any) -> None:
        raise defusedxml.DTDForbidden(name, system, public)

    parser = expat.ParserCreate(None, "}")
    parser.StartDoctypeDeclHandler = refuse
    parser.buffer_text = True
    return parser


def _weigh(member: zipfile.ZipInfo) -> None:
    if member.flag_bits & 0x1:
        raise Unreadable(_("El libro está protegido con contraseña. Guárdelo sin ella."))
    if member.file_size > _RATIO_COUNTS_FROM and member.file_size > _RATIO * max(member.compress_size, 1):
        raise _bomb()
    most = _STRINGS if _is_strings(member) else _DESCRIPTION
    if _is_xml(member) and not _is_sheet(member) and member.file_size > most:
        raise _bomb()


def _count(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """Stop at too many elements: a tree of them takes a hundred times the room of their text."""
    left = _STRING_ELEMENTS if _is_strings(member) else _DESCRIPTION_ELEMENTS

    def start(_name: str, attributes: dict[str, str]) -> None:
        nonlocal left
        left -= 1
        # what is not counted because it is a sheet must not be read as something else
        target = attributes.get("Target") or attributes.get("PartName") or ""
        kind = attributes.get("Type") or attributes.get("ContentType") or ""
        if left < 0 or ("worksheets" in target and not kind.endswith(("/worksheet", ".worksheet+xml"))):
            raise _bomb()

    parser = harmless_parser()
    parser.StartElementHandler = start
    with archive.open(member) as stream:
        while chunk := stream.read(_CHUNK):
            parser.Parse(chunk, False)
        parser.Parse(b"", True)


def _is_xml(member: zipfile.ZipInfo) -> bool:
    # whatever may be taken for XML; pictures and macros are never opened
    return member.filename.lower().endswith((".xml", ".rels", ".vml"))


def _is_sheet(member: zipfile.ZipInfo) -> bool:
    return member.filename.startswith("xl/worksheets/") and member.filename.endswith(".xml")


def _is_strings(member: zipfile.ZipInfo) -> bool:
    return member.filename == "xl/sharedStrings.xml"


def _bomb() -> Unreadable:
    return Unreadable(
        _("El libro es demasiado grande por dentro. Deje una sola hoja con la tabla, sin imágenes.")
    )
