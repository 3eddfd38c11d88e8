"""Name a release of an application by everything that goes into it."""

from __future__ import annotations

import hashlib
import pathlib
from collections.abc import Iterable
from typing import Any

IGNORED_FOLDERS = {"__pycache__", "build", "dist"}
IGNORED_SUFFIXES = (".pyc", ".egg-info")


def source_files(source: pathlib.Path, paths: Iterable[str]) -> list[pathlib.Path]:
    """The files of a release, sorted; what a build or an interpreter leaves behind is none of them."""
    files: set[pathlib.Path] = set()
    for name in paths:
        path = source / name
        found = path.rglob("*") if path.is_dir() else [path]
        files.update(file for file in found if file.is_file())
    return sorted(
        file
        for file in files
        if not any(
            part in IGNORED_FOLDERS or part.endswith(IGNORED_SUFFIXES) for part in file.relative_to(source).parts
        )
    )


def release_digest(source: str, paths: Iterable[str], requirements: str, *platform: Any) -> str:
    """Give twelve hexadecimal digits that change exactly when the release does.

    :param source: folder of the application.
    :param paths: files and folders in it that belong to a release.
    :param requirements: file that pins the packages; it may be missing, then the application brings none.
    :param platform: whatever else the installed release depends on, as the node's Python and processor.
    """
    folder = pathlib.Path(source)
    if not folder.is_dir():
        raise ValueError(f"webapp_source is no folder: {source}")
    digest = hashlib.sha256(repr([str(part) for part in platform]).encode())
    for file in source_files(folder, paths):
        digest.update(str(file.relative_to(folder)).encode() + b"\0" + file.read_bytes() + b"\0")
    pins = pathlib.Path(requirements)
    if pins.is_file():
        digest.update(pins.read_bytes())
    return digest.hexdigest()[:12]


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Any]:
        return {"release_digest": release_digest}
