"""Load one file of a plugin or a role as a module: they are not packages."""

from __future__ import annotations

import importlib.util
import pathlib
import sys
from types import ModuleType

ROOT = pathlib.Path(__file__).resolve().parents[2]


def load(path: str) -> ModuleType:
    """Give the module in the file ``path``, counted from the project's top."""
    name = pathlib.Path(path).stem
    spec = importlib.util.spec_from_file_location(name, ROOT / path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    # dataclasses and typing look a class's module up by name
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
