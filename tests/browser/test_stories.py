"""Promise: what people do all day works in a browser, on the cluster as it runs: coming in and being kept out, products
and their conflicts, stock, what others do at the same moment, files in and out, the audit log, the API's page."""

from __future__ import annotations

import csv
import io
import pathlib
import re
import secrets
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from visiting import open_product, register, sign_in, try_to_sign_in

from proof.cluster import Cluster

Photograph = Callable[[Page, str], None]
# a browser of its own, signed in by name and password, or not at all
Visit = Callable[..., Page]
LIVE_MILLISECONDS = 2_000


@pytest.fixture
def screen() -> str:
    """test_every_page has seen all of them on a phone."""
    return "desktop"


@pytest.fixture
def visit(browser: Browser, cluster: Cluster) -> Iterator[Visit]:
    contexts = []

    def come(username: str = "", password: str = "") -> Page:
        context = browser.new_context(base_url=cluster.url, locale="es-ES")
        contexts.append(context)
        context.set_default_timeout(15_000)
        page = context.new_page()
        if username:
            sign_in(page, username, password)
        return page

    yield come
    for context in contexts:
        context.close()


@pytest.fixture
def administrator(visit: Visit, cluster: Cluster) -> Page:
    return visit(cluster.username, cluster.password)


@pytest.fixture
def code(session_mark: str, request: pytest.FixtureRequest) -> str:
    return f"{session_mark}-{request.node.name[5:20].upper().strip('_')}".replace("_", "-")


def registered(page: Page, code: str, name: str = "Tornillo de ala", **fields: str) -> str:
    """The address of a new product's page, on which it is."""
    register(page, code, name, **fields)
    address = open_product(page, code)
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    return address


def move(page: Page, product: str, kind: str, quantity: str) -> None:
    page.goto(f"{product}/movements/new?kind={kind}")
    page.locator("[name=quantity]").fill(quantity)
    page.locator("main form button.btn-primary").click()


def create_person(page: Page, username: str, role: str, password: str) -> None:
    page.goto("/people/new")
    page.locator("[name=username]").fill(username)
    page.locator(f"[name=role][value={role}]").check()
    page.locator("[name=new_password]").fill(password)
    page.locator("[name=repeated]").fill(password)
    page.get_by_role("button", name="Crear", exact=True).click()
    page.wait_for_url(lambda address: not address.endswith("/people/new"))


def change_password(page: Page, old: str, new: str) -> None:
    page.locator("[name=current]").fill(old)
    page.locator("[name=new_password]").fill(new)
    page.locator("[name=repeated]").fill(new)
    page.get_by_role("button", name="Cambiar", exact=True).click()
    page.wait_for_url(lambda address: not address.endswith("/account/password"))


def test_somebody_new_chooses_a_password_and_sees_what_the_role_allows(
    administrator: Page, visit: Visit, session_mark: str, photograph: Photograph
) -> None:
    first, own = secrets.token_urlsafe(12), secrets.token_urlsafe(12)
    name = f"vera.{session_mark}"
    create_person(administrator, name, "viewer", first)
    photograph(administrator, "story-person-created")
    vera = visit(name, first)
    expect(vera).to_have_url(re.compile("/account/password"))
    vera.goto("/products")
    expect(vera).to_have_url(re.compile("/account/password"))
    photograph(vera, "story-password-must-be-changed")
    change_password(vera, first, own)
    vera.goto("/products")
    expect(vera.get_by_role("heading", name="Productos")).to_be_visible()
    expect(vera.get_by_role("link", name="Nuevo producto")).to_have_count(0)
    answer = vera.goto("/products/new")
    assert answer
    assert answer.status == 403
    photograph(vera, "story-no-permission")


def test_a_new_password_ends_the_other_sessions_and_wrong_ones_lock(
    administrator: Page, visit: Visit, session_mark: str, photograph: Photograph
) -> None:
    first, own, other = (secrets.token_urlsafe(12) for _ in range(3))
    name = f"olga.{session_mark}"
    create_person(administrator, name, "operator", first)
    here = visit(name, first)
    change_password(here, first, own)
    there = visit(name, own)
    here.goto("/account/password")
    change_password(here, own, other)
    here.goto("/products")
    expect(here.get_by_role("heading", name="Productos")).to_be_visible()
    there.goto("/products")
    expect(there).to_have_url(re.compile("/login"))
    stranger = visit()
    for _ in range(6):
        try_to_sign_in(stranger, name, "no es esta contraseña")
    photograph(stranger, "story-locked")
    try_to_sign_in(stranger, name, other)
    expect(stranger).to_have_url(re.compile("/login"))
    # who is known to the account goes on
    here.goto("/products")
    expect(here.get_by_role("heading", name="Productos")).to_be_visible()


def test_a_code_that_is_taken_is_said_while_typing(administrator: Page, code: str, photograph: Photograph) -> None:
    registered(administrator, code)
    administrator.goto("/products/new")
    administrator.locator("[name=code]").press_sequentially(code.lower())
    expect(administrator.locator("#code-taken")).to_contain_text(code)
    photograph(administrator, "story-code-taken")


def test_two_people_edit_the_same_product(
    administrator: Page, visit: Visit, cluster: Cluster, code: str, photograph: Photograph
) -> None:
    product = registered(administrator, code, "Nombre de antes")
    colleague = visit(cluster.username, cluster.password)
    for page in (administrator, colleague):
        page.goto(f"{product}/edit")
    administrator.locator("[name=name]").fill("Nombre de la primera")
    administrator.get_by_role("button", name="Guardar", exact=True).click()
    expect(administrator.get_by_role("heading", name="Nombre de la primera")).to_be_visible()
    colleague.locator("[name=name]").fill("Nombre de la segunda")
    colleague.locator("[name=description]").fill("Con descripción")
    colleague.get_by_role("button", name="Guardar", exact=True).click()
    expect(colleague.get_by_text("Nombre de la primera")).to_be_visible()
    expect(colleague.get_by_text("Nombre de la segunda")).to_be_visible()
    photograph(colleague, "story-both-versions")
    colleague.get_by_role("button", name="Guardar lo elegido").click()
    expect(colleague.get_by_text("Con descripción").first).to_be_visible()


def test_stock_comes_and_goes_and_never_below_nothing(administrator: Page, code: str, photograph: Photograph) -> None:
    product = registered(administrator, code, minimum="3")
    move(administrator, product, "in", "10")
    administrator.goto(product)
    expect(administrator.locator(".figures")).to_contain_text("10")
    move(administrator, product, "out", "11")
    expect(administrator.locator("main")).to_contain_text("10")
    expect(administrator.locator("[name=quantity]")).to_have_value("11")
    photograph(administrator, "story-not-enough")
    move(administrator, product, "out", "8")
    administrator.goto(product)
    expect(administrator.locator(".figures")).to_contain_text("2")
    expect(administrator.locator("#balance canvas")).to_be_visible()
    photograph(administrator, "story-product")
    administrator.goto("/")
    expect(administrator.get_by_text(code).first).to_be_visible()
    expect(administrator.locator("canvas").first).to_be_visible()
    photograph(administrator, "story-dashboard")
    administrator.goto("/audit")
    expect(administrator.get_by_text(code).first).to_be_visible()
    photograph(administrator, "story-audit")


def test_retired_and_back(administrator: Page, code: str) -> None:
    product = registered(administrator, code)
    administrator.get_by_role("button", name="Retirar", exact=True).click()
    expect(administrator.get_by_text("Retirado", exact=True).first).to_be_visible()
    administrator.goto(f"/products?q={code}")
    expect(administrator.get_by_role("rowheader", name=code)).to_have_count(0)
    administrator.goto(f"/products?q={code}&state=retired")
    expect(administrator.get_by_role("rowheader", name=code)).to_have_count(1)
    administrator.goto(product)
    administrator.get_by_role("button", name="Recuperar", exact=True).click()
    administrator.goto(f"/products?q={code}")
    expect(administrator.get_by_role("rowheader", name=code)).to_have_count(1)


def test_products_from_a_file_and_back_into_one(
    administrator: Page, code: str, tmp_path: pathlib.Path, photograph: Photograph
) -> None:
    administrator.set_default_timeout(30_000)
    wrong, right = tmp_path / "mal.csv", tmp_path / "bien.csv"
    header = "código;nombre;descripción;unidad;categoría;mínimo;cantidad\n"
    wrong.write_text(f"{header}{code}-1;Cable;;ud;Electricidad;2;5\n{code}-1;Otro;;nada;;;\n", encoding="utf-8")
    rows = "".join(f"{code}-{number};Cable de {number} mm;=1+1;ud;Electricidad;2;5\n" for number in range(1, 41))
    right.write_text(header + rows, encoding="utf-8")
    for file, said in ((wrong, "No se ha guardado nada."), (right, "Se registrarán 40 productos.")):
        administrator.goto("/imports")
        administrator.locator("input[type=file]").set_input_files(file)
        administrator.get_by_role("button", name="Enviar y comprobar").click()
        expect(administrator.get_by_text(said)).to_be_visible(timeout=30_000)
        photograph(administrator, f"story-import-{file.stem}")
    administrator.get_by_role("button", name="Registrar los productos").click()
    expect(administrator.get_by_text("40 productos registrados.")).to_be_visible(timeout=30_000)
    administrator.goto(f"/products?q={code}-")
    expect(administrator.get_by_role("status").filter(has_text="40 productos")).to_be_visible()
    with administrator.expect_download() as download:
        administrator.get_by_role("link", name="CSV").first.click()
    text = pathlib.Path(download.value.path()).read_text(encoding="utf-8-sig")
    table = list(csv.reader(io.StringIO(text), delimiter=";" if ";" in text.split("\n", 1)[0] else ","))
    assert len(table) == 41
    # a spreadsheet must not compute what somebody wrote
    assert not [cell for row in table for cell in row if cell.startswith(("=", "+", "@"))]


def test_what_one_does_another_sees_without_reloading(
    administrator: Page, visit: Visit, cluster: Cluster, code: str
) -> None:
    product = registered(administrator, code)
    watching = visit(cluster.username, cluster.password)
    watching.goto(f"/products?q={code}")
    cell = watching.locator("[data-product-id] [data-field=quantity]")
    expect(cell).to_have_text("0")
    # the page says so once it has asked for the first time
    expect(watching.locator("[data-live-state=on]")).to_be_visible()
    watching.evaluate("window.notReloaded = true")
    for number in range(1, 4):
        move(administrator, product, "in", "7")
        expect(cell).to_have_text(str(7 * number), timeout=LIVE_MILLISECONDS)
    assert watching.evaluate("window.notReloaded")


def test_language_and_look_are_switched_and_stay(administrator: Page, photograph: Photograph) -> None:
    administrator.goto("/products")
    administrator.get_by_role("button", name="English").click()
    expect(administrator.get_by_role("heading", name="Products")).to_be_visible()
    administrator.locator("[data-theme-switch] button[value=dark]").click()
    expect(administrator.locator("html")).to_have_attribute("data-bs-theme", "dark")
    administrator.goto("/products/new")
    expect(administrator.locator("html")).to_have_attribute("data-bs-theme", "dark")
    expect(administrator.locator("html")).to_have_attribute("lang", "en")
    photograph(administrator, "story-english-dark")


def test_the_page_of_the_api(administrator: Page, photograph: Photograph) -> None:
    administrator.goto("/api/v1/docs")
    expect(administrator.locator(".swagger-ui .info")).to_be_visible()
    expect(administrator.locator(".opblock").first).to_be_visible()
    photograph(administrator, "story-api")


def test_what_is_not_there_helps(administrator: Page, photograph: Photograph) -> None:
    answer = administrator.goto("/products/999999999")
    assert answer
    assert answer.status == 404
    expect(administrator.get_by_role("link", name=re.compile("inicio", re.IGNORECASE)).first).to_be_visible()
    photograph(administrator, "story-not-found")
