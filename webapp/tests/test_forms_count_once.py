"""Every form counts once: sent again, with the same key, it changes nothing more."""

from __future__ import annotations

import dataclasses
import html
import re

import pytest
from flask import Flask
from sqlalchemy import URL

from browser import Browser, hidden_fields
from inventario.access import SAFE_METHODS
from inventario.bearer import for_programs
from inventario.idempotency import is_repeatable
from mysql_server import Administrator

PASSWORD = "una frase bastante larga"


@dataclasses.dataclass(frozen=True)
class Form:
    """The page it is on, where it is sent (to the page itself if empty), and what a person fills in."""

    page: str
    action: str = ""
    fields: dict[str, str] = dataclasses.field(default_factory=dict)
    # a statement that makes it possible
    given: str = ""


_NEW_PASSWORD = {"new_password": PASSWORD, "repeated": PASSWORD}

FORMS = {
    "account.end_sessions": Form("/account", "/account/sessions/end"),
    "catalogue.activate_category": Form("/categories/7/edit", "/categories/7/active", {"active": "0"}),
    "catalogue.activate_unit": Form("/units/zz/edit", "/units/zz/active", {"active": "0"}),
    "catalogue.delete_category": Form("/categories/7/edit", "/categories/7/delete"),
    "catalogue.delete_unit": Form("/units/zz/edit", "/units/zz/delete"),
    "catalogue.edit_category": Form("/categories/7/edit", fields={"name": "Otras cosas"}),
    "catalogue.edit_unit": Form("/units/zz/edit", fields={"name": "zetas", "decimals": "0"}),
    "catalogue.move_unit": Form("/units", "/units/zz/move", {"direction": "earlier"}),
    "catalogue.new_category": Form("/categories/new", fields={"name": "Nuevas"}),
    "catalogue.new_unit": Form("/units/new", fields={"code": "yy", "name": "y", "decimals": "0"}),
    "people.change_role": Form("/people/7", "/people/7/role", {"role": "operator"}),
    "people.deactivate": Form("/people/7", "/people/7/deactivate"),
    "people.end_sessions": Form("/people/7", "/people/7/sessions/end"),
    "people.new": Form("/people/new", fields={"username": "luz", "role": "viewer", **_NEW_PASSWORD}),
    "people.reactivate": Form(
        "/people/7", "/people/7/reactivate", given="UPDATE users SET active = 0 WHERE id = 7"
    ),
    "people.set_password": Form("/people/7/password", fields=_NEW_PASSWORD),
    "products.create": Form("/products/new", fields={"code": "N-1", "name": "Nuevo", "unit": "ud"}),
    "products.restore": Form("/products/7", "/products/7/restore", given="UPDATE products SET active = 0"),
    "products.retire": Form("/products/7", "/products/7/retire"),
    "products.save": Form("/products/7/edit", fields={"code": "T-8", "name": "Otro", "unit": "ud"}),
    "stock.make": Form("/products/7/movements/new", fields={"quantity": "5", "reason": "purchase"}),
    "tokens.create": Form("/account/tokens", fields={"name": "Caja", "access": "read", "days": "30"}),
    "tokens.revoke": Form("/account/tokens", "/account/tokens/7/revoke"),
}
# a form with a file and what follows from it (test_view_imports), and one that ends the session that sent it
ELSEWHERE = {"account.password", "imports.create", "imports.run"}


@pytest.fixture
def something(administrator: Administrator, database: URL, app: Flask) -> None:
    """One of each thing, with the id 7."""
    administrator.execute(f"USE `{database.database}`")
    for statement in (
        "INSERT INTO units (code, name, position) VALUES ('zz', 'zeta', 99)",
        "INSERT INTO categories (id, name) VALUES (7, 'Cosas')",
        "INSERT INTO users (id, username, password_hash, role) VALUES (7, 'eva', '', 'viewer')",
        (
            "INSERT INTO products (id, code, name, description, unit_code, created_by_id) "
            "VALUES (7, 'T-7', 'Tornillo', '', 'ud', 1)"
        ),
        "INSERT INTO api_tokens (id, user_id, name, token_hash) VALUES (7, 1, 'Caja', REPEAT('0', 64))",
    ):
        administrator.execute(statement)


def form_on(page: str, action: str, *, own: bool) -> dict[str, str]:
    """The hidden fields of the form that is sent there; `own`: the page's own address need not be written."""
    for attributes, content in re.findall(r"<form([^>]*)>(.*?)</form>", page, re.DOTALL):
        there = f'action="{action}"' in html.unescape(attributes) or (own and "action=" not in attributes)
        if there and "submission_key" in content:
            return hidden_fields(content)
    raise AssertionError(f"no form with a key for {action}")


@pytest.mark.parametrize("endpoint", FORMS)
def test_a_form_counts_once(
    something: None, browser: Browser, administrator: Administrator, endpoint: str
) -> None:
    form = FORMS[endpoint]
    if form.given:
        administrator.execute(form.given)
    action = form.action or form.page
    fields = form_on(browser.get(form.page).text, action, own=not form.action) | form.fields

    def entries() -> int:
        return int(administrator.execute("SELECT COUNT(*) FROM audit_entries")[0][0])

    before = entries()
    answers = [browser.post(action, fields)]
    assert answers[0].status_code < 400, answers[0].text
    assert entries() == before + 1
    answers.append(browser.post(action, fields))
    assert answers[1].status_code < 400, answers[1].text
    assert entries() == before + 1


def test_no_form_is_forgotten(app: Flask) -> None:
    with app.app_context():
        keyed = {
            rule.endpoint
            for rule in app.url_map.iter_rules()
            if (rule.methods or set()) - set(SAFE_METHODS)
            and not for_programs(rule.rule)
            and not is_repeatable(rule.endpoint)
        }
    assert keyed == set(FORMS) | ELSEWHERE
