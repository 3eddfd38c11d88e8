"""Mitogen's linear strategy, found through the virtual environment's own packages instead of a path to them."""

from ansible_mitogen.plugins.strategy.mitogen_linear import StrategyModule  # noqa: F401
