"""The API does what its document says: schemathesis asks it with what that allows, and with what it does not.

In this process, with the same requests each time.
"""

from __future__ import annotations

import itertools
import re
import traceback
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from flask import Flask
from schemathesis import HookContext
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import Status, events, from_schema
from werkzeug.test import Client

from inventario.services.actors import Actor
from program import Program, new_token

# a run without these has shown less than it seems
_LEAST_REQUESTS = 500
_OPERATIONS = 13

_numbers = itertools.count()


@schemathesis.hook
def before_call(_context: HookContext, case: schemathesis.Case[Any], _options: dict[str, Any]) -> None:
    """What nobody can make up is as a client has it; what is malformed stays so."""
    # each request is a change of its own: a key that comes again with another content is refused, and rightly
    key = case.headers.get("Idempotency-Key")
    if isinstance(key, str) and re.fullmatch("[!-~][ -~]{0,200}", key):
        case.headers["Idempotency-Key"] = f"{key}-{next(_numbers)}"
    # a cursor comes from an earlier page of the same list (test_api_products, test_api_movements)
    cursor = case.query.get("cursor")
    if isinstance(cursor, str) and re.fullmatch("[A-Za-z0-9_-]{1,800}", cursor):
        del case.query["cursor"]


class InProcess(Client):
    """Schemathesis 4.32 hands a setting of its network transport to the client of a WSGI application."""

    def open(self, *arguments: Any, **options: Any) -> Any:
        for name in ("max_redirects", "verify", "cert"):
            options.pop(name, None)
        return super().open(*arguments, **options)


@pytest.fixture
def schema(app: Flask, actor: Actor, monkeypatch: pytest.MonkeyPatch) -> schemathesis.BaseSchema:
    monkeypatch.setattr("schemathesis.python.wsgi.get_client", InProcess)
    token = new_token(app, actor)
    Program(app, token).product()
    configuration = {
        "seed": 20261124,
        "workers": 1,
        # of a loaded machine
        "suppress-health-check": ["too_slow"],
        "continue-on-failure": True,
        "auth": {"openapi": {"token": {"bearer": token}}},
        "generation": {"deterministic": True, "mode": "all", "max-examples": 3, "no-shrink": True},
        "phases": {"stateful": {"max-steps": 4, "generation": {"max-examples": 2}}},
        "checks": {
            "positive_data_acceptance": {
                # 412: which version is the current one is nothing that a document can say
                "expected-statuses": ["2xx", "401", "403", "404", "409", "412"],
            },
            # 428: If-Match has a status of its own (RFC 6585)
            "missing_required_header": {"expected-statuses": ["400", "401", "403", "415", "422", "428"]},
        },
    }
    return schemathesis.openapi.from_wsgi(
        "/api/v1/openapi.json", app, config=SchemathesisConfig.from_dict(configuration)
    )


def failures(event: events.ScenarioFinished) -> Iterator[str]:
    for case_id, checks in event.recorder.checks.items():
        for check in checks:
            if check.status != Status.FAILURE or check.failure_info is None:
                continue
            response = event.recorder.interactions[case_id].response
            answer = response.text if response else ""
            # a unit's decimals and whether it is offered are data: the document says what it answers then
            if check.name == "positive_data_acceptance" and "urn:inventario:problem:not-possible" in answer:
                continue
            yield (
                f"{event.recorder.label}: {check.name}: {check.failure_info.failure}\n"
                f"{check.failure_info.code_sample}\n{answer[:500]}"
            )


def test_the_document_and_the_api_agree(schema: schemathesis.BaseSchema) -> None:
    wrong: list[str] = []
    asked = 0
    operations = set()
    for event in from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            asked += len(event.recorder.interactions)
            operations |= {case.value.operation.label for case in event.recorder.cases.values()}
            wrong += failures(event)
        elif isinstance(event, events.NonFatalError):
            wrong.append("".join(traceback.format_exception(event.value)))
        elif isinstance(event, events.FatalError):
            raise event.exception
    assert not wrong, f"{len(wrong)} times:\n\n" + "\n\n".join(dict.fromkeys(wrong))
    assert asked > _LEAST_REQUESTS
    assert len(operations) == _OPERATIONS
