"""What a release takes along is what it needs on the node, whatever Python the control node has."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import tarfile
import zipfile

from loading import ROOT

SCRIPT = ROOT / "roles/webapp/files/collect_wheels.sh"


def wheel(folder: pathlib.Path, name: str, *requirements: str) -> pathlib.Path:
    """A package of nothing but its name and what it needs."""
    info = f"{name}-1.0.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
    path = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{info}/METADATA", metadata + "".join(f"Requires-Dist: {each}\n" for each in requirements))
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return path


def test_markers_are_those_of_the_nodes_python(tmp_path: pathlib.Path) -> None:
    index = tmp_path / "index"
    index.mkdir()
    for name in ("gunicorn", "newer", "older", "arm"):
        wheel(index, name)
    guestbook = wheel(
        tmp_path,
        "guestbook",
        "gunicorn",
        'newer; python_version >= "3.14"',
        'older; python_version < "3.14"',
        'arm; platform_machine == "aarch64"',
    )
    archive = tmp_path / "release.tar"
    subprocess.run(
        ["bash", SCRIPT, archive, guestbook, "", "gunicorn", sys.executable, "3.14", "aarch64"],
        env={**os.environ, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(index)},
        input="",
        text=True,
        check=True,
    )
    with tarfile.open(archive) as release:
        names = {pathlib.PurePath(name).name.split("-")[0] for name in release.getnames() if name.endswith(".whl")}
    assert names == {"guestbook", "gunicorn", "newer", "arm"}
