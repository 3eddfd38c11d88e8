"""Mitogen's linear strategy, found through the virtual environment's own packages instead of a path to them."""

from ansible.plugins.loader import filter_loader, test_loader
from ansible_mitogen.plugins.strategy.mitogen_linear import StrategyModule  # noqa: F401

# Each task of each host runs in a fork of this process: what is loaded here, none of them loads again.
for loader in (filter_loader, test_loader):
    list(loader.all())
