"""The ASGI app on a tiny trained bundle, in development mode unless a test asks otherwise."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import SecretStr

from models.predictor import Predictor
from serving.app import create_app
from serving.settings import Settings

TOKEN = "t0ken-of-the-tests-0123456789-abcdef"


@pytest.fixture(scope="session")
def settings() -> Settings:
    return Settings(environment="development", api_token=SecretStr(TOKEN), workers=2, queue_size=300)


@pytest.fixture(scope="session")
def app(settings: Settings, tiny_predictor: Predictor) -> FastAPI:
    return create_app(settings, tiny_predictor)


@pytest.fixture(scope="session")
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client
