from __future__ import annotations

import datetime
import itertools
from collections.abc import Iterator, Sequence

from babel import Locale
from flask import Blueprint, Response, request, stream_with_context
from flask_babel import gettext as _

from inventario.forms.product_rows import LABELS
from inventario.languages import language
from inventario.services import exporting
from inventario.services.exporting import Exported
from inventario.tables.csv_writing import Value, write_csv
from inventario.tables.xlsx_writing import xlsx
from inventario.views.criteria import parse

blueprint = Blueprint("exports", __name__)

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@blueprint.get("/products/export")
def products() -> Response:
    """What the list shows with the same query, as a file that is made while it is sent.

    A file that ends too early would look whole, so a failure breaks the connection off: the exception reaches
    the server, which then leaves out the end of the chunked answer.
    """
    found = exporting.products(parse(request.args))
    # asked for now, so that a database that is away is a page that says so, and not a broken file
    first = next(found, None)
    rows = _rows(itertools.chain([] if first is None else [first], found))
    if request.args.get("format") == "xlsx":
        return _file(xlsx(_("Productos"), rows), _XLSX, "xlsx")
    mark = str(Locale.parse(language()).number_symbols["latn"]["decimal"])
    bom = request.args.get("bom") != "0"
    return _file(write_csv(rows, decimal_mark=mark, bom=bom), "text/csv", "csv")


def _rows(products: Iterator[Exported]) -> Iterator[Sequence[Value]]:
    yield [str(label) for label in LABELS.values()]
    for product in products:
        yield [getattr(product, column) for column in LABELS]


def _file(pieces: Iterator[str] | Iterator[bytes], mimetype: str, ending: str) -> Response:
    response = Response(stream_with_context(pieces), mimetype=mimetype)
    today = datetime.datetime.now(datetime.UTC).date()
    response.headers["Content-Disposition"] = f'attachment; filename="{_("productos")}-{today}.{ending}"'
    return response
