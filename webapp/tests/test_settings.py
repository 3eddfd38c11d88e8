from __future__ import annotations

from pathlib import Path

import pytest

from inventario.settings import SettingsError, administrator, load

COMPLETE = {
    "INVENTARIO_SECRET_KEY": "sixteen characters and more",
    "INVENTARIO_DATABASE_WRITE_URL": "mysql+pymysql://writer:one@127.0.0.1:3306/db_inventario",
    "INVENTARIO_DATABASE_READ_URL": "mysql+pymysql://reader:two@127.0.0.1:3307/db_inventario",
}


@pytest.mark.parametrize("name", COMPLETE)
def test_a_missing_setting_is_named(name: str) -> None:
    with pytest.raises(SettingsError, match=name):
        load({key: value for key, value in COMPLETE.items() if key != name})


@pytest.mark.parametrize("name", COMPLETE)
def test_each_setting_may_come_from_a_file(name: str, tmp_path: Path) -> None:
    file = tmp_path / "value"
    file.write_text(COMPLETE[name] + "\n", encoding="utf-8")
    variables = {key: value for key, value in COMPLETE.items() if key != name} | {f"{name}_FILE": str(file)}
    assert load(variables) == load(COMPLETE)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    variables = {name: value for name, value in COMPLETE.items() if name != "INVENTARIO_SECRET_KEY"}
    variables["INVENTARIO_SECRET_KEY_FILE"] = str(tmp_path / "missing")
    with pytest.raises(SettingsError, match="INVENTARIO_SECRET_KEY_FILE cannot be read"):
        load(variables)


def test_a_setting_given_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="both set"):
        load(COMPLETE | {"INVENTARIO_SECRET_KEY_FILE": str(tmp_path / "key")})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("INVENTARIO_SECRET_KEY", "short"),
        ("INVENTARIO_DATABASE_READ_TIMEOUT", "soon"),
        ("INVENTARIO_DATABASE_READ_TIMEOUT", "-1"),
        ("INVENTARIO_SESSION_COOKIE_SECURE", "yes"),
        ("INVENTARIO_DATABASE_CA", "/nowhere/ca.pem"),
        ("INVENTARIO_DATABASE_WRITE_URL", "mysql+pymysql://writer:one@127.0.0.1:3306/"),
        ("INVENTARIO_DATABASE_WRITE_URL", "postgresql://writer:one@127.0.0.1/db_inventario"),
    ],
)
def test_a_wrong_value_is_named_and_not_shown(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name) as refused:
        load(COMPLETE | {name: value})
    assert "writer:one" not in str(refused.value)


def test_secrets_are_not_in_the_representation() -> None:
    text = repr(load(COMPLETE))
    assert "sixteen" not in text
    assert "writer:one" not in text


def test_no_first_administrator_without_settings() -> None:
    assert administrator({}) is None


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"INVENTARIO_ADMIN_USERNAME": "ana"}, "ADMIN_PASSWORD"),
        ({"INVENTARIO_ADMIN_PASSWORD": "long enough"}, "ADMIN_USERNAME"),
        ({"INVENTARIO_ADMIN_USERNAME": "ana", "INVENTARIO_ADMIN_PASSWORD": "short"}, "ADMIN_PASSWORD"),
    ],
)
def test_half_a_first_administrator_is_refused(variables: dict[str, str], named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        administrator(variables)
