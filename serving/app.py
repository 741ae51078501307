"""The HTTP service. In: settings. Out: an ASGI app.

Validate → normalise → redact → tokenise before the queue; worker threads run the model; one error shape for everything.
Nothing is loaded from outside: the API pages bring their own scripts. `serving.api_only` is the same without pages.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi_offline import FastAPIOffline
from starlette.applications import Starlette

from models.predictor import Predictor
from serving import page
from serving.api import (
    alerts,
    audit,
    case_endings,
    case_limits,
    case_work,
    cases,
    events,
    imports,
    keys,
    organisation,
    policy,
    probes,
    sessions,
    triage,
    webhooks,
)
from serving.api.requests import BatchRequest, TriageRequest
from serving.api.responses import MEANINGS
from serving.console.app import add_console
from serving.errors import refuse_invalid
from serving.imports.lifecycle import import_lifespan
from serving.lifecycle import Lifespan, equip, model_lifespan
from serving.settings import Settings
from serving.store_lifecycle import store_lifespan

# Imports first: /v1/cases/import is no case.
STORE_ROUTES = (
    imports,
    cases,
    case_work,
    case_limits,
    case_endings,
    events,
    alerts,
    webhooks,
    sessions,
    organisation,
    keys,
    policy,
    audit,
)


NO_JSON = {
    "description": MEANINGS[400],
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorBody"}}},
}


def create_app(settings: Settings, predictor: Predictor | None = None) -> FastAPI:
    """An app that loads the bundle on start-up, or uses a given predictor."""
    app: FastAPI = FastAPIOffline(
        title="xiaobao 消保",
        version=version("xiaobao"),
        description="Triage of Chinese bank complaints: facets, risk flags and the words that show them.",
        lifespan=_lifespan(settings, predictor),
    )
    equip(app, settings)
    app.add_exception_handler(RequestValidationError, refuse_invalid)
    app.include_router(triage.router)
    if settings.keeps_cases:
        for routes in STORE_ROUTES:
            app.include_router(routes.router)
    app.include_router(probes.router)
    app.include_router(page.router)
    if settings.keeps_cases:
        add_console(app, settings)
    _complete_document(app)
    return app


def _lifespan(settings: Settings, predictor: Predictor | None) -> Lifespan:
    """The model and, if cases are kept, the store and the worker for imports."""
    model, store = model_lifespan(settings, predictor), store_lifespan(settings)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with model(app), store(app), import_lifespan(app):
            yield

    return lifespan


def _complete_document(app: FastAPI) -> None:
    """Put request models and token into the OpenAPI document: routes that read their own request cannot do it."""
    generate = app.openapi

    def openapi() -> dict[str, object]:
        if app.openapi_schema is None:
            document = generate()
            for model in (TriageRequest, BatchRequest):
                document["components"]["schemas"][model.__name__] = model.model_json_schema()
            # Items are checked one by one, so the model itself says Any; clients should see what an item is.
            items = document["components"]["schemas"]["BatchRequest"]["properties"]["items"]
            items["items"] = {"$ref": "#/components/schemas/TriageRequest"}
            document["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
            for path, operations in document["paths"].items():
                for name, operation in operations.items():
                    if "requestBody" in operation:  # any body may be no JSON, whichever route reads it
                        operation["responses"].setdefault("400", NO_JSON)
                    if path.startswith("/v1/") and (name, path) != ("post", "/v1/sessions"):
                        operation["security"] = [{"token": []}]
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]
