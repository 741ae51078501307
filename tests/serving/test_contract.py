"""What the API's document promises: no failure of ours on any input, every answer as its schema says.

`XIAOBAO_EXAMPLES=500 pytest tests/serving/test_contract.py` is the long run of `make prove`; the suite tries a few.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.core.transport import Response
from schemathesis.python.asgi import shutdown_lifespans
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from data.store.api_keys import NewApiKey
from data.store.scope import ROOT
from data.store.unit_of_work import Store, open_store
from models.predictor import Predictor
from serving.access.permissions import PERMISSIONS
from serving.app import create_app
from tests.data.store.cases import build_organisation, masters, put, user_id
from tests.serving.banks import bank_settings, bearer

EXAMPLES = int(os.environ.get("XIAOBAO_EXAMPLES", "6"))
CHECKS = [
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
OUR_FAILURES = frozenset(range(500, 600)) - {503}
# Signing out would end the session of the test; the stream of events does not end, and has tests of its own.
LEFT_OUT = {"/v1/sessions/current", "/v1/events"}
CALLERS = ("key", "person", "nobody")


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    store = open_store(url, masters("2026a"))
    build_organisation(store)
    put(store)
    yield store
    store.close()


@pytest.fixture
def document(url: str, store: Store, shipped_predictor: Predictor) -> Iterator[Any]:
    """The app's document as schemathesis reads it; calls go to the app in this process."""
    app = create_app(bank_settings(url), shipped_predictor)
    yield schemathesis.openapi.from_asgi("/openapi.json", app)
    shutdown_lifespans()


def headers_of(store: Store, caller: str) -> dict[str, str]:
    with store.writing() as work:
        if caller == "key":
            new = NewApiKey(name="测试", source_system="fuzz", role="system", unit_id="east", scopes=PERMISSIONS)
            return bearer(work.api_keys.add(new, actor_id="test", within=ROOT).token)
    if caller == "person":
        person = user_id(store, "supervisor-east")
        with store.writing() as work:
            return bearer(work.sign_in.open_session(person))
    return {}


@pytest.mark.parametrize("mode", GenerationMode)
@pytest.mark.parametrize("caller", CALLERS)
def test_every_route_keeps_its_promises(document: Any, store: Store, caller: str, mode: GenerationMode) -> None:
    for found in document.get_all_operations():
        operation = found.ok()
        if operation.path not in LEFT_OUT:
            try_operation(operation, mode, headers_of(store, caller))


def try_operation(operation: Any, mode: GenerationMode, headers: dict[str, str]) -> None:
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=EXAMPLES < 100,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def try_it(case: Any) -> None:
        response: Response = case.call(headers=headers)
        assert response.status_code not in OUR_FAILURES, (case.as_curl_command(), response.text)
        case.validate_response(response, checks=CHECKS)

    with suppress(Unsatisfiable):  # a route without parameters and body can be sent nothing wrong
        try_it()
