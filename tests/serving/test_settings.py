"""The service refuses to start with what would be unsafe."""

import stat
from pathlib import Path

import pytest

from data.errors import KeyMaterialError, SettingsError
from serving.settings import DEVELOPMENT_FOLDER, load_settings
from tests.data.store.cases import master_key

STRONG = "q8Zr3vN5xT1mK7pW2cY9bH4dJ6fL0sAg"


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("ENVIRONMENT", "API_TOKEN", "HOST", "PORT", "STORE", "MASTER_KEYS", "MASTER_KEYS_FILE"):
        monkeypatch.delenv(f"XIAOBAO_{name}", raising=False)
    monkeypatch.chdir(tmp_path)


def test_production_is_the_default_and_wants_a_master_key() -> None:
    with pytest.raises(SettingsError, match="XIAOBAO_MASTER_KEYS"):
        load_settings()


def test_without_a_store_production_wants_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XIAOBAO_STORE", "off")
    with pytest.raises(SettingsError, match="XIAOBAO_API_TOKEN is missing"):
        load_settings()


def test_master_keys_come_from_a_file_as_well(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "keys"
    monkeypatch.setenv("XIAOBAO_MASTER_KEYS_FILE", str(file))
    with pytest.raises(SettingsError, match="cannot be read"):
        load_settings()
    file.write_text(master_key("2026a"))
    assert load_settings().read_master_keys().current == "2026a"


def test_the_database_comes_from_a_file_as_well(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It holds a password, which an environment would show."""
    monkeypatch.setenv("XIAOBAO_MASTER_KEYS", master_key("2026a"))
    monkeypatch.setenv("XIAOBAO_DATABASE_URL_FILE", str(tmp_path / "url"))
    settings = load_settings()
    with pytest.raises(SettingsError, match="XIAOBAO_DATABASE_URL_FILE cannot be read"):
        settings.database  # noqa: B018
    (tmp_path / "url").write_text("postgresql://xiaobao:secret@database/xiaobao\n")
    assert settings.database == "postgresql://xiaobao:secret@database/xiaobao"
    assert ":secret@" not in repr(settings)


def test_a_weak_master_key_is_refused_without_repeating_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XIAOBAO_MASTER_KEYS", "2026:c2hvcnQ=")
    with pytest.raises(KeyMaterialError, match="expected at least 32") as caught:
        load_settings()
    assert "c2hvcnQ=" not in caught.value.message


@pytest.mark.parametrize("token", ["changeme", "short", "a" * 40, "xiaobao"])
def test_weak_tokens_are_refused(monkeypatch: pytest.MonkeyPatch, token: str) -> None:
    monkeypatch.setenv("XIAOBAO_STORE", "off")
    monkeypatch.setenv("XIAOBAO_API_TOKEN", token)
    with pytest.raises(SettingsError, match="too weak") as caught:
        load_settings()
    assert token not in caught.value.message


def test_a_strong_token_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XIAOBAO_STORE", "off")
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


def test_lists_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XIAOBAO_WEBHOOK_HOSTS", "crm.bank.example, 10.1.2.3:8080,[fd00::7]:8443")
    monkeypatch.setenv("XIAOBAO_WEBHOOK_RETRY_SECONDS", "5,60")
    settings = load_settings(environment="development")
    assert settings.webhook_hosts == ("crm.bank.example", "10.1.2.3:8080", "[fd00::7]:8443")
    assert settings.webhook_retry_seconds == (5.0, 60.0)


@pytest.mark.parametrize("hosts", ["https://crm.bank.example", "crm.bank.example/hook", "*", "a b"])
def test_a_host_that_could_never_match_is_refused(monkeypatch: pytest.MonkeyPatch, hosts: str) -> None:
    monkeypatch.setenv("XIAOBAO_WEBHOOK_HOSTS", hosts)
    with pytest.raises(SettingsError, match="XIAOBAO_WEBHOOK_HOSTS"):
        load_settings(environment="development")


def test_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XIAOBAO_PORT", "many")
    with pytest.raises(SettingsError, match="XIAOBAO_PORT"):
        load_settings(environment="development")
