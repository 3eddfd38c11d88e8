"""The load test's module: counting in the access log who served."""

from __future__ import annotations

import json

from test_page_load import load

served_share = load("served_share")


def line(agent: str, node: str) -> str:
    return json.dumps({"user_agent": agent, "served_by": node})


def test_each_run_is_counted_by_node() -> None:
    lines = [line("run-home", "app"), line("run-home", "app"), line("run-home", "app1"), line("run-login", "app")]
    assert served_share.count(lines, ["run-home", "run-login"]) == {
        "run-home": {"app": 2, "app1": 1},
        "run-login": {"app": 1},
    }


def test_others_and_lines_cut_short_are_left_out() -> None:
    lines = [line("run-home-session", "app"), line("browser", "app"), '{"user_agent":"run-home","serv']
    assert served_share.count(lines, ["run-home"]) == {"run-home": {}}


def test_a_request_that_no_node_answered_has_an_empty_name() -> None:
    assert served_share.count([line("run-home", "")], ["run-home"]) == {"run-home": {"": 1}}
