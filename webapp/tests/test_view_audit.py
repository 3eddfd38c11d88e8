from __future__ import annotations

import re

import pytest
from markupsafe import escape
from sqlalchemy import URL

from browser import Browser
from mysql_server import Administrator

MARKUP = "<script>alert(1)</script>"


def rows(page: str) -> list[str]:
    return re.findall(r"<tr>.*?</tr>", page.partition("<tbody>")[2], re.DOTALL)


def text(row: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", row).split())


def test_before_anything_happened(browser: Browser, administrator: Administrator, database: URL) -> None:
    administrator.execute(f"DELETE FROM `{database.database}`.audit_entries")
    assert "Aún no hay nada anotado." in browser.get("/audit").text


def test_who_did_what_when_and_from_where(browser: Browser) -> None:
    browser.register("T-1")
    row = rows(browser.get("/audit", headers={"X-Request-ID": "the-request-that-looks"}).text)[0]
    for part in ("ana", "Registró un producto", "T-1", "127.0.0.1", "test"):
        assert part in text(row)
    assert re.search(r'<time datetime="\d{4}-\d\d-\d\dT[\d:.]+Z">', row)
    assert re.search(r'href="/products/\d+"', row)


def test_a_movement_in_words(browser: Browser) -> None:
    browser.register("T-1")
    target = re.findall(r'href="(/products/\d+)"', browser.get("/audit").text)[0]
    fields = {"kind": "in", "quantity": "1200", "reason": "purchase", "note": MARKUP}
    assert browser.submit(f"{target}/movements/new", **fields).status_code == 302
    page = browser.get("/audit?family=stock").text
    assert MARKUP not in page
    assert str(escape(MARKUP)) in page
    (row,) = rows(page)
    for part in ("Movió existencias", "Cantidad: 0", "1.200", "Tipo: Entrada", "Motivo: Compra"):
        assert part in text(row)


def test_filters_are_kept_by_the_page_and_its_links(
    browser: Browser, administrator: Administrator, database: URL
) -> None:
    values = ", ".join(
        f"(1, 'ana', 'product.created', 'product', 'product', 1, 'T-{number}', '', '', '', "
        "'2024-05-01 22:30:00')"
        for number in range(60)
    )
    administrator.execute(
        f"INSERT INTO `{database.database}`.audit_entries (user_id, username, action, family, subject_type, "
        f"subject_id, subject, address, node, request_id, created_at) VALUES {values}"
    )
    browser.client.set_cookie("inventario_time_zone", "Europe/Madrid")
    # by the reader's clock it is the next day already
    assert "Nada coincide" in browser.get("/audit?from=2024-05-01&to=2024-05-01").text
    page = browser.get("/audit?person=ana&family=product&from=2024-05-02&to=2024-05-02").text
    assert len(rows(page)) == 50
    for part in ('value="ana"', 'value="2024-05-02"', '<option value="product" selected>'):
        assert part in page
    (older,) = re.findall(r'rel="next" href="([^"]*)"', page)
    for part in ("person=ana", "family=product", "from=2024-05-02", "to=2024-05-02"):
        assert part in older
    assert len(rows(browser.get(older.replace("&amp;", "&")).text)) == 10


@pytest.mark.parametrize(
    "query",
    [
        "older=x",
        "older=99999999999999999999999",
        "newer=-1",
        "from=0001-01-01&to=9999-12-31",
        "from=2024-13-01",
        "person=%00",
        "subject=%F0%9F%98%80",
        "family=nothing",
        "person=" + "x" * 5000,
    ],
)
def test_strange_queries(browser: Browser, query: str) -> None:
    assert browser.get(f"/audit?{query}").status_code == 200


def test_it_is_for_administrators(browser: Browser, administrator: Administrator, database: URL) -> None:
    assert 'href="/audit"' in browser.get("/products").text
    administrator.execute(f"UPDATE `{database.database}`.users SET role = 'operator' WHERE id = 1")
    try:
        assert browser.get("/audit").status_code == 403
        assert 'href="/audit"' not in browser.get("/products").text
    finally:
        administrator.execute(f"UPDATE `{database.database}`.users SET role = 'administrator' WHERE id = 1")
