from __future__ import annotations

import io

import openpyxl
import pytest
from flask import Flask
from sqlalchemy import URL

from browser import Browser
from inventario.background import Worker
from inventario.database import DatabaseUnavailable
from inventario.services import finding
from inventario.services.finding import Criteria
from inventario.services.product_rows import Found
from mysql_server import Administrator
from test_services_exporting import fill

HEADINGS = "\ufeffCódigo;Nombre;Descripción;Unidad;Categoría;Mínimo;Cantidad"


def test_csv_of_what_is_looked_for(browser: Browser) -> None:
    browser.register("T-1", name="Camión", category="Vehículos", description='Dice "hola";\ny más')
    browser.register("T-2", name="=1+1")
    response = browser.get("/products/export?format=csv")
    assert response.mimetype == "text/csv"
    assert response.headers["Content-Disposition"].startswith('attachment; filename="productos-')
    assert "Content-Length" not in response.headers
    assert response.text.split("\r\n") == [
        HEADINGS,
        'T-1;Camión;"Dice ""hola"";\ny más";unidad;Vehículos;;0',
        "T-2;'=1+1;;unidad;;;0",
        "",
    ]
    assert browser.get("/products/export?format=csv&q=camion").text.count("T-") == 1


def test_csv_in_english_and_without_the_mark(browser: Browser) -> None:
    browser.register("T-1")
    text = browser.get("/products/export?bom=0", headers={"Accept-Language": "en"}).text
    assert text.splitlines()[1] == "T-1,Tornillo,,unidad,,,0"


def test_the_list_leads_to_a_file_of_what_it_shows(browser: Browser) -> None:
    page = browser.get("/products?q=camion&low=1&sort=-name").text
    for kind in ("csv", "xlsx"):
        assert f'href="/products/export?format={kind}&amp;q=camion&amp;low=1&amp;sort=-name"' in page


def test_xlsx(browser: Browser) -> None:
    browser.register("T-1", name="=1+1", category="Vehículos")
    response = browser.get("/products/export?format=xlsx")
    assert response.headers["Content-Disposition"].endswith('.xlsx"')
    sheet = openpyxl.load_workbook(io.BytesIO(response.data)).active
    assert [[cell.value for cell in row] for row in sheet.rows] == [
        ["Código", "Nombre", "Descripción", "Unidad", "Categoría", "Mínimo", "Cantidad"],
        ["T-1", "=1+1", None, "unidad", "Vehículos", None, 0],
    ]
    assert sheet["B2"].data_type == "s"


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_what_was_exported_can_be_imported(
    browser: Browser, app: Flask, administrator: Administrator, database: URL, kind: str
) -> None:
    browser.register("T-1", category="Vehículos", description="Dos\nlíneas")
    content = browser.get(f"/products/export?format={kind}").data
    for table in ("product_terms", "products"):
        administrator.execute(f"DELETE FROM `{database.database}`.{table}")
    fields = browser.hidden("/imports")
    location = browser.client.post("/imports", data={**fields, "file": (io.BytesIO(content), "x")}).location
    worker: Worker = app.extensions["inventario_background"]
    worker.wait(60)
    assert "Se registrará 1 producto." in browser.get(location).text


def test_nothing_found_is_a_table_without_rows(browser: Browser) -> None:
    assert browser.get("/products/export?q=nada").text == HEADINGS + "\r\n"


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_database_that_is_away_is_a_page(
    browser: Browser, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_arguments: object) -> list[Found]:
        raise DatabaseUnavailable(writing=False)

    monkeypatch.setattr(finding, "_batch", away)
    assert browser.get(f"/products/export?format={kind}").status_code == 503


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_failure_in_the_middle_does_not_look_like_the_end(
    browser: Browser, administrator: Administrator, database: URL, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(administrator, database, 2500)
    batch = finding._batch
    batches = []

    def dies(criteria: Criteria, size: int) -> list[Found]:
        batches.append(criteria)
        if len(batches) == 3:
            raise DatabaseUnavailable(writing=False)
        return batch(criteria, size)

    monkeypatch.setattr(finding, "_batch", dies)
    response = browser.client.get(f"/products/export?format={kind}")
    assert response.status_code == 200
    with pytest.raises(DatabaseUnavailable):
        for _piece in response.iter_encoded():
            pass
    response.close()
