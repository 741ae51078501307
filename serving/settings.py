"""What the service is told from outside. In: environment `XIAOBAO_*`. Out: `Settings`, checked, made once.

In development (`XIAOBAO_ENVIRONMENT=development`, as `make run` sets it) the service listens on loopback only and
generates token, master key and database into the git-ignored folder `.xiaobao/`. In production, the default, it
refuses to start without a master key of its own or, where it keeps no cases, without a token.
"""

import base64
import ipaddress
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from data.errors import SettingsError

if TYPE_CHECKING:
    from data.policy.book import PolicyBook
    from data.store.crypto import MasterKeys

DEVELOPMENT_FOLDER = Path(".xiaobao")
MINIMUM_TOKEN_LENGTH = 32
REFUSED_TOKENS = frozenset({"changeme", "change-me", "secret", "xiaobao", "default", "password", "test"})


def _listed(value: object) -> object:
    """`a, b` from the environment as a list."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


Seconds = Annotated[float, Field(gt=0, le=604_800)]
HostAndPort = Annotated[str, Field(pattern=r"^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?$")]


class Settings(BaseSettings):
    """Every setting of the service; the environment variable is `XIAOBAO_` and the name in capitals."""

    model_config = SettingsConfigDict(env_prefix="XIAOBAO_", frozen=True, extra="ignore")

    environment: Literal["production", "development"] = "production"
    host: str = Field(default="127.0.0.1", description="Address to listen on; in development loopback only.")
    port: int = Field(default=8000, ge=0, le=65535, description="Port to listen on.")
    api_token: SecretStr | None = Field(default=None, description="Bearer token for triage alone, ≥ 32 characters.")
    store: Literal["on", "off"] = Field(default="on", description="Whether cases can be kept.")
    data_folder: Path = Field(default=Path("/var/lib/xiaobao"), description="Where SQLite keeps its file.")
    database_url: SecretStr | None = Field(
        default=None, description="sqlite:////folder/file.db or postgresql://…; default: SQLite in the data folder."
    )
    database_url_file: Path | None = Field(default=None, description="File that holds the URL instead.")
    master_keys: SecretStr | None = Field(
        default=None, description="id:base64 pairs separated by commas, the current one first."
    )
    master_keys_file: Path | None = Field(default=None, description="File that holds them instead.")
    cipher: Literal["aes-256-gcm", "sm4-gcm"] = Field(default="aes-256-gcm", description="For originals and keys.")
    policy_folder: Path | None = Field(
        default=None, description="Folder of the bank's policy.yaml and its older versions; default: the shipped one."
    )
    holidays: Path | None = Field(default=None, description="The bank's holiday table; default: the shipped one.")
    notice: Path | None = Field(
        default=None, description="What the bank tells its customers about complaining; default: the shipped example."
    )
    oidc_issuer: str | None = Field(default=None, description="The bank's OpenID provider; none: passwords alone.")
    oidc_client_id: str | None = Field(default=None, description="What the provider calls this service.")
    oidc_client_secret_file: Path | None = Field(default=None, description="File with its secret; none: public client.")
    oidc_redirect_url: str | None = Field(
        default=None, description="This service's /console/oidc/callback as registered with the provider."
    )
    oidc_login_claim: str = Field(default="preferred_username", description="Claim that holds a person's login.")
    oidc_scope: str = Field(default="openid profile", description="Scopes that are asked for.")
    oidc_ca_file: Path | None = Field(default=None, description="The bank's own certificate authority, as PEM.")
    report_folder: Path | None = Field(
        default=None,
        description="Folder of the bank's report_groups.yaml and education.yaml; default: the shipped ones.",
    )
    bundle: Path | None = Field(default=None, description="Folder of the model bundle; default: the shipped one.")
    models: Path | None = Field(
        default=None, description="Registry of models; the service follows its pointer unless a bundle is named."
    )
    workers: int | None = Field(default=None, ge=1, le=64, description="Inference threads; default: usable cores.")
    queue_size: int = Field(default=1024, ge=256, description="Texts waiting or running at most; beyond that 429.")
    queue_seconds: float = Field(default=3.0, gt=0, description="While texts wait longer than this, new ones get 429.")
    max_body_bytes: int = Field(default=8_000_000, ge=1024, description="Largest request body.")
    webhook_hosts: Annotated[tuple[HostAndPort, ...], NoDecode, BeforeValidator(_listed)] = Field(
        default=(), description="Hosts, as host or host:port, that webhooks may name; empty: no webhooks."
    )
    webhook_timeout_seconds: float = Field(default=5.0, gt=0, le=5, description="For one attempt as a whole.")
    webhook_retry_seconds: Annotated[tuple[Seconds, ...], NoDecode, BeforeValidator(_listed)] = Field(
        default=(5, 30, 120, 600, 3600, 21600), description="Pauses before the attempts after the first."
    )
    smtp_host: str | None = Field(default=None, description="The bank's mail server; without one no e-mail is sent.")
    smtp_port: int | None = Field(
        default=None, ge=1, le=65535, description="Its port; default: 587 with starttls, 465 with tls, 25 with none."
    )
    smtp_security: Literal["starttls", "tls", "none"] = Field(default="starttls", description="How it is spoken to.")
    smtp_login: str | None = Field(default=None, description="Whom to sign in as there, if at all.")
    smtp_password_file: Path | None = Field(default=None, description="File that holds the password, one line.")
    smtp_sender: Annotated[str, Field(pattern=r"^[!-~]+@[!-~]+$")] | None = Field(
        default=None, description="Address that letters come from."
    )
    console_url: Annotated[str, Field(pattern=r"^https?://[!-~]+$")] | None = Field(
        default=None, description="The console's address for links in letters, https://…/console."
    )
    quality_share: float = Field(
        default=0.02, ge=0, le=1, description="Share of a day's cases that people read without the model's answer."
    )
    event_streams: int = Field(default=64, ge=1, le=1024, description="Event streams open at once.")
    import_max_bytes: int = Field(default=32_000_000, ge=1024, description="Largest file that is imported.")
    import_max_rows: int = Field(default=50_000, ge=1, description="Most rows of a file that is imported.")
    import_max_columns: int = Field(default=200, ge=1, le=1_000, description="Most columns of such a file.")
    import_max_cell_characters: int = Field(
        default=32_767, ge=1, description="Longest cell of such a file; Excel's own limit."
    )
    import_max_unpacked_bytes: int = Field(
        default=256_000_000, ge=1024, description="Most bytes that an XLSX file may unpack to."
    )
    import_max_waiting: int = Field(default=10, ge=1, description="Unfinished imports of one caller at most.")

    log_format: Literal["text", "json"] = Field(default="text", description="Of the lines on standard error.")
    log_requests: Literal["on", "off"] = Field(default="off", description="Whether each request is logged.")

    @property
    def is_development(self) -> bool:
        return self.environment == "development"

    @property
    def keeps_cases(self) -> bool:
        return self.store == "on"

    @property
    def sends_mail(self) -> bool:
        return self.smtp_host is not None

    @property
    def database(self) -> str:
        """URL of the case store."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        if self.database_url_file is not None:
            return _one_line("XIAOBAO_DATABASE_URL_FILE", self.database_url_file)
        return f"sqlite:///{self.data_folder / 'xiaobao.db'}"

    def read_policies(self) -> "PolicyBook":
        """The policies that decisions and clocks go by. Raises PolicyError."""
        from data.policy.book import load_book

        return load_book(self.policy_folder, self.holidays)

    def read_master_keys(self) -> "MasterKeys":
        """All master keys, the current one first. Raises KeyMaterialError, SettingsError."""
        from data.store.crypto import MasterKeys  # a service without a store never loads the cryptography

        if self.master_keys is not None:
            return MasterKeys.parse(self.master_keys.get_secret_value())
        if self.master_keys_file is None:
            raise SettingsError(
                "XIAOBAO_MASTER_KEYS or XIAOBAO_MASTER_KEYS_FILE is missing; originals are encrypted with it; make one "
                "with: python -c \"import base64, os; print('2026:' + base64.b64encode(os.urandom(32)).decode())\"; "
                "or set XIAOBAO_STORE=off"
            )
        try:
            return MasterKeys.parse(self.master_keys_file.read_text(encoding="ascii"))
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"XIAOBAO_MASTER_KEYS_FILE cannot be read: {type(error).__name__}") from None

    def read_smtp_password(self) -> str:
        """Raises SettingsError."""
        if self.smtp_password_file is None:
            raise SettingsError("XIAOBAO_SMTP_LOGIN needs XIAOBAO_SMTP_PASSWORD_FILE, a file with the password")
        return _one_line("XIAOBAO_SMTP_PASSWORD_FILE", self.smtp_password_file)


def _one_line(setting: str, file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{setting} cannot be read: {type(error).__name__}") from None


def load_settings(**overrides: Any) -> Settings:
    """Settings from the environment and overrides. Raises SettingsError on anything the service must not start with."""
    settings = _read(overrides)
    _check_mail(settings)
    if settings.is_development:
        return _development(settings)
    if settings.keeps_cases:
        settings.read_master_keys()
    if settings.api_token is not None or not settings.keeps_cases:
        _check_token(settings.api_token)
    return settings


def policies_of_environment() -> "PolicyBook":
    """What commands that start no service decide by. Raises SettingsError, PolicyError."""
    return _read({}).read_policies()


def load_store_settings() -> Settings:
    """The same for commands on the store: no token is needed, nor keys before they are read. Raises SettingsError."""
    settings = _read({"store": "on", "api_token": None, "host": "127.0.0.1"})
    return _development(settings) if settings.is_development else settings


def _read(overrides: dict[str, Any]) -> Settings:
    try:
        return Settings(**overrides)
    except ValidationError as error:
        problems = "; ".join(
            f"XIAOBAO_{'.'.join(map(str, problem['loc'])).upper()}: {problem['msg']}" for problem in error.errors()
        )
        raise SettingsError(f"wrong settings: {problems}") from error


def _development(settings: Settings) -> Settings:
    if not is_loopback(settings.host):
        raise SettingsError(
            f"in development the service listens on loopback only, XIAOBAO_HOST is {settings.host}; "
            "use 127.0.0.1 or set XIAOBAO_ENVIRONMENT=production with a token of your own"
        )
    made: dict[str, Any] = {}
    if settings.api_token is None:
        made["api_token"] = SecretStr(_generated(DEVELOPMENT_FOLDER / "api_token", _new_token))
    if settings.keeps_cases and settings.master_keys is None and settings.master_keys_file is None:
        made["master_keys"] = SecretStr(_generated(DEVELOPMENT_FOLDER / "master_keys", _new_master_key))
    if "data_folder" not in settings.model_fields_set:
        made["data_folder"] = DEVELOPMENT_FOLDER
    return settings.model_copy(update=made)


def _new_token() -> str:
    return secrets.token_urlsafe(MINIMUM_TOKEN_LENGTH)


def _new_master_key() -> str:
    return f"development:{base64.b64encode(secrets.token_bytes(32)).decode()}"


def _generated(file: Path, make: Callable[[], str]) -> str:
    if not file.exists():
        file.parent.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as stream:
            stream.write(make())
    return file.read_text().strip()


def _check_mail(settings: Settings) -> None:
    if not settings.sends_mail:
        return
    if settings.smtp_sender is None:
        raise SettingsError("XIAOBAO_SMTP_HOST needs XIAOBAO_SMTP_SENDER, the address that letters come from")
    if settings.smtp_login is not None:
        if settings.smtp_security == "none" and not is_loopback(settings.smtp_host or ""):
            raise SettingsError(
                "XIAOBAO_SMTP_SECURITY=none would send the password in clear; use starttls or tls, or no login"
            )
        settings.read_smtp_password()


def _check_token(token: SecretStr | None) -> None:
    value = token.get_secret_value() if token else ""
    generate = 'make one with: python -c "import secrets; print(secrets.token_urlsafe(32))"'
    if not value:
        raise SettingsError(f"XIAOBAO_API_TOKEN is missing; the service does not start without it; {generate}")
    if len(value) < MINIMUM_TOKEN_LENGTH or len(set(value)) < 8 or value.lower() in REFUSED_TOKENS:
        raise SettingsError(
            f"XIAOBAO_API_TOKEN is too weak ({len(value)} characters); expected at least {MINIMUM_TOKEN_LENGTH} "
            f"random ones; {generate}"
        )


def is_loopback(host: str) -> bool:
    """Whether an address reaches only this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
