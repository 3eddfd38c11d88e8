from __future__ import annotations

import io
import threading
import zipfile
from collections.abc import Callable, Sequence

import openpyxl
import pytest
from flask import Flask
from sqlalchemy import URL
from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse, stream_encode_multipart

from browser import Browser
from conftest import USERNAME, make_app
from inventario.background import Worker
from mysql_server import Administrator

HEADINGS = ("código", "nombre", "unidad", "categoría", "cantidad")
GOOD = "código,nombre,unidad,categoría,cantidad\nT-1,Tornillo,ud,Ferretería,5\nT-2,Tuerca,unidad,,\n"


def finish(app: Flask) -> None:
    """Until the work in the background is done."""
    worker: Worker = app.extensions["inventario_background"]
    worker.wait(60)


def upload(browser: Browser, content: str | bytes, name: str = "tabla.csv", **fields: str) -> TestResponse:
    data = content.encode() if isinstance(content, str) else content
    sent = {**browser.hidden("/imports"), **fields, "file": FileStorage(io.BytesIO(data), name)}
    # the client's own way leaves a temporary file behind
    stream, length, boundary = stream_encode_multipart(sent, use_tempfile=False)
    kind = f"multipart/form-data; boundary={boundary}"
    return browser.client.post(
        "/imports", buffered=True, input_stream=stream, content_length=length, content_type=kind
    )


def page_of(browser: Browser, app: Flask, content: str | bytes, name: str = "tabla.csv") -> str:
    """What the page of an import says when its file has been read."""
    response = upload(browser, content, name)
    assert response.status_code == 302, response.text
    finish(app)
    return browser.get(response.location).text


def workbook(rows: Sequence[Sequence[object]]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(list(row))
    return saved(book)


def saved(book: openpyxl.Workbook) -> bytes:
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def repacked(content: bytes, change: Callable[[str, bytes], bytes]) -> bytes:
    """A workbook with some of its parts changed, as no spreadsheet writes it."""
    stream = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as old,
        zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
    return stream.getvalue()


def test_upload_look_at_it_take_it_over(browser: Browser, app: Flask) -> None:
    response = upload(browser, GOOD)
    assert response.status_code == 302
    finish(app)
    page = browser.get(response.location).text
    for text in (
        "Se registrarán 2 productos.",
        "Se crea 1 categoría:",
        "Ferretería",
        "Tuerca",
        "1 empieza con",
    ):
        assert text in page
    assert "Aún no hay productos" in browser.get("/products").text
    again = browser.post(f"{response.location}/run", browser.hidden(response.location))
    assert again.location == response.location
    finish(app)
    assert "2 productos registrados." in browser.get(response.location).text
    listed = browser.get("/products").text
    assert "T-1" in listed
    assert "Ferretería" in listed
    assert "Terminado" in browser.get("/imports").text


def test_progress_is_told_as_json(browser: Browser, app: Flask) -> None:
    location = upload(browser, GOOD).location
    finish(app)
    assert browser.get(f"{location}/progress").json == {
        "state": "checked", "at_work": False, "done": 0, "total": 2
    }  # fmt: skip


def test_sent_to_one_node_taken_over_by_another(
    browser: Browser, app: Flask, database: URL, password: str
) -> None:
    location = upload(browser, GOOD).location
    finish(app)
    other_node = make_app(database)
    other = Browser(other_node)
    other.login(USERNAME, password)
    other.post(f"{location}/run", other.hidden(location))
    finish(other_node)
    assert "2 productos registrados." in browser.get(location).text


def test_repeated_clicks_count_once(browser: Browser, app: Flask, database: URL, password: str) -> None:
    location = upload(browser, GOOD).location
    finish(app)
    fields = browser.hidden(location)
    for _ in range(3):
        assert browser.post(f"{location}/run", fields).status_code == 302
    finish(app)
    page = browser.post(f"{location}/run", fields, follow_redirects=True).text
    assert "2 productos registrados." in page
    assert "2 productos" in browser.get("/products").text


def test_the_same_upload_twice_is_one_import(browser: Browser, app: Flask) -> None:
    fields = browser.hidden("/imports")
    first, second = (upload(browser, GOOD, **fields) for _ in range(2))
    finish(app)
    assert first.location == second.location
    assert upload(browser, GOOD + "T-3,Clavo,ud,,\n", **fields).status_code == 422


def test_problems_are_shown_and_can_be_downloaded(browser: Browser, app: Flask) -> None:
    location = upload(browser, "código;nombre;unidad\n=1+1;;ud\nT-1;Tornillo;=cmd\n").location
    finish(app)
    page = browser.get(location).text
    assert "3 problemas." in page
    assert "/run" not in page
    refused = browser.post(f"{location}/run", browser.hidden("/imports"), follow_redirects=True)
    assert "ya está en marcha o no se puede hacer" in refused.text
    assert "Aún no hay productos" in browser.get("/products").text
    file = browser.get(f"{location}/problems.csv")
    assert file.mimetype == "text/csv"
    assert file.text.splitlines() == [
        "\ufeffFila;Columna;Problema",
        "2;Código;Use letras, números, espacios y . - _ / + # (empiece por letra o número).",
        "2;Nombre;Escriba un nombre.",
        "3;Unidad;No hay ninguna unidad «=cmd».",
    ]


@pytest.mark.parametrize(
    ("language", "checked"), [("es", "Se registrará 1 producto."), ("en", "1 product will be registered.")]
)
def test_the_example_can_be_imported(browser: Browser, app: Flask, language: str, checked: str) -> None:
    browser.client.set_cookie("inventario_language", language)
    example = browser.get("/imports/example.csv")
    assert checked in page_of(browser, app, example.data)


@pytest.mark.parametrize(
    "content",
    [
        GOOD,
        GOOD.replace(",", ";"),
        GOOD.replace(",", "\t"),
        "\ufeff" + GOOD,
        "sep=;\n" + GOOD.replace(",", ";"),
        GOOD.replace("\n", "\r\n"),
        GOOD.encode("cp1252"),
        GOOD.replace("Tornillo", '"Tornillo\n4 mm"').replace("Tuerca", '"Tuerca ""M4"""'),
        "NAME,Unit,CODE,Quantity,category\nTornillo,ud,T-1,5,Ferretería\nTuerca,UNIDAD,T-2,,\n",
        workbook([HEADINGS, ("T-1", "Tornillo", "ud", "Ferretería", 5), (2, "Tuerca", "ud", None, None)]),
    ],
    ids=["comma", "semicolon", "tab", "bom", "sep", "crlf", "cp1252", "quoted", "english", "xlsx"],
)
def test_spellings_of_the_same_table(browser: Browser, app: Flask, content: str | bytes) -> None:
    page = page_of(browser, app, content)
    assert "Se registrarán 2 productos." in page
    assert "Ferretería" in page


def _bomb(_name: str, _data: bytes) -> bytes:
    return b"<x>" + b" " * 40_000_000 + b"</x>"


LAUGHS = (
    b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'
    b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData/></worksheet>'
)
SHEET = LAUGHS[LAUGHS.index(b"<worksheet") :].replace(b"<sheetData/>", b"<sheetData>%s</sheetData>")
BOOK = workbook([HEADINGS, ("T-1", "Tornillo", "ud", "", 5)])
HUGE = "demasiado grande por dentro"
DAMAGED = "dañado"
STRANGE = "No se entiende el texto del archivo"


def in_sheet(xml: bytes) -> bytes:
    return repacked(BOOK, lambda name, data: xml if name == "xl/worksheets/sheet1.xml" else data)


def in_part(part: str, change: Callable[[bytes], bytes]) -> bytes:
    return repacked(BOOK, lambda name, data: change(data) if name == part else data)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "está vacío"),
        ("\n\n", "no tiene ninguna fila"),
        ("código,nombre,unidad\n", "no hay ninguna fila"),
        (",".join(["x"] * 10_000) + "\n", "más de 50 columnas"),
        (GOOD + "x," * 5_000_000 + "\n", "demasiado larga"),
        (GOOD + '"abierta\n', "comillas"),
        (GOOD.encode() + b"T-3,\x00\x00,ud,,\n", "Contiene caracteres que no se ven"),
        (b"\x00\x01\x02\x03", STRANGE),
        (GOOD.encode("utf-16"), STRANGE),
        (GOOD.encode() + b"T-3,\xed\xa0\x80,ud,,\n", STRANGE),
        (b"c,n\nT-3,\xed\xa0\x80,ud,,\n", STRANGE),
        (GOOD.encode() + b"T-3,Ni\xf1o,ud,,\n", STRANGE),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"x" * 600, "Excel antiguo"),
        (b"PK\x03\x04" + b"x" * 1000, DAMAGED),
        (repacked(BOOK, lambda name, data: b"" if name == "xl/workbook.xml" else data), DAMAGED),
        (in_part("xl/styles.xml", lambda _data: _bomb("", b"")), HUGE),
        (in_part("xl/theme/theme1.xml", lambda _data: b"<x>" + b"<y/>" * 400_000 + b"</x>"), HUGE),
        (in_part("[Content_Types].xml", lambda data: data.replace(
            b"/xl/styles.xml", b"/xl/worksheets/sheet1.xml")), HUGE),
        (in_sheet(_bomb("", b"")), HUGE),
        (in_sheet(LAUGHS), DAMAGED),
        (in_sheet(SHEET % (b'<row r="1"><c r="ZZZZZZZZ1"><v>1</v></c></row>')), DAMAGED),
        (in_sheet(SHEET % (b'<row r="999999999999"><c><v>1</v></c></row>')), DAMAGED),
        (in_sheet(SHEET % (b'<row r="1"><c r="A1" t="s"><v>99</v></c></row>')), DAMAGED),
        (in_sheet(SHEET % (b'<row r="1">' + b"<c><v>1</v></c>" * 10_000 + b"</row>")), "más de 50 columnas"),
        (in_sheet(SHEET % (b'<row r="1"><c r="XFD1"><v>1</v></c></row>')), "más de 50 columnas"),
        (in_sheet(SHEET % b""), "no tiene ninguna fila"),
        (workbook([HEADINGS, ("T-1", "=1+1", "ud", "", "=SUM(A1:A9)")]), "Contiene una fórmula"),
        (workbook([HEADINGS, ("T-1", "x" * 40_000, "ud", "", 1)]), "Como mucho 120 caracteres"),
        (workbook([HEADINGS, ("T-1", True, "ud", "", 1)]), "verdadero o falso"),
    ],
)  # fmt: skip
def test_hostile_and_broken_files_are_explained(
    browser: Browser, app: Flask, content: str | bytes, said: str
) -> None:
    page = page_of(browser, app, content)
    assert said in page
    assert "/run" not in page


def test_a_workbook_with_shared_and_rich_strings(browser: Browser, app: Flask) -> None:
    """As Excel itself writes them; openpyxl writes each text where it stands."""
    main = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    texts = [b"<t>%s</t>" % text.encode() for text in (*HEADINGS[:3], "T-1", "ud")]
    texts.append(b"<r><t>Torni</t></r><r><t>llo</t></r><rPh sb='0' eb='1'><t>nada</t></rPh>")
    strings = b'<sst xmlns="%s">%s</sst>' % (main, b"".join(b"<si>%s</si>" % text for text in texts))
    cells = [b'<c t="s"><v>%d</v></c>' % number for number in (0, 1, 2, 3, 5, 4)]
    rows = b"<row>%s</row><row>%s</row>" % (b"".join(cells[:3]), b"".join(cells[3:]))
    part = (
        b'<Override PartName="/xl/sharedStrings.xml" ContentType='
        b'"application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"/></Types>'
    )
    content = repacked(
        in_sheet(SHEET % rows),
        lambda name, data: data.replace(b"</Types>", part) if name == "[Content_Types].xml" else data,
    )
    stream = io.BytesIO(content)
    with zipfile.ZipFile(stream, "a") as archive:
        archive.writestr("xl/sharedStrings.xml", strings)
    page = page_of(browser, app, stream.getvalue())
    assert "Se registrará 1 producto." in page
    assert "Tornillo" in page
    assert "nada" not in page


def test_macros_links_and_other_sheets_are_left_alone(browser: Browser, app: Flask) -> None:
    book = openpyxl.load_workbook(io.BytesIO(BOOK))
    book.create_sheet("otra").append(['=WEBSERVICE("http://192.0.2.1/")'])
    content = saved(book)
    stream = io.BytesIO(content)
    with zipfile.ZipFile(stream, "a") as archive:
        archive.writestr("xl/vbaProject.bin", b"\x00" * 100)
        archive.writestr("xl/externalLinks/externalLink1.xml", "<externalLink/>")
    assert "Se registrará 1 producto." in page_of(browser, app, stream.getvalue(), "macro.xlsm")


def test_markup_in_names_and_cells_is_text(browser: Browser, app: Flask) -> None:
    markup = "<script>alert(1)</script>"
    page = page_of(browser, app, f'código,nombre,unidad\nT-1,"{markup}",ud\n', f"{markup}.csv")
    assert markup not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert markup not in browser.get("/imports").text


def test_larger_than_the_limit(database: URL, empty_tables: None, password: str) -> None:
    node = make_app(database, import_megabytes="1")
    browser = Browser(node)
    browser.login(USERNAME, password)
    assert upload(browser, b"x" * 2**20).status_code == 302
    finish(node)
    assert upload(browser, b"x" * (2**20 + 2**17)).status_code == 413


def test_other_forms_stay_small(browser: Browser) -> None:
    assert browser.post("/products/new", {"name": "x" * 100_000}).status_code == 413


def test_without_a_file(browser: Browser) -> None:
    response = browser.post("/imports", browser.hidden("/imports"))
    assert response.status_code == 422
    assert "Elija un archivo." in response.text


@pytest.mark.parametrize("path", ["", "/progress", "/problems.csv"])
def test_an_import_that_is_not_there(browser: Browser, path: str) -> None:
    assert browser.get(f"/imports/nada{path}").status_code == 404


def test_an_interrupted_import_says_so_and_can_be_run_again(
    browser: Browser, app: Flask, administrator: Administrator, database: URL
) -> None:
    location = upload(browser, GOOD).location
    finish(app)
    administrator.execute(
        f"UPDATE `{database.database}`.import_jobs SET state = 'running', claim = REPEAT('0', 32), "
        "heartbeat_at = UTC_TIMESTAMP(6) - INTERVAL 1 HOUR"
    )
    page = browser.get(location).text
    assert "El trabajo se ha interrumpido." in page
    browser.post(f"{location}/run", browser.hidden(location))
    finish(app)
    assert "2 productos registrados." in browser.get(location).text


def test_too_much_at_once_is_refused_by_the_node(browser: Browser, app: Flask) -> None:
    worker: Worker = app.extensions["inventario_background"]
    started, free = threading.Event(), threading.Event()

    def hold() -> None:
        assert free.wait(60)

    worker.hand_over(started.set, language="es")
    worker.hand_over(hold, language="es")
    assert started.wait(60)
    for _ in range(4):
        worker.hand_over(hold, language="es")
    location = upload(browser, GOOD).location
    assert "ocupado con otras importaciones" in browser.get(location).text
    free.set()
    finish(app)
