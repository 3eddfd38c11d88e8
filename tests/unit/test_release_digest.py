"""A release's name changes with what is released, and with nothing that a build or an interpreter leaves behind."""

from __future__ import annotations

import pathlib
from collections.abc import Callable

import pytest
from loading import load

release_digest = load("plugins/filter/release_digest.py").release_digest
PATHS = ["pyproject.toml", "src"]
FILES = {
    "pyproject.toml": "[project]\n",
    "requirements.txt": "flask==3\n",
    "src/shop/__init__.py": "",
    "src/shop/views.py": "PAGE = 1\n",
    "tests/test_views.py": "",
}


@pytest.fixture
def source(tmp_path: pathlib.Path) -> pathlib.Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def digest(source: pathlib.Path, *platform: str) -> str:
    return release_digest(str(source), PATHS, str(source / "requirements.txt"), *(platform or ("3.13", "x86_64")))


def write(name: str, text: str = "x") -> Callable[[pathlib.Path], None]:
    def change(source: pathlib.Path) -> None:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text(text, encoding="utf-8")

    return change


def rename(old: str, new: str) -> Callable[[pathlib.Path], None]:
    def change(source: pathlib.Path) -> None:
        (source / old).rename(source / new)

    return change


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(write("src/shop/views.py", "PAGE = 2\n"), id="text"),
        pytest.param(write("src/shop/templates/home.html"), id="new file"),
        pytest.param(rename("src/shop/views.py", "src/shop/pages.py"), id="name"),
        pytest.param(write("requirements.txt", "flask==4\n"), id="pins"),
        pytest.param(write("requirements.txt", ""), id="no pins"),
    ],
)
def test_a_change_is_a_new_release(source: pathlib.Path, change: Callable[[pathlib.Path], None]) -> None:
    before = digest(source)
    change(source)
    assert digest(source) != before


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(write("src/shop/__pycache__/views.cpython-313.pyc"), id="bytecode"),
        pytest.param(write("src/shop.egg-info/SOURCES.txt"), id="metadata"),
        pytest.param(write("src/build/lib.py"), id="build"),
        pytest.param(write("tests/test_views.py", "assert True\n"), id="not released"),
        pytest.param(lambda source: (source / "src/shop/views.py").touch(), id="date"),
    ],
)
def test_what_is_not_released_changes_nothing(source: pathlib.Path, change: Callable[[pathlib.Path], None]) -> None:
    before = digest(source)
    change(source)
    assert digest(source) == before


def test_another_python_or_processor_is_another_release(source: pathlib.Path) -> None:
    assert (
        len({digest(source, *platform) for platform in (("3.11", "x86_64"), ("3.13", "x86_64"), ("3.13", "arm64"))})
        == 3
    )


def test_where_the_project_lies_does_not_matter(source: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    for name, text in FILES.items():
        write(name, text)(elsewhere)
    assert digest(elsewhere) == digest(source)


def test_a_project_that_is_not_there_is_told(tmp_path: pathlib.Path) -> None:
    with pytest.raises(ValueError, match="webapp_source"):
        digest(tmp_path / "missing")
