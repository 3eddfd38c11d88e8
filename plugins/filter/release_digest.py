"""Name a release of an application by everything that goes into it."""

from __future__ import annotations

import hashlib
import pathlib
import re
from collections.abc import Iterable
from typing import Any

# what is in an archive and in a release's folder, and where; another number makes every release anew
LAYOUT = 2
IGNORED_FOLDERS = {"__pycache__", "build", "dist", "node_modules", "venv"}
IGNORED_SUFFIXES = (".pyc", ".egg-info")
# a line of a requirements file that takes in another one
INCLUDED = re.compile(r"\s*(?:-r|-c|--requirement|--constraint)[\s=]+(\S+)")


def ignored(name: str) -> bool:
    """What a build, an interpreter or an operator leaves beside the source: it is no part of a release."""
    return name in IGNORED_FOLDERS or name.endswith(IGNORED_SUFFIXES) or name.startswith(".")


def release_files(source: str, paths: Iterable[str]) -> list[str]:
    """Give the files of a release, sorted and relative to its folder.

    :param source: folder of the application.
    :param paths: files and folders in it that belong to a release; one that is missing is left out.
    """
    folder = pathlib.Path(source)
    if not folder.is_dir():
        raise ValueError(f"webapp_source is no folder: {source}")
    files: set[pathlib.Path] = set()
    for name in paths:
        path = folder / name
        found = path.rglob("*") if path.is_dir() else [path]
        files.update(file.relative_to(folder) for file in found if file.is_file())
    return sorted(str(file) for file in files if not any(ignored(part) for part in file.parts))


def requirement_files(requirements: str) -> list[pathlib.Path]:
    """Give the file that pins the packages, and those that it takes in.

    :param requirements: its path; empty for none.
    """
    if not requirements:
        return []
    found: list[pathlib.Path] = []
    pending = [pathlib.Path(requirements)]
    while pending:
        file = pending.pop()
        if file in found:
            continue
        if not file.is_file():
            raise ValueError(f"webapp_requirements is, or takes in, no file: {file}. Empty names none")
        found.append(file)
        lines = file.read_text(encoding="utf-8").splitlines()
        pending += [file.parent / match[1] for line in lines if (match := INCLUDED.match(line))]
    return sorted(found)


def release_digest(source: str, paths: Iterable[str], requirements: str, *platform: Any) -> str:
    """Give twelve hexadecimal digits that change exactly when the release does.

    :param source: folder of the application, or a wheel of it.
    :param paths: files and folders in it that belong to a release.
    :param requirements: file that pins the packages; empty for none, then what the application asks for decides.
    :param platform: whatever else the installed release depends on, as the node's Python and processor.
    """
    digest = hashlib.sha256(repr([LAYOUT, *(str(part) for part in platform)]).encode())
    wheel = pathlib.Path(source)
    if wheel.suffix == ".whl" and not wheel.is_file():
        raise ValueError(f"webapp_source is no file: {source}")
    if wheel.suffix == ".whl":
        contents = {wheel.name: wheel}
    else:
        contents = {name: wheel / name for name in release_files(source, paths)}
    if not contents:
        raise ValueError(f"webapp_source holds none of webapp_source_paths: {source}")
    for name, file in contents.items():
        digest.update(name.encode() + b"\0" + file.read_bytes() + b"\0")
    for file in requirement_files(requirements):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Any]:
        return {"release_digest": release_digest, "release_files": release_files}
