"""The service refuses to start with what would be unsafe."""

import stat
from pathlib import Path

import pytest

from data.errors import SettingsError
from serving.settings import DEVELOPMENT_FOLDER, load_settings

STRONG = "q8Zr3vN5xT1mK7pW2cY9bH4dJ6fL0sAg"


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("ENVIRONMENT", "API_TOKEN", "HOST", "PORT"):
        monkeypatch.delenv(f"XIAOBAO_{name}", raising=False)
    monkeypatch.chdir(tmp_path)


def test_production_is_the_default_and_wants_a_token() -> None:
    with pytest.raises(SettingsError, match="XIAOBAO_API_TOKEN is missing"):
        load_settings()


@pytest.mark.parametrize("token", ["changeme", "short", "a" * 40, "xiaobao"])
def test_weak_tokens_are_refused(monkeypatch: pytest.MonkeyPatch, token: str) -> None:
    monkeypatch.setenv("XIAOBAO_API_TOKEN", token)
    with pytest.raises(SettingsError, match="too weak") as caught:
        load_settings()
    assert token not in caught.value.message


def test_a_strong_token_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XIAOBAO_API_TOKEN", STRONG)
    assert not load_settings().is_development


def test_development_makes_a_private_key_once() -> None:
    first = load_settings(environment="development").api_token
    file = DEVELOPMENT_FOLDER / "api_token"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert load_settings(environment="development").api_token == first


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "example.org", "::"])
def test_development_listens_on_loopback_only(host: str) -> None:
    with pytest.raises(SettingsError, match="loopback only"):
        load_settings(environment="development", host=host)


def test_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XIAOBAO_PORT", "many")
    with pytest.raises(SettingsError, match="XIAOBAO_PORT"):
        load_settings(environment="development")
