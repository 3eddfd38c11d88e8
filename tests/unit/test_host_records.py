"""Groups become plain records: in the order given, each with what its host has."""

from __future__ import annotations

from loading import load

host_records = load("plugins/filter/host_records.py").host_records

HOSTVARS = {
    "app2": {"node_address": "192.0.2.22", "weight": 2},
    "app1": {"node_address": "192.0.2.21", "weight": None, "unasked": True},
    "other": {"node_address": "192.0.2.99"},
}


def test_hosts_keep_their_order_and_fields_their_new_names() -> None:
    assert host_records(["app2", "other"], HOSTVARS, address="node_address") == [
        {"name": "app2", "address": "192.0.2.22"},
        {"name": "other", "address": "192.0.2.99"},
    ]


def test_what_a_host_lacks_is_left_out_but_an_empty_value_is_kept() -> None:
    assert host_records(["other", "app1"], HOSTVARS, weight="weight") == [
        {"name": "other"},
        {"name": "app1", "weight": None},
    ]


def test_no_hosts_give_no_records() -> None:
    assert host_records([], HOSTVARS, address="node_address") == []
