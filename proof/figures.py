"""Where figures are kept, and how a test takes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from proof.load import Load, Result
from proof.playbook import ROOT

FIGURES = ROOT / "build" / "cluster"
# a load, and what is done to the cluster meanwhile
Measure: TypeAlias = Callable[[Load, Callable[[Load], None]], Result]
