"""The ASGI app on a tiny trained bundle, in development mode unless a test asks otherwise."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import SecretStr

from models.predictor import Predictor
from serving.app import create_app
from serving.settings import Settings
from tests.serving.banks import TOKEN, Bank, open_bank


@pytest.fixture(scope="session")
def settings() -> Settings:
    return Settings(environment="development", api_token=SecretStr(TOKEN), workers=2, queue_size=300, store="off")


@pytest.fixture(scope="session")
def app(settings: Settings, tiny_predictor: Predictor) -> FastAPI:
    return create_app(settings, tiny_predictor)


@pytest.fixture(scope="session")
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def bank(url: str, tiny_predictor: Predictor) -> Iterator[Bank]:
    """A bank with a case store, on SQLite and on PostgreSQL."""
    with open_bank(url, tiny_predictor) as bank:
        yield bank
